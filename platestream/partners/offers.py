"""Offers of our own hot list entries to other agencies, and their withdrawal: by people, or with the entry.

Nothing is sent here. Unsent messages are in the data folder's file, from which `platestream partners serve`
sends them (`platestream.partners.notifications`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Unpack
from uuid import uuid4

import msgspec

from platestream.access import registry
from platestream.access.door import Documentation, Door
from platestream.access.effects import effect_of_stored
from platestream.hotlist.change_log import entry_reason
from platestream.hotlist.entries import find
from platestream.hotlist.list_changes import own_entries
from platestream.partners.client import ALL, asker_of
from platestream.partners.config import read_config
from platestream.partners.list_store import ListFile, Lists, OutgoingOffer, PendingHit
from platestream.partners.register import objection
from platestream.partners.sharing import Sharing
from platestream.schemas.hotlist import OWN_SOURCE, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import Asker
from platestream.schemas.partner_lists import MOST_OFFERS, OFFERED_FIELDS, offered_fields
from platestream.settings import ACCOUNTS, Settings

UNREACHABLE_AFTER = timedelta(minutes=1)
"""Time after which an unsent message counts as late."""
SHOWN_FOR = timedelta(days=1)
"""Time for which an ended offer is shown after its agency was notified."""
LONGEST_NAME = 40
"""Most characters of an agency's name, which is part of the ids of entries."""


def lists(settings: Settings) -> ListFile:
    """Return the file of offers in the data folder."""
    return ListFile(settings.data / ACCOUNTS)


def offer(door: Door, entry_id: str, agencies: Sequence[str], now: datetime) -> list[OutgoingOffer]:
    """Offer our own entry to agencies by name, or to `all` that it may be offered to. An agency that declined
    it is offered it again.

    Raises RefusedError with the reason why one of them cannot be offered it, and RefusedInquiry; both are
    logged.
    """
    with door.log_refusal("hotlist_offer", entry_id):
        entry = _offerable(door, entry_id, now)
        why: Documentation = {"case_number": entry.case_number, "reason": entry_reason(entry)}
        by = asker_of(door, registry.records(door.streams), why)
        names = _chosen(Sharing.now(door), entry, agencies, now)
        with lists(door.settings).reading() as tables:
            _check_room(tables, names)
            made = [_offer(tables, name, entry, by, now) for name in names]
    _enter(door, made, "offered to", **why)
    with lists(door.settings).writing() as tables:
        return [_store_offer(tables, one) for one in made]


def effect_of_offer(one: OutgoingOffer, *, stands: bool) -> str:
    """Return the SHA-256 that the act of an offer, or of its withdrawal, holds.

    The content of the entry is not in it, because changes of the entry have their own acts, and offers follow
    them.
    """
    content = (one.entry.entry_id, one.offer_id, one.by, one.offered_at, stands)
    return effect_of_stored(f"agency/{one.agency}", content)


def _enter(door: Door, offers: Sequence[OutgoingOffer], done: str, **why: Unpack[Documentation]) -> None:
    """Log an act for each offer, in one query."""
    changes = [(one.entry.entry_id, f"{done} {one.agency}") for one in offers]
    effects = [effect_of_offer(one, stands=done == "offered to") for one in offers]
    door.enter_several("hotlist_offer", changes, effects=effects, **why)


def _offer(tables: Lists, name: str, entry: HotListEntry, by: Asker, now: datetime) -> OutgoingOffer:
    """Return the current offer that is waiting or accepted, or a new one."""
    there = (one for one in _current_offer(tables, name, entry.entry_id) if _is_open(one))
    new = OutgoingOffer(agency=name, offer_id=uuid4(), entry=entry, by=by, offered_at=now, untold_since=now)
    return next(there, new)


