"""Acts on entries of the hot list: add, change, remove, show and check."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from platestream.access.door import Door, agency_zone
from platestream.access.effects import effect_of, write
from platestream.edges.changelog import current_of
from platestream.edges.edge import Topics
from platestream.hotlist.change_log import difference, documentation
from platestream.hotlist.entry import check_complete, make_entry
from platestream.hotlist.list_changes import designations, keep_listed_at, listed, refuse_partners, registry
from platestream.hotlist.lookback import SearchBack, try_look_back
from platestream.hotlist.origin import check_by_hand, feed_of, has_active_feed
from platestream.hotlist.overview import OLD, briefs, fault_of, plate_filter, source_lists
from platestream.schemas.designation import Designations
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import HOTLIST


@dataclass(frozen=True)
class ListedEntry:
    """A listed entry. `historical_hits` is None without a look-back, and `not_searched` is the rule that
    refused it, if any.
    """

    entry: HotListEntry
    historical_hits: int | None
    not_searched: str = ""


@dataclass(frozen=True)
class Health:
    """The result of `check`: faults of the list, and the time of each source's import."""

    faults: list[str]
    imported: list[str]


def find(streams: Topics, entry_id: str) -> HotListEntry | None:
    """Return one current entry; no other is decoded."""
    found = current_of(streams, HOTLIST, entry_id.encode())
    return None if found is None else found.entry


def add(
    door: Door,
    source: str,
    texts: Mapping[str, str],
    now: datetime,
    *,
    back: bool = True,
    search: SearchBack = try_look_back,
    only: Literal["", "new", "listed"] = "",
) -> ListedEntry:
    """Add an entry to the list, or change it, with everything that section H of the order asks for.

    `texts` is text by name of field, as for `make_entry`. Whatever the source's name, an entry that a person
    makes is attributed to that person. `only` requires that the entry is new, or that it is listed already.
    `search` makes the look-back for what is new, unless `back` is False.

    Raises RefusedError that names the field, and RefusedInquiry.
    """
    about = f"{source}:{texts.get('reference', '').strip()}"
    with door.log_refusal("hotlist_add", about, case_number=texts.get("case_number", "")):
        refuse_partners(source)
        check_complete(texts)
        check_by_hand(feed_of(registry(door.streams).values(), source), source)
        entry = make_entry(source, texts, agency_zone(door))
        designations(door.streams).check(entry, now)
        before = find(door.streams, entry.entry_id)
        if only == "new" and before is not None:
            raise RefusedError(
                "entry", "an entry of this `reference` is on the list already: change that one"
            )
        if only == "listed" and before is None:
            raise RefusedError("entry", "this entry is not on the list any more")
    entry = keep_listed_at(entry, before, now)
    change, made = difference(before, entry), HotListChange(entry.entry_id, entry)
    effect = effect_of(HOTLIST, made)
    permit = door.enter("hotlist_add", entry.entry_id, change=change, effect=effect, **documentation(entry))
    write(permit, door, HOTLIST, made)
    if not (back and entry.listed_at == now):
        return ListedEntry(entry, None)
    return ListedEntry(entry, *search(door, [entry], now))


def remove(door: Door, entry_id: str) -> HotListEntry:
    """Remove an entry; return it. Raises RefusedError where there is none, or a feed maintains it, and
    RefusedInquiry.
    """
    with door.log_refusal("hotlist_remove", entry_id):
        before = find(door.streams, entry_id)
        if before is None:
            raise RefusedError("entry", "this entry is not on the list")
        if has_active_feed(registry(door.streams).values(), before.source):
            raise RefusedError(
                "source",
                f"entries of `{before.source}` leave the list by its registered feed alone: the agency that "
                "maintains it removes them (order, section C.4)",
            )
    change = difference(before, None)
    made = HotListChange(entry_id, None)
    effect = effect_of(HOTLIST, made)
    permit = door.enter(
        "hotlist_remove", entry_id, change=change, effect=effect, case_number=before.case_number
    )
    write(permit, door, HOTLIST, made)
    return before


def restore(door: Door, was: HotListEntry, written: HotListEntry | None, now: datetime) -> HotListEntry:
    """Restore an entry to what it `was`, provided that it still is what was `written` (None: removed).

    An entry that has expired since is not listed again. Raises RefusedError and RefusedInquiry.
    """
    why = documentation(was)
    with door.log_refusal("hotlist_add", was.entry_id, **why):
        refuse_partners(was.source)
        check_by_hand(feed_of(registry(door.streams).values(), was.source), was.source)
        if find(door.streams, was.entry_id) != written:
            raise RefusedError("entry", "somebody has changed this entry meanwhile: look at it first")
        designations(door.streams).check(was, now)
    made = HotListChange(was.entry_id, was)
    effect = effect_of(HOTLIST, made)
    permit = door.enter("hotlist_add", was.entry_id, change=difference(written, was), effect=effect, **why)
    write(permit, door, HOTLIST, made)
    return was


def show(door: Door, source: str = "", plate: str = "") -> list[HotListEntry]:
    """Return the current list, or that of one source or plate (`plate_filter`), by id. Raises
    RefusedInquiry.
    """
    door.enter("hotlist_show", source or "all sources")
    entries, fits = listed(door.streams), plate_filter(plate)
    return [
        entry
        for _name, entry in sorted(entries.items())
        if source in ("", entry.source) and fits(entry.plate)
    ]


def check(door: Door, now: datetime) -> Health:
    """Find faults: expired entries, withdrawn sources and categories, and old imports.

    Raises RefusedInquiry.
    """
    door.enter("hotlist_show", "check")
    records, entries = list(registry(door.streams).values()), briefs(door.streams)
    allowed, faults, imported = Designations(records), [], []
    for name, entry in sorted(entries.items()):
        match fault_of(entry, allowed, now):
            case "undesignated":
                faults.append(f"{name}: source or category is not designated; it alerts nobody")
            case "expired":
                at = entry.expires_at.astimezone(agency_zone(door))
                faults.append(f"{name}: expired at {at:%Y-%m-%d %H:%M %Z}; it alerts nobody")
    for one in source_lists(entries, records, now):
        if one.imported_at is not None:
            line = f"{one.source}: imported {(now - one.imported_at).total_seconds() / 3600:.1f} h ago"
            late = f"{line}, more than {OLD.total_seconds() / 3600:.0f} h"
            faults.append(late) if one.old(now) else imported.append(line)
    return Health(faults, imported)
