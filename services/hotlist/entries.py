"""What people do with the entries of the hot list: add or change one, remove one, see them, check them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from connectors.changelog import newest_of
from connectors.edge import Topics
from schemas.designation import Designations
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.topics import HOTLIST
from services.door import Door
from services.effects import effect_of, write
from services.hotlist.entry import check_complete, make_entry
from services.hotlist.importing import designations, listed, refuse_partners, registry, with_listing
from services.hotlist.log import difference, documentation
from services.hotlist.lookback import try_look_back
from services.hotlist.origin import check_by_hand, feed_of
from services.hotlist.overview import OLD, briefs, fault_of, source_lists
from services.hotlist.zone import agency_zone


@dataclass(frozen=True)
class Added:
    """An entry as it is on the list now; `historical_hits` is None where nothing was looked back for, and
    `not_searched` says why where the look-back was refused.
    """

    entry: HotListEntry
    historical_hits: int | None
    not_searched: str = ""


@dataclass(frozen=True)
class Health:
    """What `check` found: what is wrong with the list, and when each source was imported."""

    faults: list[str]
    imported: list[str]


def find(streams: Topics, entry_id: str) -> HotListEntry | None:
    """One entry now; no other is decoded."""
    message = newest_of(streams, HOTLIST, entry_id.encode())
    return None if message is None else HotListEntry.from_json(message.value)


def add(
    door: Door,
    source: str,
    told: Mapping[str, str],
    now: datetime,
    *,
    back: bool = True,
    only: Literal["", "new", "listed"] = "",
) -> Added:
    """Put an entry on the list, or change it, with all that section H of the order asks for.

    `told` is text by name of field, as `make_entry` takes it. Whatever the source is named: what a person
    enters is that person's. With `only` the entry must be new, or on the list already.
    Raises RefusedError that names the field, and RefusedInquiry.
    """
    about = f"{source}:{told.get('reference', '').strip()}"
    with door.on_record("hotlist_add", about, case_number=told.get("case_number", "")):
        refuse_partners(source)
        check_complete(told)
        check_by_hand(feed_of(registry(door.streams).values(), source), source)
        entry = make_entry(source, told, agency_zone(door))
        designations(door.streams).check(entry, now)
        before = find(door.streams, entry.entry_id)
        if only == "new" and before is not None:
            raise RefusedError(
                "entry", "an entry of this `reference` is on the list already: change that one"
            )
        if only == "listed" and before is None:
            raise RefusedError("entry", "this entry is not on the list any more")
    entry = with_listing(entry, before, now)
    change, made = difference(before, entry), HotListChange(entry.entry_id, entry)
    effect = effect_of(HOTLIST, made)
    permit = door.enter("hotlist_add", entry.entry_id, change=change, effect=effect, **documentation(entry))
    write(permit, door, HOTLIST, made)
    if not (back and entry.listed_at == now):
        return Added(entry, None)
    return Added(entry, *try_look_back(door, [entry], now))


def remove(door: Door, entry_id: str) -> HotListEntry:
    """Take an entry off the list; as it was. Raises RefusedError where there is none, and RefusedInquiry."""
    with door.on_record("hotlist_remove", entry_id):
        before = find(door.streams, entry_id)
        if before is None:
            raise RefusedError("entry", "this entry is not on the list")
    change = difference(before, None)
    made = HotListChange(entry_id, None)
    effect = effect_of(HOTLIST, made)
    permit = door.enter(
        "hotlist_remove", entry_id, change=change, effect=effect, case_number=before.case_number
    )
    write(permit, door, HOTLIST, made)
    return before


def put_back(door: Door, was: HotListEntry, written: HotListEntry | None, now: datetime) -> HotListEntry:
    """Make an entry again what it `was`, as long as it is as it was `written`; None: it was removed.

    It may alert no longer than it might have: one that has expired meanwhile stays off the list. Raises
    RefusedError and RefusedInquiry.
    """
    why = documentation(was)
    with door.on_record("hotlist_add", was.entry_id, **why):
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


def show(door: Door, source: str = "") -> list[HotListEntry]:
    """The list now, or that of one source, by id. Raises RefusedInquiry."""
    door.enter("hotlist_show", source or "all sources")
    entries = listed(door.streams)
    return [entry for _name, entry in sorted(entries.items()) if source in ("", entry.source)]


def check(door: Door, now: datetime) -> Health:
    """What is wrong: expired entries, withdrawn sources and categories, old imports.

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
            said = f"{one.source}: imported {(now - one.imported_at).total_seconds() / 3600:.1f} h ago"
            late = f"{said}, more than {OLD.total_seconds() / 3600:.0f} h"
            faults.append(late) if one.old(now) else imported.append(said)
    return Health(faults, imported)
