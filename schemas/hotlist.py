"""Hot list entries (section H of the order) and the changes that carry them."""

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from platestream.schemas.fields import (
    Instant,
    Latitude,
    Longitude,
    Name,
    Record,
    State,
    Text,
    Vehicle,
    is_zone,
)
from platestream.schemas.message import Message, RefusedError

OWN_SOURCE = "sjpd"
BOLO_SOURCE = "bolo"  # entries of neighboring agencies, accepted under an MOU
PARTNER_SOURCE = "partner"  # entries that other agencies offered and this one accepted
CHECKED_SOURCES = ("ncic", "acic", "mvd")  # their owner verifies an entry before any action (G.3)
OWN_MUST_HAVE = ("case_number", "reason", "requested_by", "contact", "instructions")
INSTRUCTIONS = (  # the order's own four (H.6); free text besides
    "P/C for arrest",
    "No P/C for arrest, stop only with P/C and identify occupants",
    "Do not stop, contact member of Alert Hit",
    "R/O known to carry firearm",
)
KNOWN_CHARACTERS = 2  # least number in a partial plate, as in a search
KNOWN_FEATURES = 2  # least number in a description without a plate
PASS_SECONDS = 90  # a vehicle that stays in view is detected again after 60 s
WILD = re.compile(r"[?*]")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]
Pattern = Annotated[
    str, Meta(pattern=r"^[A-Z0-9?*]{1,16}$", description="A-Z and 0-9; ? one unknown character, * any number")
]


class Area(msgspec.Struct, frozen=True, gc=False):
    """A circle on the map."""

    latitude: Latitude
    longitude: Longitude
    radius_m: Annotated[float, Meta(gt=0, le=500_000)]


class Hours(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hours of a day from `start` to `end`, past midnight if `end` is not later.

    Without `days`: every day.
    """

    start: Clock
    end: Clock
    days: tuple[Day, ...] = ()
    offset_minutes: Annotated[int, Meta(ge=-840, le=840, description="of local time to UTC")] = -420
    zone: Annotated[
        str, Meta(max_length=64, description="IANA time zone with its daylight saving; before offset_minutes")
    ] = ""

    def __post_init__(self) -> None:
        if self.zone and not is_zone(self.zone):
            raise ValueError("`zone` is no IANA time zone, such as America/Phoenix")


class HotListEntry(Record, tag="hotlist_entry/1", frozen=True, kw_only=True, omit_defaults=True):
    """A listed plate, partial plate or description, with all that section H requires. Every entry expires.

    If the plate is complete, the vehicle is for information only, because a stolen plate on another car must
    alert. For a partial plate the vehicle is a filter; for a description (`plate` is `*`) it is the only
    criterion.
    """

    entry_id: Annotated[Name, Meta(description="`source:reference`, the topic's key")]
    source: Name
    category: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
    plate: Pattern
    state: State | None = None
    vehicle: Vehicle = Vehicle()
    case_number: Text = ""
    reason: Text = ""
    requested_by: Text = ""
    contact: Text = ""
    instructions: Text = ""
    other: Text = ""
    valid_from: Instant | None = None
    expires_at: Instant
    listed_at: Annotated[
        Instant | None, Meta(description="since when it lists what it lists; reads before are historical")
    ] = None
    look_alikes: Annotated[int, Meta(ge=0, le=2, description="characters that may differ")] | None = None
    cameras: Annotated[tuple[Name, ...], Meta(description="only these; empty: all")] = ()
    areas: Annotated[tuple[Area, ...], Meta(description="only inside one of them; empty: anywhere")] = ()
    hours: Annotated[tuple[Hours, ...], Meta(description="only then; empty: at any time")] = ()
    silenced_for: Annotated[tuple[Name, ...], Meta(description="agencies that it does not alert")] = ()
    again_after_s: Annotated[
        int, Meta(ge=0, le=3600, description="a sighting this soon after the last is the same pass; 0: never")
    ] = PASS_SECONDS

    def __post_init__(self) -> None:
        if self.source == OWN_SOURCE:
            missing = [name for name in OWN_MUST_HAVE if not getattr(self, name).strip()]
            if missing:
                raise ValueError(f"an own entry needs {', '.join(missing)} (order, section H)")
        if self.is_pattern:
            self._check_pattern()
        elif len(self.plate) > 10:
            raise ValueError("`plate` is longer than 10 characters")
        if self.valid_from is not None and self.valid_from >= self.expires_at:
            raise ValueError("`valid_from` is not before `expires_at`")

    @property
    def is_pattern(self) -> bool:
        """True if the plate has unknown characters: a partial plate or a description."""
        return "?" in self.plate or "*" in self.plate

    @property
    def known(self) -> str:
        """The known characters of the plate."""
        return WILD.sub("", self.plate)

    @property
    def breadth(self) -> tuple[object, ...]:
        """Everything that decides which reads match. A change that leaves it the same needs no look-back."""
        vehicle = self.vehicle if self.is_pattern else None
        limits = (self.cameras, self.areas, self.hours, self.valid_from)
        return (self.plate, self.state, vehicle, self.look_alikes, *limits)

    def _check_pattern(self) -> None:
        vehicle = self.vehicle
        features = sum(one is not None for one in (vehicle.make, vehicle.model, vehicle.colour, vehicle.body))
        if len(self.known) < KNOWN_CHARACTERS and features + len(vehicle.other) < KNOWN_FEATURES:
            raise ValueError(
                f"`plate` is too open: it needs {KNOWN_CHARACTERS} known characters, "
                f"or `vehicle` {KNOWN_FEATURES} features"
            )


class HotListChange(msgspec.Struct, frozen=True, gc=False):
    """The newest version of an entry, or its removal (`entry` is None)."""

    entry_id: str
    entry: HotListEntry | None

    @classmethod
    def from_message(cls, message: Message) -> "HotListChange":
        """Validate a message of the changelog. Raises RefusedError."""
        key = (message.key or b"").decode(errors="replace")
        if not key:
            raise RefusedError("key", "hot list change without a key: it names no entry")
        if message.value is None:
            return cls(key, None)
        entry = HotListEntry.from_json(message.value)
        if entry.entry_id != key:
            raise RefusedError("key", "hot list entry whose key is not its `entry_id`")
        return cls(key, entry)

    def to_message(self) -> Message:
        """Return the change as a message of the changelog; a removal has no value."""
        return Message(self.entry_id.encode(), None if self.entry is None else self.entry.to_json())
