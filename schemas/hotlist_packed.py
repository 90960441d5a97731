"""A hot list entry in few bytes: how a list of millions is kept in memory, never stored."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Annotated, Any, Protocol, cast

import msgspec
from msgspec import Meta

from schemas.hotlist import HotListEntry

CHECKED = ("entry_id", "source", "category", "plate", "state")  # texts of a pattern
Short = Annotated[str, Meta(min_length=1, max_length=64)]

_FIELDS = sorted(msgspec.structs.fields(HotListEntry), key=lambda one: one.name != "plate")


def loose_fields(**other: Any) -> list[tuple[str, Any, Any]]:
    """The fields of an entry, the plate first, for a struct that does not look at the patterns of its texts,
    which take most of the time of decoding. `other` types take the place of an entry's own."""
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


class Fields(Protocol):
    """What has the fields of an entry."""

    @property
    def plate(self) -> str: ...


_values = attrgetter(*(one.name for one in _FIELDS))
_Packed = msgspec.defstruct("_Packed", loose_fields(), array_like=True, kw_only=True, gc=False)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def pack(entry: Fields) -> bytes:
    """Its fields by position."""
    (packed,) = pack_all([entry])
    return packed


def pack_all(entries: Iterable[Fields]) -> list[bytes]:
    """Each of them; copied, because the encoder's own bytes keep a quarter more memory than they show."""
    return [b"%b" % one for one in map(_encoder.encode, map(_values, entries))]


def unpack(packed: bytes) -> HotListEntry:
    """The entry that `pack` was given."""
    return HotListEntry(**msgspec.structs.asdict(_decoder.decode(packed)))


def packed_plate(packed: bytes) -> str:
    """Its plate alone, which tells mostly enough: behind the array's header of three bytes, a short text."""
    return packed[4 : 4 + (packed[3] & 31)].decode()
