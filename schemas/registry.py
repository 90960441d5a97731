"""Registry records: agencies, users, cameras, shifts, hot list sources and more, with their approvals.

The other kinds are training material, duty times, special details, incidents and sensitive places.
"""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from platestream.schemas.acts import ROLES, Role
from platestream.schemas.fields import Instant, Latitude, Longitude, Name, Record, Text
from platestream.schemas.profile import PlaceKind

Kind = Literal[
    "agency",
    "user",
    "camera",
    "hotlist_source",
    "hotlist_category",
    "shift",
    "detail",
    "incident",
    "place",
    "roster",
    "material",
    "evidence_system",
]
WIDEST_M = 10_000
WIDEST_DEGREES = 0.5
Outcome = Literal["", "arrest", "recovery", "person_located", "significant", "result"]


class Duty(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in which a person is on duty (F.4), or is absent: then `absent` gives the reason."""

    user: Name
    since: Instant
    until: Instant
    absent: Annotated[str, Meta(max_length=200)] = ""

    def overlaps(self, other: "Duty") -> bool:
        """Return whether both are of the same person and kind, and overlap."""
        same = self.user == other.user and bool(self.absent) == bool(other.absent)
        return same and self.since < other.until and other.since < self.until


class RegistryRecord(Record, tag="registry_record/1", frozen=True, kw_only=True):
    """The newest version of a record; its key is `kind/id`. Fields that a kind does not use are empty."""

    kind: Kind
    id: Name
    name: Text
    active: bool = True
    approved_by: Text = ""
    approved_at: Instant | None = None
    agency: Annotated[str, Meta(max_length=64, description="user: the agency's id")] = ""
    role: Annotated[str, Meta(max_length=64, description="user: roles, joined by commas; empty: officer")] = (
        ""
    )
    trained_at: Annotated[Instant | None, Meta(description="user: training completed (F.7)")] = None
    employee_number: Annotated[
        str, Meta(max_length=64, description="user: of this agency required, and one person's")
    ] = ""
    material: Annotated[str, Meta(max_length=64, description="user: id of the training material (E.1.d)")] = (
        ""
    )
    sworn: Annotated[bool | None, Meta(description="user: sworn employee (F.4, F.8); null: not said")] = None
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
    declared_by: Annotated[Text, Meta(description="agency: who signed the declaration")] = ""
    declaration: Annotated[
        str, Meta(pattern=r"^([0-9a-f]{64})?$", description="agency: SHA-256 of the declaration's text")
    ] = ""
    address: Annotated[
        str, Meta(max_length=200, description="agency: where its databases are asked, https://host:port")
    ] = ""
    keys: Annotated[
        tuple[Annotated[str, Meta(max_length=64)], ...],
        Meta(
            max_length=2, description="agency: its public keys (Ed25519, base64 of DER); two while one is new"
        ),
    ] = ()
    changed_at: Annotated[Instant | None, Meta(description="the newest record of an id stands")] = None
    changed_by: Annotated[str, Meta(max_length=64, description="who wrote this version (E.1.a)")] = ""
    longest_days: (
        Annotated[int, Meta(ge=1, le=3660, description="hotlist_category: most days an entry holds (H.8)")]
        | None
    ) = None
    refreshed_at: Annotated[
        Instant | None, Meta(description="hotlist_source: its list was last imported whole")
    ] = None
    feed_place: Annotated[
        str, Meta(max_length=300, description="hotlist_source: the file or folder that its job reads")
    ] = ""
    feed_key: Annotated[
        str, Meta(max_length=64, description="hotlist_source: public key that signs its files (as `keys`)")
    ] = ""
    feed_layout: Annotated[
        str, Meta(max_length=300, description="hotlist_source: layout of its files, or delimiter and columns")
    ] = ""
    feed_map: Annotated[
        str, Meta(max_length=4000, description="hotlist_source: the column map, where the layout is `map`")
    ] = ""
    feed_every_minutes: (
        Annotated[
            int, Meta(ge=1, le=44640, description="hotlist_source: a file is due; late after twice this time")
        ]
        | None
    ) = None
    feed_removes_percent: (
        Annotated[
            int, Meta(ge=0, le=100, description="hotlist_source: most of its entries that a file may remove")
        ]
        | None
    ) = None
    feed_sequence: Annotated[
        int, Meta(ge=0, description="hotlist_source: number of the last imported file; 0: not numbered")
    ] = 0
    feed_made_at: Annotated[
        Instant | None, Meta(description="hotlist_source: when the last imported file was signed")
    ] = None
    transfer_place: Annotated[
        str,
        Meta(
            max_length=300,
            description="evidence_system: a folder, sftp://user@host/folder or s3://host/bucket/folder",
        ),
    ] = ""
    host_key: Annotated[
        str, Meta(max_length=1000, description="evidence_system: key of its SFTP server, as in known_hosts")
    ] = ""
    server_ca: Annotated[
        str, Meta(max_length=20_000, description="evidence_system: PEM of what its S3 server is checked by")
    ] = ""
    gives_back: Annotated[bool, Meta(description="evidence_system: its server lets us read what we sent")] = (
        True
    )
    receipt_minutes: (
        Annotated[
            int, Meta(ge=1, le=44640, description="evidence_system: it writes receipts, within this time")
        ]
        | None
    ) = None
    receipt_key: Annotated[
        str, Meta(max_length=64, description="evidence_system: public key of its receipts (as `keys`)")
    ] = ""
    recipient: Annotated[
        str,
        Meta(max_length=200, description="evidence_system: public key (age) that packages are encrypted to"),
    ] = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    since: Annotated[
        Instant | None,
        Meta(description="camera, detail: the approved period; shift: logged in; incident: when it was"),
    ] = None
    until: Annotated[
        Instant | None, Meta(description="camera, detail: the period's end; shift: logged out, or at most")
    ] = None
    user: Annotated[str, Meta(max_length=64, description="shift: whose")] = ""
    cameras: Annotated[
        tuple[Name, ...],
        Meta(max_length=1000, description="detail: its cameras; shift: those of its car; incident: where"),
    ] = ()
    detail: Annotated[str, Meta(max_length=64, description="incident: of which special detail")] = ""
    moves: Annotated[
        bool, Meta(description="camera: in a vehicle or portable; its place is no fixed one")
    ] = False
    place: Annotated[PlaceKind | Literal[""], Meta(description="place: what is there")] = ""
    radius_m: Annotated[
        Annotated[float, Meta(gt=0, le=WIDEST_M)] | None, Meta(description="place: a circle of this radius")
    ] = None
    outline: Annotated[
        tuple[tuple[Latitude, Longitude], ...],
        Meta(max_length=500, description="place: its corners in order, instead of a circle"),
    ] = ()
    case_number: Text = ""
    outcome: Annotated[Outcome, Meta(description="incident: what it was (E.1.f)")] = ""
    version: Annotated[str, Meta(max_length=64, description="material: which version it is")] = ""
    sha256: Annotated[
        str, Meta(pattern=r"^([0-9a-f]{64})?$", description="material: SHA-256 of its text")
    ] = ""
    duties: Annotated[
        tuple[Duty, ...], Meta(max_length=2000, description="roster: who is on duty when (F.4)")
    ] = ()
    results: Annotated[Text, Meta(description="camera, detail, incident: what came of it, no plate")] = ""

    def __post_init__(self) -> None:
        if self.kind == "camera" and (self.latitude is None or self.longitude is None):
            raise ValueError("a camera needs `latitude` and `longitude`")
        if self.kind == "user" and not self.agency:
            raise ValueError("a user needs `agency`")
        if self.kind == "shift" and not (self.user and self.since and self.until):
            raise ValueError("a shift needs `user`, `since` and `until`")
        if self.kind == "detail" and not (self.cameras and self.since and self.until):
            raise ValueError("a special detail needs `cameras`, `since` and `until`")
        if self.kind == "incident" and not (self.since and self.outcome and (self.cameras or self.detail)):
            raise ValueError("an incident needs `since`, `outcome`, and `cameras` or `detail`")
        if self.kind == "material" and not (
            self.version and self.sha256 and self.approved_by and self.approved_at
        ):
            raise ValueError("a material needs `version`, `sha256`, `approved_by` and `approved_at`")
        if self.kind == "evidence_system" and not self.transfer_place:
            raise ValueError("an evidence system needs `transfer_place`")
        if self.since and self.until and self.until < self.since:
            raise ValueError("`until` is before `since`")
        if self.kind == "roster":
            self._check_roster()
        if self.kind == "place":
            self._check_place()

    def _check_roster(self) -> None:
        if not (self.duties and self.since and self.until):
            raise ValueError("a roster needs `duties`, `since` and `until`")
        ordered = sorted(self.duties, key=lambda one: (one.user, not one.absent, one.since))
        for one in ordered:
            if not self.since <= one.since < one.until <= self.until:
                raise ValueError(f"{one.user} from {one.since} until {one.until}: no time of this roster")
            if not one.absent and one.until - one.since > timedelta(days=1):
                raise ValueError(f"{one.user} from {one.since}: duty of more than 24 hours")
        for one, following in pairwise(ordered):
            if one.overlaps(following):
                raise ValueError(f"{one.user}: two times overlap at {following.since}")

    def _check_place(self) -> None:
        circle = self.latitude is not None and self.longitude is not None and self.radius_m is not None
        if not self.place:
            raise ValueError("a place needs `place`: what is there")
        if circle == bool(self.outline):
            raise ValueError("a place needs either `latitude`, `longitude` and `radius_m`, or `outline`")
        if self.outline and len(set(self.outline)) < 3:
            raise ValueError("an `outline` has three different corners at least")
        first = self.outline[0] if self.outline else (0.0, 0.0)
        for north, east in self.outline:
            if (
                abs(north - first[0]) > WIDEST_DEGREES
                or _longitude_difference(east - first[1]) > WIDEST_DEGREES
            ):
                raise ValueError("an `outline` is of one place: corners are 0.5 degrees apart at most")

    def counts_at(self, at: datetime) -> bool:
        """Return whether the record is active and `at` is within its period (camera, shift or detail)."""
        begun = self.since is None or self.since <= at
        return self.active and begun and (self.until is None or at < self.until)

    def mou_at(self, at: datetime) -> bool:
        """Return whether data may be shared with the agency at that time (I.2)."""
        if not self.active or self.own:
            return self.active
        begun = self.mou_from is not None and self.mou_from <= at
        return begun and (self.mou_until is None or at < self.mou_until)

    @property
    def has_feed(self) -> bool:
        """True for an active hot list source with a registered place or key of its files."""
        return self.active and bool(self.feed_place or self.feed_key)

    @property
    def feed_late_after(self) -> timedelta | None:
        """The time without an import after which the feed is late; None where no interval is registered."""
        if not (self.has_feed and self.feed_every_minutes):
            return None
        return timedelta(minutes=2 * self.feed_every_minutes)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The known roles of a user. A record without a role is an officer's."""
        names = self.role.split(",") if self.role else ["officer"]
        return tuple(role for role in ROLES if role in names)

    @property
    def key(self) -> str:
        """The topic's key."""
        return f"{self.kind}/{self.id}"


def _longitude_difference(degrees: float) -> float:
    """Return the difference of two longitudes in degrees, the shorter way around."""
    return abs((degrees + 180) % 360 - 180)
