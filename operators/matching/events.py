"""Events for a bucket of the list: entries, removals, designations, marks, and reads."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from platestream.schemas.detection import Detection
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord


class PackedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry in its bucket, packed (`platestream.schemas.hotlist_packed`); it is decoded only when a read
    matches it.

    `key` is its id, `until` its expiry; `shape` is that of its plate, or empty for a pattern, which is in
    every bucket. Router and bucket share one object, so that a list of millions is in memory once.
    """

    key: bytes
    shape: bytes
    packed: bytes
    until: datetime


class Changes(msgspec.Struct, frozen=True, gc=False):
    """Changes of one partition of the changelog without duplicate keys: entries, and removed keys."""

    partition: int
    listed: list[PackedEntry]
    removed: list[bytes]


class Entries(msgspec.Struct, frozen=True, gc=False):
    """Entries with complete plates that are new in this bucket."""

    listed: list[PackedEntry]


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry that leaves this bucket: removed, expired, or changed to another plate."""

    key: bytes
    shape: bytes


class Reads(msgspec.Struct, frozen=True):
    """Reads of one batch in one bucket: `own` by their plate, `others` by another reading.

    A batch is one item, because each item that crosses workers costs as much as a match.
    """

    own: list[Detection] = []
    others: list[Detection] = []


class ReadsInView(msgspec.Struct, frozen=True):
    """Published reads whose vehicles stand in view still, and the newest frame of each, by its detection."""

    reads: Reads
    seen_at: dict[UUID, datetime]


Event = ReadsInView | Entries | PackedEntry | Removal | RegistryRecord | EndOfSnapshot | Reads
BucketEvents = tuple[str, list[Event]]
