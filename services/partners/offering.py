"""Own entries of the hot list offered to other agencies, and withdrawn: by people, and with the entry itself.

Nothing is sent here. What an agency has not been told yet is in the data folder's file, from which
`platestream partners serve` tells it (`services.partners.telling`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Unpack
from uuid import uuid4

import msgspec

from connectors.partners.lists import HitToTell, ListFile, Lists, Offered
from connectors.settings import ACCOUNTS, Settings
from schemas.hotlist import OWN_SOURCE, HotListEntry
from schemas.message import RefusedError
from schemas.partner import Asker
from schemas.partner_lists import MOST_OFFERS, OFFERED_FIELDS, offered
from services import registry
from services.door import Door, Why
from services.effects import effect_of_stored
from services.hotlist.entries import find
from services.hotlist.importing import own_entries
from services.hotlist.log import entry_reason
from services.partners.asking import ALL, asker_of
from services.partners.configured import configured
from services.partners.register import why_not
from services.partners.sharing import Sharing

LATE = timedelta(minutes=1)
"""By when an agency is to have heard."""
SHOWN_FOR = timedelta(days=1)
"""How long an offer that ended is shown, once its agency was told."""
LONGEST_NAME = 40
"""Of an agency: it stands in the ids of entries."""


def lists(settings: Settings) -> ListFile:
    """The file of the data folder."""
    return ListFile(settings.data / ACCOUNTS)


def offer(door: Door, entry_id: str, agencies: Sequence[str], now: datetime) -> list[Offered]:
    """Offer an own entry to agencies by name, or to `all` that it may be offered to. What an agency has
    declined it is offered once more.

    Raises RefusedError that says why one of them cannot be offered it, and RefusedInquiry: either is on
    record.
    """
    with door.on_record("hotlist_offer", entry_id):
        entry = _offerable(door, entry_id, now)
        why: Why = {"case_number": entry.case_number, "reason": entry_reason(entry)}
        by = asker_of(door, registry.records(door.streams), why)
        names = _chosen(Sharing.now(door), entry, agencies, now)
        with lists(door.settings).reading() as kept:
            _check_room(kept, names)
            made = [_offer(kept, name, entry, by, now) for name in names]
    _enter(door, made, "offered to", **why)
    with lists(door.settings).writing() as kept:
        return [_put(kept, one) for one in made]


def effect_of_offer(one: Offered, *, stands: bool) -> str:
    """Return the SHA-256 that the act of an offer holds, or of its withdrawal.

    What its entry says is not in it: that has acts of its own, and offers follow it.
    """
    said = (one.entry.entry_id, one.offer_id, one.by, one.offered_at, stands)
    return effect_of_stored(f"agency/{one.agency}", said)


def _enter(door: Door, offers: Sequence[Offered], done: str, **why: Unpack[Why]) -> None:
    """Log an act for each offer, at the cost of one."""
    told = [(one.entry.entry_id, f"{done} {one.agency}") for one in offers]
    effects = [effect_of_offer(one, stands=done == "offered to") for one in offers]
    door.enter_several("hotlist_offer", told, effects=effects, **why)


def _offer(kept: Lists, name: str, entry: HotListEntry, by: Asker, now: datetime) -> Offered:
    """The offer that stands and waits or was taken, or a new one."""
    there = (one for one in _standing(kept, name, entry.entry_id) if _is_open(one))
    new = Offered(agency=name, offer_id=uuid4(), entry=entry, by=by, offered_at=now, untold_since=now)
    return next(there, new)


def _put(kept: Lists, made: Offered) -> Offered:
    """Store a new offer, in the place of one that was not taken; one that waits or was taken stays."""
    for one in _standing(kept, made.agency, made.entry.entry_id):
        if _is_open(one):
            return one
        kept.offered.delete(one)
    kept.offered.put(made)
    return made


def _standing(kept: Lists, name: str, entry_id: str) -> list[Offered]:
    return [one for one in kept.offered.all(name) if one.stands and one.entry.entry_id == entry_id]


def _is_open(one: Offered) -> bool:
    return not one.refused and one.decision not in ("declined", "dropped")


def _check_room(kept: Lists, names: Sequence[str]) -> None:
    for name in names:
        if sum(one.stands for one in kept.offered.all(name)) >= MOST_OFFERS:
            raise RefusedError("partners", f"{name} is offered {MOST_OFFERS} entries: no more at once")


def withdraw(door: Door, entry_id: str, agencies: Sequence[str], now: datetime) -> list[Offered]:
    """Take an offer back from agencies by name, or from `all`; the entry itself stays. Raises as `offer`."""
    with door.on_record("hotlist_offer", entry_id), lists(door.settings).reading() as kept:
        stand = [one for one in kept.offered.all() if one.stands and one.entry.entry_id == entry_id]
        chosen = [one for one in stand if ALL in agencies or one.agency in agencies]
        if missing := set(agencies) - {ALL} - {one.agency for one in chosen}:
            raise RefusedError("partners", f"this entry is not offered to {', '.join(sorted(missing))[:200]}")
        if not chosen:
            raise RefusedError("partners", "this entry is offered to nobody")
    why: Why = {"case_number": chosen[0].entry.case_number, "reason": entry_reason(chosen[0].entry)}
    _enter(door, chosen, "withdrawn from", **why)
    with lists(door.settings).writing() as kept:
        return [end(kept, one, "withdrawn", now) for one in chosen if kept.offered.get(one.agency, one.id)]


def shown(door: Door, now: datetime, entry_id: str = "") -> tuple[list[Offered], list[HitToTell]]:
    """What is offered, or was until lately, with `entry_id` of one entry; and hits on entries of other
    agencies that these have not been told of yet. Raises RefusedInquiry.
    """
    door.enter("hotlist_show", entry_id or "offers to partners")
    with lists(door.settings).writing() as kept:
        follow(kept, own_entries(door.streams), Sharing.now(door), now)
        found = [one for one in kept.offered.all() if entry_id in ("", one.entry.entry_id)]
        return found, [one for one in kept.hits.all() if one.hit is not None]


def of_entry(door: Door, entry_id: str, now: datetime) -> list[Offered]:
    """The offers of one entry as they stand now, for whoever was shown the entry itself."""
    file = lists(door.settings)
    with file.reading() as kept:
        if not any(one.entry.entry_id == entry_id for one in kept.offered.all()):
            return []
    with file.writing() as kept:
        follow(kept, own_entries(door.streams), Sharing.now(door), now)
        return [one for one in kept.offered.all() if one.entry.entry_id == entry_id]


def may_be_offered(door: Door, entry: HotListEntry, now: datetime) -> list[str]:
    """The agencies to which it may be offered now; none where nobody here would tell them."""
    if entry.source != OWN_SOURCE or configured(door.settings).serve is None:
        return []
    return _all(Sharing.now(door), entry, now)


def untold(kept: Lists) -> dict[str, datetime]:
    """Since when each agency has not heard of something: an offer, a change, an end, or a hit."""
    since: dict[str, datetime] = {}
    waiting = [(one.agency, one.untold_since) for one in kept.offered.all()]
    waiting += [(one.agency, one.since) for one in kept.hits.all() if one.hit is not None]
    for agency, at in waiting:
        if at is not None:
            since[agency] = min(at, since.get(agency, at))
    return since


def late(settings: Settings, now: datetime) -> list[str]:
    """A sentence for each agency that could not be told of something for more than LATE."""
    with lists(settings).reading() as kept:
        return [
            f"{agency} has not been told of changes of the hot list since {since:%Y-%m-%d %H:%M:%S} UTC: "
            "platestream partners offered"
            for agency, since in sorted(untold(kept).items())
            if now - since > LATE
        ]


def follow(kept: Lists, own: Mapping[str, HotListEntry], sharing: Sharing, now: datetime) -> None:
    """Offers follow their entries: what was changed is to be told, and what is gone, has expired or may not
    be shared any more is withdrawn, whoever did that and however.
    """
    for one in kept.offered.all():
        entry = own.get(one.entry.entry_id)
        if not one.stands:
            if one.untold_since is None and one.ended_at is not None and now - one.ended_at > SHOWN_FOR:
                kept.offered.delete(one)
        elif entry is None or entry.expires_at <= now:
            end(kept, one, "the entry has ended", now)
        elif against := sharing.against(one.agency, now) or _against(entry, one.agency):
            end(kept, one, against, now)
        elif _differ(entry, one.entry):
            kept.offered.put(
                msgspec.structs.replace(one, entry=entry, refused="", untold_since=one.untold_since or now)
            )


def end(kept: Lists, one: Offered, because: str, now: datetime) -> Offered:
    """An offer that stands no more: its agency is to be told."""
    ended = msgspec.structs.replace(one, stands=False, ended=because, ended_at=now, untold_since=now)
    kept.offered.put(ended)
    return ended


def _differ(entry: HotListEntry, before: HotListEntry) -> bool:
    return any(getattr(entry, name) != getattr(before, name) for name in OFFERED_FIELDS)


def _offerable(door: Door, entry_id: str, now: datetime) -> HotListEntry:
    if configured(door.settings).serve is None:
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
        offered(entry)
    except msgspec.ValidationError as error:
        raise RefusedError("entry", f"it lacks what another agency asks for: {error}") from None
    return entry


def _against(entry: HotListEntry, agency: str) -> str:
    if agency in entry.silenced_for:
        return "the entry does not alert this agency"
    if entry.cameras:
        return "the entry is for some cameras of ours only"
    return ""


def _why_not(sharing: Sharing, entry: HotListEntry, name: str, now: datetime) -> str:
    """Why this entry cannot be offered to an agency now; empty where it can."""
    if said := sharing.against(name, now) or why_not(sharing.agencies[name], now):
        return said
    if len(name) > LONGEST_NAME:
        return f"its short name is longer than {LONGEST_NAME} characters"
    return _against(entry, name)


def _all(sharing: Sharing, entry: HotListEntry, now: datetime) -> list[str]:
    others = (name for name, one in sharing.agencies.items() if not one.own)
    return sorted(name for name in others if not _why_not(sharing, entry, name, now))


def _chosen(sharing: Sharing, entry: HotListEntry, agencies: Sequence[str], now: datetime) -> list[str]:
    if ALL in agencies:
        if found := _all(sharing, entry, now):
            return found
        raise RefusedError("partners", "there is no agency that this entry may be offered to")
    if not agencies:
        raise RefusedError("partners", "no agency is named to which the entry is to be offered")
    for name in agencies:
        if said := _why_not(sharing, entry, name, now):
            raise RefusedError("partners", f"{name[:64]}: {said}")
    return list(dict.fromkeys(agencies))
