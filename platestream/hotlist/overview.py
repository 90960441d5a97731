"""The hot list in figures, and a page of its entries; of a list of millions only the shown entries are
decoded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from platestream.access.door import Door
from platestream.edges.changelog import read_to_end, readable
from platestream.edges.edge import Topics
from platestream.hotlist.list_changes import registry
from platestream.hotlist.origin import has_active_feed
from platestream.operators.matching.entry_match import plate_pattern
from platestream.schemas import plates
from platestream.schemas.designation import Designations
from platestream.schemas.fields import Instant
from platestream.schemas.hotlist import CHECKED_SOURCES, OWN_SOURCE, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.topics import HOTLIST
from platestream.schemas.unreadable import note_unreadable

OLD = timedelta(hours=24)  # a source whose last import is longer ago counts as old
A_PAGE = 200
Fault = Literal["", "undesignated", "expired"]


class Brief(msgspec.Struct, frozen=True, gc=False):
    """The fields that decide whether an entry alerts; the rest is not decoded."""

    source: str
    category: str
    expires_at: Instant
    plate: str


@dataclass(frozen=True)
class SourceList:
    """The list of one source: `expired` and `undesignated` count those of its `entries` that do not alert.

    `imported_at` is None where no file of it was imported.
    """

    source: str
    entries: int
    expired: int
    undesignated: int
    imported_at: datetime | None
    late_after: timedelta = OLD

    def old(self, now: datetime) -> bool:
        """Return whether the last import is longer ago than the feed's time, or than OLD without one."""
        return self.imported_at is not None and now - self.imported_at > self.late_after


@dataclass(frozen=True)
class EntryView:
    """An entry, and the reason why it does not alert, if any. `of_feed`: nobody changes it by hand."""

    entry: HotListEntry
    fault: Fault
    of_feed: bool = False


@dataclass(frozen=True)
class Overview:
    """The sources, and a page of at most A_PAGE of the `found` entries."""

    sources: list[SourceList]
    entries: list[EntryView]
    found: int
    page: int
    pages: int


def fault_of(entry: Brief | HotListEntry, allowed: Designations, now: datetime) -> Fault:
    """Return the reason why an entry does not alert; empty where it does."""
    if not allowed.allow(entry.source, entry.category):
        return "undesignated"
    return "expired" if entry.expires_at <= now else ""


def briefs(streams: Topics) -> dict[str, Brief]:
    """Return every current entry in brief, by id."""
    decoder, found = msgspec.json.Decoder(Brief), dict[str, Brief]()
    for message in read_to_end(streams, HOTLIST):
        name = (message.key or b"").decode(errors="replace")
        if message.value is None:
            found.pop(name, None)
        else:
            try:
                found[name] = decoder.decode(message.value)
            except msgspec.MsgspecError as error:
                note_unreadable(f"an entry of the hot list cannot be read ({name!r}): {error}")
    return found


def source_lists(
    entries: Mapping[str, Brief], records: Iterable[RegistryRecord], now: datetime
) -> list[SourceList]:
    """List the sources that are designated or have entries, our own first. `records` are of the registry."""
    known = list(records)
    allowed = Designations(known)
    sources = {one.id: one for one in known if one.kind == "hotlist_source" and one.active}
    counted = Counter((one.source, fault_of(one, allowed, now)) for one in entries.values())
    names = {source for source, _fault in counted} | set(allowed.sources)
    return [
        SourceList(
            name,
            sum(count for (source, _fault), count in counted.items() if source == name),
            counted[name, "expired"],
            counted[name, "undesignated"],
            sources[name].refreshed_at if name in sources else None,
            (sources[name].feed_late_after if name in sources else None) or OLD,
        )
        for name in sorted(names, key=lambda name: (name != OWN_SOURCE, name))
    ]


def overview(
    door: Door,
    now: datetime,
    *,
    source: str = "",
    reference: str = "",
    plate: str = "",
    within: timedelta | None = None,
    page: int = 1,
) -> Overview:
    """Return the current list: sources in figures, and a page of entries, our own first and those of national
    and state lists (NCIC, ACIC, MVD) last.

    The filters are `source`, a part of the `reference`, the `plate` (`plate_filter`), and expiry `within`
    this time of entries in force. Raises RefusedInquiry.
    """
    door.enter("hotlist_show", source or "all sources")
    entries, records = briefs(door.streams), list(registry(door.streams).values())
    allowed, wanted, fits = Designations(records), reference.casefold(), plate_filter(plate)
    found = sorted(
        (
            name
            for name, one in entries.items()
            if source in ("", one.source)
            and wanted in name.partition(":")[2].casefold()
            and fits(one.plate)
            and (within is None or now < one.expires_at <= now + within)
        ),
        key=lambda name: (*_rank(entries[name].source), name),
    )
    pages = max(1, -(-len(found) // A_PAGE))
    page = min(max(1, page), pages)
    shown = _decoded(door.streams, found[(page - 1) * A_PAGE : page * A_PAGE])
    return Overview(
        source_lists(entries, records, now),
        [EntryView(one, fault_of(one, allowed, now)) for one in shown],
        len(found),
        page,
        pages,
    )


def plate_filter(typed: str) -> Callable[[str], bool]:
    """Return a test of listed plates for a plate, or a part of one with `*` and `?`; O and 0 are the same.

    A listed partial plate fits each whole plate that it stands for. A description has no plate and never
    fits, except that an empty `typed` admits everything.

    >>> [plate_filter("ast-3o87")(listed) for listed in ("AST3087", "AST*", "AST308", "*")]
    [True, True, False, False]
    """
    wanted = plates.pattern(typed).upper()
    if not wanted:
        return lambda _listed: True
    pattern, whole = plate_pattern(wanted), plates.equate(plates.normalise(wanted))

    def fits(listed: str) -> bool:
        if listed == "*":
            return False
        if pattern.fullmatch(plates.equate(listed)):
            return True
        partial = "?" in listed or "*" in listed
        return partial and len(whole) == len(wanted) and bool(plate_pattern(listed).fullmatch(whole))

    return fits


def one(door: Door, entry_id: str, now: datetime) -> EntryView:
    """Return one entry. Raises RefusedError where it is not on the list, and RefusedInquiry."""
    with door.log_refusal("hotlist_show", entry_id):
        (*found,) = _decoded(door.streams, [entry_id])
        if not found:
            raise RefusedError("entry", "this entry is not on the list")
    door.enter("hotlist_show", entry_id)
    records = registry(door.streams).values()
    fault = fault_of(found[0], Designations(records), now)
    return EntryView(found[0], fault, has_active_feed(records, found[0].source))


def _rank(source: str) -> tuple[bool, bool]:
    return source != OWN_SOURCE, source in CHECKED_SOURCES


def _decoded(streams: Topics, names: list[str]) -> list[HotListEntry]:
    """Return the current entries of these names, in this order."""
    wanted: dict[str, HotListEntry | None] = dict.fromkeys(names)
    keys = {name.encode() for name in names}
    messages = read_to_end(streams, HOTLIST, _shared(names).encode()) if names else ()
    for change in readable(HOTLIST, (one for one in messages if one.key in keys)):
        wanted[change.entry_id] = change.entry
    return [one for one in wanted.values() if one is not None]


def _shared(names: list[str]) -> str:
    """Return the common prefix of all names.

    >>> _shared(["sjpd:26-1", "sjpd:26-2"])
    'sjpd:26-'
    """
    first, last = min(names), max(names)
    return next((first[:end] for end in range(len(first), 0, -1) if last.startswith(first[:end])), "")
