"""What reaches a bucket of the list: entries, removals, designations, marks, and reads."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from schemas.detection import Detection
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord


class PackedEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry in its bucket, packed (`schemas.hotlist_packed`): decoded only when a read meets it.

    `key` is its id, `until` its expiry; `shape` is that of its plate, or empty for a pattern, which is in
    every bucket. Router and bucket share one object, so that a list of millions is held once.
    """

    key: bytes
    shape: bytes
    packed: bytes
    until: datetime


class Changes(msgspec.Struct, frozen=True, gc=False):
    """Changes of one partition of the changelog, no key twice: entries as they are now, and keys removed."""

    partition: int
    listed: list[PackedEntry]
    removed: list[bytes]


class Entries(msgspec.Struct, frozen=True, gc=False):
    """Entries with whole plates that are new in this bucket."""

    listed: list[PackedEntry]


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry left this bucket: removed, expired, or listed with another plate."""

    key: bytes
    shape: bytes


class Reads(msgspec.Struct, frozen=True):
    """Reads of one batch in one bucket: `own` are those whose plate belongs there, `others` those of which
    another reading does. A batch crosses as one, because each item that crosses costs as much as a match."""

    own: list[Detection] = []
    others: list[Detection] = []


Event = Entries | PackedEntry | Removal | RegistryRecord | EndOfSnapshot | Reads
BucketEvents = tuple[str, list[Event]]