def _store_offer(tables: Lists, made: OutgoingOffer) -> OutgoingOffer:
    """Store a new offer in place of one that was declined or refused; return an offer that is waiting or
    accepted unchanged.
    """
    for one in _current_offer(tables, made.agency, made.entry.entry_id):
        if _is_open(one):
            return one
        tables.offered.delete(one)
    tables.offered.put(made)
    return made


def _current_offer(tables: Lists, name: str, entry_id: str) -> list[OutgoingOffer]:
    return [one for one in tables.offered.all(name) if one.stands and one.entry.entry_id == entry_id]


def _is_open(one: OutgoingOffer) -> bool:
    return not one.refused and one.decision not in ("declined", "dropped")


def _check_room(tables: Lists, names: Sequence[str]) -> None:
    for name in names:
        if sum(one.stands for one in tables.offered.all(name)) >= MOST_OFFERS:
            raise RefusedError("partners", f"{name} is offered {MOST_OFFERS} entries: no more at once")


def withdraw(door: Door, entry_id: str, agencies: Sequence[str], now: datetime) -> list[OutgoingOffer]:
    """Withdraw an offer from agencies by name, or from `all`; the entry itself remains. Raises as `offer`."""
    with door.log_refusal("hotlist_offer", entry_id), lists(door.settings).reading() as tables:
        stand = [one for one in tables.offered.all() if one.stands and one.entry.entry_id == entry_id]
        chosen = [one for one in stand if ALL in agencies or one.agency in agencies]
        if missing := set(agencies) - {ALL} - {one.agency for one in chosen}:
            raise RefusedError("partners", f"this entry is not offered to {', '.join(sorted(missing))[:200]}")
        if not chosen:
            raise RefusedError("partners", "this entry is offered to nobody")
    why: Documentation = {"case_number": chosen[0].entry.case_number, "reason": entry_reason(chosen[0].entry)}
    _enter(door, chosen, "withdrawn from", **why)
    with lists(door.settings).writing() as tables:
        return [
            end(tables, one, "withdrawn", now) for one in chosen if tables.offered.get(one.agency, one.id)
        ]


def list_offers(door: Door, now: datetime) -> tuple[list[OutgoingOffer], list[PendingHit]]:
    """Return current and recently ended offers, and hits on other
    agencies' entries that were not sent yet. Raises RefusedInquiry.
    """
    door.enter("hotlist_show", "offers to partners")
    with lists(door.settings).writing() as tables:
        follow(tables, own_entries(door.streams), Sharing.now(door), now)
        return tables.offered.all(), [one for one in tables.hits.all() if one.hit is not None]


def of_entry(door: Door, entry_id: str, now: datetime) -> list[OutgoingOffer]:
    """Return the current offers of one entry, for a person who was shown the entry itself."""
    file = lists(door.settings)
    with file.reading() as tables:
        if not any(one.entry.entry_id == entry_id for one in tables.offered.all()):
            return []
    with file.writing() as tables:
        follow(tables, own_entries(door.streams), Sharing.now(door), now)
        return [one for one in tables.offered.all() if one.entry.entry_id == entry_id]


def may_be_offered(door: Door, entry: HotListEntry, now: datetime) -> list[str]:
    """Return the agencies to which an entry may be offered now; none where no server here would send the
    offer.
    """
    if entry.source != OWN_SOURCE or read_config(door.settings).serve is None:
        return []
    return _all(Sharing.now(door), entry, now)


def pending_since(tables: Lists) -> dict[str, datetime]:
    """Return the time since which each agency lacks a message: an offer, a change, an end, or a hit."""
    since: dict[str, datetime] = {}
    waiting = [(one.agency, one.untold_since) for one in tables.offered.all()]
    waiting += [(one.agency, one.since) for one in tables.hits.all() if one.hit is not None]
    for agency, at in waiting:
        if at is not None:
            since[agency] = min(at, since.get(agency, at))
    return since


