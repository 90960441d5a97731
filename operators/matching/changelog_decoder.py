"""Decoding of the hot list's changelog to index entries, in batches.

Most of the cost of decoding an entry alone is the call and the patterns of its texts. A batch is therefore
decoded by one call, and its texts are checked column by column. A batch that contains anything else than
complete plates of other agencies is halved until the unusual item is alone, and that is decoded by itself:
rejections and their reasons always come from the record's own decoder.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import msgspec

from platestream.operators.matching.events import Changes, PackedEntry
from platestream.schemas import plates
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.fields import NAME
from platestream.schemas.hotlist import OWN_SOURCE, HotListChange, HotListEntry
from platestream.schemas.hotlist_packed import loose_fields, pack, pack_all
from platestream.schemas.message import Batch, EndOfSnapshot, RefusedError

Found = Changes | EndOfSnapshot | DeadLetter

_SCHEMA = ("schema", Literal["hotlist_entry/1"])
_Loose: Any = msgspec.defstruct(
    "_Loose", [_SCHEMA, *loose_fields(valid_from=None)], kw_only=True, gc=False, forbid_unknown_fields=True
)
_decoder = msgspec.json.Decoder(_Loose)
_NAMES = re.compile(rf"(?:{NAME}\n)*")
_PLATES = re.compile(r"(?:[A-Z0-9]{1,10}\n)*")


def list_changes(items: list[Batch | EndOfSnapshot]) -> list[Found]:
    """Return the changes in batches, and dead letters for rejected ones; marks pass through."""
    return [
        one
        for item in items
        for one in ([item] if isinstance(item, EndOfSnapshot) else _changes(item, 0, len(item.keys)))
    ]


def pack_entry(entry: HotListEntry) -> PackedEntry:
    """Return an entry in the form in which buckets store it."""
    shape = b"" if entry.is_pattern else plates.shape(entry.plate)
    return PackedEntry(entry.entry_id.encode(), shape, pack(entry), entry.expires_at)


def _changes(batch: Batch, start: int, end: int) -> list[Changes | DeadLetter]:
    if end - start < 2:
        return [_decode_one(batch, place) for place in range(start, end)]
    keys, values = batch.keys[start:end], batch.values[start:end]
    removed: list[Any] = [key for key, value in zip(keys, values, strict=True) if value is None]
    if removed:
        keys = [key for key, value in zip(keys, values, strict=True) if value is not None]
        values = [value for value in values if value is not None]
    distinct = len({*keys, *removed}) == end - start
    if distinct and all(removed) and (entries := _decode_common(keys, values)) is not None:
        return [Changes(batch.partition, entries, removed)]
    middle = (start + end) // 2
    return _changes(batch, start, middle) + _changes(batch, middle, end)


def _decode_one(batch: Batch, place: int) -> Changes | DeadLetter:
    message = batch.message(place)
    try:
        change = HotListChange.from_message(message)
    except RefusedError as error:
        return DeadLetter.of(message, error)
    if change.entry is None:
        return Changes(batch.partition, [], [change.entry_id.encode()])
    return Changes(batch.partition, [pack_entry(change.entry)], [])


def _decode_common(keys: list[Any], values: list[Any]) -> list[PackedEntry] | None:
    """Return entries of other agencies with complete plates, or None if one is anything else or invalid."""
    if not values:
        return []
    lines = b"\n".join(values)
    try:
        entries = _decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if len(entries) != len(values) or lines.count(b"\n") >= len(values):
        return None  # a value of two lines, or of none
    names = "".join([f"{one.entry_id}\n" for one in entries])
    written = "".join([f"{one.plate}\n" for one in entries])
    if not (_NAMES.fullmatch(names) and _PLATES.fullmatch(written) and _known(entries)):
        return None
    shapes = written.encode().translate(plates.SHAPE).split(b"\n")[:-1]
    if names.encode().split(b"\n")[:-1] != keys or len(shapes) != len(keys):
        return None
    return list(map(PackedEntry, keys, shapes, pack_all(entries), [one.expires_at for one in entries]))


def _known(entries: list[Any]) -> bool:
    """Return whether sources, categories and states, of which there are few, are valid."""
    sources = {one.source for one in entries}
    return (
        OWN_SOURCE not in sources
        and all(map(_is_source, sources))
        and all(map(_is_category, {one.category for one in entries}))
        and all(map(_is_state, {one.state for one in entries}))
    )


def _fits(field: str) -> Callable[[str | None], bool]:
    """Return a cached check that a text is valid for that field of an entry."""
    (kind,) = (one.type for one in msgspec.structs.fields(HotListEntry) if one.name == field)

    @lru_cache(maxsize=4096)
    def fits(text: str | None) -> bool:
        try:
            msgspec.convert(text, kind)
        except msgspec.ValidationError:
            return False
        return True

    return fits


_is_source, _is_category, _is_state = map(_fits, ("source", "category", "state"))
