"""The hot list in figures, and a page of its entries: of a list of millions only what is shown is decoded."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from connectors.changelog import read_to_end
from connectors.edge import Topics
from schemas.designation import Designations
from schemas.fields import Instant
from schemas.hotlist import CHECKED_SOURCES, OWN_SOURCE, HotListEntry
from schemas.message import RefusedError
from schemas.registry import RegistryRecord
from schemas.topics import HOTLIST
from services.door import Door
from services.hotlist.importing import registry

OLD = timedelta(hours=24)  # a source that was imported longer ago is said to be old
A_PAGE = 200
Fault = Literal["", "undesignated", "expired"]


class Brief(msgspec.Struct, frozen=True, gc=False):
    """What decides whether an entry alerts anybody; the rest of it is not decoded."""

    source: str
    category: str
    expires_at: Instant


@dataclass(frozen=True)
class SourceList:
    """The list of one source: `expired` and `undesignated` count its `entries` that alert nobody.

    `imported_at` is None where no file of it was imported.
    """

    source: str
    entries: int
    expired: int
    undesignated: int
    imported_at: datetime | None

    def old(self, now: datetime) -> bool:
        """Imported longer than OLD ago."""
        return self.imported_at is not None and now - self.imported_at > OLD


@dataclass(frozen=True)
class Shown:
    """An entry, and why it alerts nobody, where it does not."""

    entry: HotListEntry
    fault: Fault


@dataclass(frozen=True)
class Overview:
    """The sources, and a page of at most A_PAGE of the `found` entries that were asked for."""

    sources: list[SourceList]
    entries: list[Shown]
    found: int
    page: int
    pages: int


def fault_of(entry: Brief | HotListEntry, allowed: Designations, now: datetime) -> Fault:
    """Why an entry alerts nobody; empty where it does."""
    if not allowed.allow(entry):
        return "undesignated"
    return "expired" if entry.expires_at <= now else ""


def briefs(streams: Topics) -> dict[str, Brief]:
    """Every entry on the list now, in brief, by id."""
    decoder, found = msgspec.json.Decoder(Brief), dict[str, Brief]()
    for message in read_to_end(streams, HOTLIST):
        name = (message.key or b"").decode()
        if message.value is None:
            found.pop(name, None)
        else:
            found[name] = decoder.decode(message.value)
    return found


def source_lists(
    entries: Mapping[str, Brief], records: Iterable[RegistryRecord], now: datetime
) -> list[SourceList]:
    """The sources that are designated or have entries, our own first. `records` are of the registry."""
    known = list(records)
    allowed = Designations(known)
    imported = {one.id: one.refreshed_at for one in known if one.kind == "hotlist_source" and one.active}
    counted = Counter((one.source, fault_of(one, allowed, now)) for one in entries.values())
    names = {source for source, _fault in counted} | set(allowed.sources)
    return [
        SourceList(
            name,
            sum(count for (source, _fault), count in counted.items() if source == name),
            counted[name, "expired"],
            counted[name, "undesignated"],
            imported.get(name),
        )
        for name in sorted(names, key=lambda name: (name != OWN_SOURCE, name))
    ]


def overview(
    door: Door,
    now: datetime,
    *,
    source: str = "",
    reference: str = "",
    within: timedelta | None = None,
    page: int = 1,
) -> Overview:
    """The list as it stands: sources in figures, and a page of entries, our own first, those that others keep
    (NCIC, ACIC, MVD) last.

    Only entries of `source`, with `reference` in theirs, that are in force and expire `within` this time,
    where it is said. Raises RefusedInquiry.
    """
    door.enter("hotlist_show", source or "all sources")
    entries, records = briefs(door.streams), list(registry(door.streams).values())
    allowed, wanted = Designations(records), reference.casefold()
    found = sorted(
        (
            name
            for name, one in entries.items()
            if source in ("", one.source)
            and wanted in name.partition(":")[2].casefold()
            and (within is None or now < one.expires_at <= now + within)
        ),
        key=lambda name: (*_rank(entries[name].source), name),
    )
    pages = max(1, -(-len(found) // A_PAGE))
    page = min(max(1, page), pages)
    shown = _decoded(door.streams, found[(page - 1) * A_PAGE : page * A_PAGE])
    return Overview(
        source_lists(entries, records, now),
        [Shown(one, fault_of(one, allowed, now)) for one in shown],
        len(found),
        page,
        pages,
    )


def one(door: Door, entry_id: str, now: datetime) -> Shown:
    """One entry. Raises RefusedError where it is not on the list, and RefusedInquiry."""
    with door.on_record("hotlist_show", entry_id):
        (*found,) = _decoded(door.streams, [entry_id])
        if not found:
            raise RefusedError("entry", "this entry is not on the list")
    door.enter("hotlist_show", entry_id)
    return Shown(found[0], fault_of(found[0], Designations(registry(door.streams).values()), now))


def _rank(source: str) -> tuple[bool, bool]:
    return source != OWN_SOURCE, source in CHECKED_SOURCES


def _decoded(streams: Topics, names: list[str]) -> list[HotListEntry]:
    """The entries of these names that are on the list now, in this order."""
    wanted: dict[bytes, bytes | None] = {name.encode(): None for name in names}
    for message in read_to_end(streams, HOTLIST, _shared(names).encode()) if names else ():
        if message.key in wanted:
            wanted[message.key or b""] = message.value
    return [HotListEntry.from_json(value) for value in wanted.values() if value is not None]


def _shared(names: list[str]) -> str:
    """What all of them begin with.

    >>> _shared(["sjpd:26-1", "sjpd:26-2"])
    'sjpd:26-'
    """
    first, last = min(names), max(names)
    return next((first[:end] for end in range(len(first), 0, -1) if last.startswith(first[:end])), "")
