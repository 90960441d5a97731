"""Registry records: agencies, users, cameras and hot list sources, and who approved them."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.fields import Instant, Latitude, Longitude, Name, Record, Text

Kind = Literal["agency", "user", "camera", "hotlist_source", "hotlist_category"]


class RegistryRecord(Record, tag="registry_record/1", frozen=True, kw_only=True):
    """The newest version of a record; key `kind/id`. What a kind does not need stays empty."""

    kind: Kind
    id: Name
    name: Text
    active: bool = True
    approved_by: Text = ""
    approved_at: Instant | None = None
    agency: Annotated[str, Meta(max_length=64, description="user: the agency's id")] = ""
    role: Annotated[str, Meta(max_length=64, description="user: what the person may do")] = ""
    trained_at: Annotated[Instant | None, Meta(description="user: training completed (F.7)")] = None
    mou_from: Annotated[Instant | None, Meta(description="agency: the MOU holds from (I.2)")] = None
    mou_until: Annotated[Instant | None, Meta(description="agency: the MOU holds until")] = None
    own: Annotated[bool, Meta(description="agency: this one; it needs no MOU with itself")] = False
    law_enforcement: Annotated[
        bool, Meta(description="agency: false: each request needs its legal basis (I.4)")
    ] = True
    shares_cameras: Annotated[
        tuple[Name, ...], Meta(max_length=1000, description="agency: what the MOU shares; empty: all")
    ] = ()
    shares_kinds: Annotated[
        tuple[Name, ...], Meta(max_length=20, description="agency: kinds of inquiry; empty: all")
    ] = ()
    state: Annotated[str, Meta(max_length=2, description="agency: postal code; US: federal")] = ""
    declared_at: Annotated[
        Instant | None, Meta(description="agency: written declaration of what it looks for")
    ] = None
    changed_at: Annotated[Instant | None, Meta(description="the newest record of an id stands")] = None
    longest_days: (
        Annotated[int, Meta(ge=1, le=3660, description="hotlist_category: most days an entry holds (H.8)")]
        | None
    ) = None
    refreshed_at: Annotated[
        Instant | None, Meta(description="hotlist_source: its list was last imported whole")
    ] = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    def __post_init__(self) -> None:
        if self.kind == "camera" and (self.latitude is None or self.longitude is None):
            raise ValueError("a camera needs `latitude` and `longitude`")
        if self.kind == "user" and not self.agency:
            raise ValueError("a user needs `agency`")

    @property
    def key(self) -> str:
        """The topic's key."""
        return f"{self.kind}/{self.id}"