def list_unreachable(settings: Settings, now: datetime) -> list[str]:
    """Return a sentence for each agency that could not be reached for more than LATE."""
    with lists(settings).reading() as tables:
        return [
            f"{agency} has not been sent changes of the hot list since {since:%Y-%m-%d %H:%M:%S} UTC: "
            "platestream partners offered"
            for agency, since in sorted(pending_since(tables).items())
            if now - since > UNREACHABLE_AFTER
        ]


def follow(tables: Lists, own: Mapping[str, HotListEntry], sharing: Sharing, now: datetime) -> None:
    """Update offers by their entries: queue changes for sending, and withdraw offers whose entry was removed,
    has expired, or may not be shared any more.
    """
    for one in tables.offered.all():
        entry = own.get(one.entry.entry_id)
        if not one.stands:
            if one.untold_since is None and one.ended_at is not None and now - one.ended_at > SHOWN_FOR:
                tables.offered.delete(one)
        elif entry is None or entry.expires_at <= now:
            end(tables, one, "the entry has ended", now)
        elif against := sharing.objection(one.agency, now) or _entry_objection(entry, one.agency):
            end(tables, one, against, now)
        elif any(getattr(entry, name) != getattr(one.entry, name) for name in OFFERED_FIELDS):
            tables.offered.put(
                msgspec.structs.replace(one, entry=entry, refused="", untold_since=one.untold_since or now)
            )


def end(tables: Lists, one: OutgoingOffer, because: str, now: datetime) -> OutgoingOffer:
    """End an offer; its agency is to be notified."""
    ended = msgspec.structs.replace(one, stands=False, ended=because, ended_at=now, untold_since=now)
    tables.offered.put(ended)
    return ended


def _offerable(door: Door, entry_id: str, now: datetime) -> HotListEntry:
    if read_config(door.settings).serve is None:
        raise RefusedError(
            "partners",
            "nobody here would tell partners: PLATESTREAM_PARTNERS_FILE names no file with a table [serve]",
        )
    entry = find(door.streams, entry_id)
    if entry is None or entry.expires_at <= now:
        raise RefusedError("entry", "this entry is not on the list")
    if entry.source != OWN_SOURCE:
        raise RefusedError("entry", f"only entries of our own list ({OWN_SOURCE}) are ours to offer")
    if entry.cameras:
        raise RefusedError("entry", "this entry is for some cameras of ours only: nobody else has these")
    try:
        offered_fields(entry)
    except msgspec.ValidationError as error:
        raise RefusedError("entry", f"it lacks what another agency asks for: {error}") from None
    return entry


def _entry_objection(entry: HotListEntry, agency: str) -> str:
    if agency in entry.silenced_for:
        return "the entry does not alert this agency"
    if entry.cameras:
        return "the entry is for some cameras of ours only"
    return ""


def _offer_objection(sharing: Sharing, entry: HotListEntry, name: str, now: datetime) -> str:
    """Return why this entry cannot be offered to an agency now; empty where it can."""
    if reason := sharing.objection(name, now) or objection(sharing.agencies[name], now):
        return reason
    if len(name) > LONGEST_NAME:
        return f"its short name is longer than {LONGEST_NAME} characters"
    return _entry_objection(entry, name)


def _all(sharing: Sharing, entry: HotListEntry, now: datetime) -> list[str]:
    others = (name for name, one in sharing.agencies.items() if not one.own)
    return sorted(name for name in others if not _offer_objection(sharing, entry, name, now))


def _chosen(sharing: Sharing, entry: HotListEntry, agencies: Sequence[str], now: datetime) -> list[str]:
    if ALL in agencies:
        if found := _all(sharing, entry, now):
            return found
        raise RefusedError("partners", "there is no agency that this entry may be offered to")
    if not agencies:
        raise RefusedError("partners", "no agency is named to which the entry is to be offered")
    for name in agencies:
        if reason := _offer_objection(sharing, entry, name, now):
            raise RefusedError("partners", f"{name[:64]}: {reason}")
    return list(dict.fromkeys(agencies))
