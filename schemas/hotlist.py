"""Hot list entries (section H of the order) and the changes that carry them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.fields import Instant, Name, PlateText, Record, State, Text, Vehicle
from schemas.message import Message, RefusedError

Category = Literal[
    "stolen_vehicle",
    "stolen_plate",
    "wanted_person",
    "missing_person",
    "protection_order",
    "terrorist_activity",
    "amber_alert",
    "blue_alert",
    "silver_alert",
    "suspect_vehicle",
]
OWN_SOURCE = "sjpd"
OWN_MUST_HAVE = ("case_number", "reason", "requested_by", "contact", "instructions")


class HotListEntry(Record, tag="hotlist_entry/1", frozen=True, kw_only=True):
    """A listed plate. The agency's own entries carry all that section H asks for; all entries expire."""

    entry_id: Annotated[Name, Meta(description="`source:reference`, the topic's key")]
    source: Name
    category: Category
    plate: PlateText
    state: State | None = None
    vehicle: Vehicle = Vehicle()
    case_number: Text = ""
    reason: Text = ""
    requested_by: Text = ""
    contact: Text = ""
    instructions: Text = ""
    other: Text = ""
    expires_at: Instant

    def __post_init__(self) -> None:
        if self.source != OWN_SOURCE:
            return
        missing = [name for name in OWN_MUST_HAVE if not getattr(self, name).strip()]
        if missing:
            raise ValueError(f"an own entry needs {', '.join(missing)} (order, section H)")


class HotListChange(msgspec.Struct, frozen=True):
    """The newest version of an entry, or its removal: `entry` is None."""

    entry_id: str
    entry: HotListEntry | None
    partition: int = -1

    @classmethod
    def from_message(cls, message: Message) -> "HotListChange":
        """Validate a message of the changelog. Raises RefusedError."""
        key = (message.key or b"").decode(errors="replace")
        if not key:
            raise RefusedError("key", "hot list change without a key: it names no entry")
        if message.value is None:
            return cls(key, None, message.partition)
        entry = HotListEntry.from_json(message.value)
        if entry.entry_id != key:
            raise RefusedError("key", "hot list entry whose key is not its `entry_id`")
        return cls(key, entry, message.partition)

    def to_message(self) -> Message:
        """The change as a message of the changelog; a removal has no value."""
        return Message(self.entry_id.encode(), None if self.entry is None else self.entry.to_json())
