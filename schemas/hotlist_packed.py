"""Compact encoding of hot list entries, for lists of millions in memory. It is never stored."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta

from platestream.schemas.hotlist import HotListEntry

CHECKED = ("entry_id", "source", "category", "plate", "state")  # texts that are validated by a pattern
Short = Annotated[str, Meta(min_length=1, max_length=64)]

_FIELDS = sorted(msgspec.structs.fields(HotListEntry), key=lambda one: one.name != "plate")


def loose_fields(**other: Any) -> list[tuple[str, Any, Any]]:
    """Return the fields of an entry, the plate first, for a struct without patterns of texts.

    Validation of the patterns takes most of the time of decoding. `other` types replace those of the entry.
    """
    plain: dict[str, Any] = {**dict.fromkeys(CHECKED, str), "entry_id": Short, "state": str | None}
    types, field = {**plain, **other}, cast(Any, msgspec.field)
    return [
        (
            one.name,
            types.get(one.name, one.type),
            field(default=one.default, default_factory=one.default_factory),
        )
        for one in _FIELDS
    ]


_values = attrgetter(*(one.name for one in _FIELDS))
_Packed = msgspec.defstruct("_Packed", loose_fields(), array_like=True, kw_only=True, gc=False)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def pack(entry: HotListEntry) -> bytes:
    """Return the fields of an entry by position, encoded as MessagePack."""
    (packed,) = pack_all([entry])
    return packed


def pack_all(entries: Iterable[Any]) -> list[bytes]:
    """Return each entry packed; an entry is anything with its fields.

    The bytes are copied, because the encoder's own hold a quarter more memory.
    """
    return [b"%b" % one for one in map(_encoder.encode, map(_values, entries))]


def unpack(packed: bytes) -> HotListEntry:
    """Return the entry that was packed."""
    return HotListEntry(**msgspec.structs.asdict(_decoder.decode(packed)))


def packed_plate(packed: bytes) -> str:
    """Return the plate of a packed entry without decoding the rest.

    It is a short text behind the header of the array, which has three bytes.
    """
    return packed[4 : 4 + (packed[3] & 31)].decode()
