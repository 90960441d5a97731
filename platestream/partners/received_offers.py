"""Entries offered by other agencies: accepted or declined by a person or by the file's rule, and removed from
our list when their agency withdraws them, may not share any more, or is unreachable.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from platestream.access.door import Door, Permit
from platestream.access.effects import effect_of, write
from platestream.hotlist.change_log import difference, documentation, entry_reason
from platestream.hotlist.list_changes import designations, keep_listed_at
from platestream.hotlist.lookback import SearchBack, look_back, try_look_back
from platestream.partners.config import ListRules, read_config
from platestream.partners.list_store import IncomingOffer, ListFile, Lists
from platestream.partners.offers import LONGEST_NAME, lists
from platestream.partners.sharing import NOT_POLICE, Sharing
from platestream.schemas.fields import Vehicle
from platestream.schemas.hotlist import PARTNER_SOURCE, HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import printable
from platestream.schemas.partner_lists import (
    MOST_OFFERS,
    CurrentOffers,
    Decision,
    Offer,
    OfferDecision,
    OfferedEntry,
)
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.topics import HOTLIST
from platestream.settings import Settings

LONGEST = 2000
"""Most characters of a text of an entry."""
MARKS = 20


class OldMessage(RefusedError):  # noqa: N818
    """Error for an agency's message that is older than its last one."""


def entry_id(agency: str, offer_id: UUID) -> str:
    """Return the id under which an offer is listed here."""
    return f"{PARTNER_SOURCE}:{agency}/{offer_id.hex[:12]}"


def offers(door: Door) -> list[IncomingOffer]:
    """Return the offers of other agencies and their status. Raises RefusedInquiry."""
    door.enter("hotlist_show", "offers of partners")
    with lists(door.settings).reading() as tables:
        return tables.incoming.all()


def take(
    door: Door, which: str, now: datetime, *, back: bool = True, search: SearchBack = try_look_back
) -> tuple[IncomingOffer, int | None]:
    """Accept an offered entry for our hot list, by its id; return also the number of historical hits of the
    person's look-back, None where it is not made (`back`) or is refused, which is logged.

    Raises RefusedError with the reason why it cannot be accepted, and RefusedInquiry; both are logged.
    """
    with door.log_refusal("hotlist_take", which):
        one = _named(door.settings, which)
        if one.decision == "taken":
            raise RefusedError("partners", "this entry is taken already")
        if not one.is_confirmed(read_config(door.settings).lists.lease, now):
            heard = f"{one.heard_at:%Y-%m-%d %H:%M} UTC"
            raise RefusedError("partners", f"{one.agency} has not said since {heard} that it stands")
        Sharing.now(door).check(one.agency, now)
        designations(door.streams).check(one.entry, now)
    entry = keep_listed_at(one.entry, None, now)
    permit = _enter_take(door, None, entry)
    with lists(door.settings).writing() as tables:
        taken = _list(permit, door, tables, _same(tables, one), entry)
    return taken, search(door, [entry], now)[0] if back else None


def decline(door: Door, which: str) -> IncomingOffer:
    """Decline an offer, or drop an entry that was accepted. Raises as `take`."""
    with door.log_refusal("hotlist_take", which):
        one = _named(door.settings, which)
        if one.decision in ("declined", "dropped"):
            raise RefusedError("partners", f"this entry is {one.decision} already")
    before = one.entry if one.listed else None
    change = "declined" if before is None else f"dropped; {difference(before, None)}"
    permit = door.enter(
        "hotlist_take",
        which,
        change=change,
        effect=_effect(one, None),
        case_number=one.entry.case_number,
        reason=entry_reason(one.entry),
    )
    decision = "dropped" if one.decision == "taken" else "declined"
    with lists(door.settings).writing() as tables:
        left = msgspec.structs.replace(_same(tables, one), decision=decision, decided_by=permit.who)
        return _unlist(permit, door, tables, left)


class OfferInbox:
    """Intake of partners' messages, by a system job's `door`; the gate has judged each offer before."""

    def __init__(self, door: Door, rules: ListRules) -> None:
        self._door, self._rules = door, rules

    def judge(
        self, tables: Lists, agency: RegistryRecord, offer: Offer, now: datetime
    ) -> tuple[IncomingOffer, str]:
        """Return the offer as it would be stored, and our rule that forbids it, or nothing. Raises
        RefusedError where it can be no hot list entry.
        """
        entry = as_listed(agency, offer)
        before = tables.incoming.get(agency.id, offer.offer_id)
        made = IncomingOffer(
            agency=agency.id,
            offer_id=offer.offer_id,
            entry=entry,
            by=offer.asker,
            offered_at=now,
            heard_at=now,
        )
        rule = self._rules.of(agency.id)
        refusal = ""
        if rule.take == "never" or (rule.categories and entry.category not in rule.categories):
            refusal = "this agency takes no such entries of yours"
        elif not agency.law_enforcement:
            refusal = NOT_POLICE
        elif before is None and len(tables.incoming.all(agency.id)) >= MOST_OFFERS:
            refusal = f"{MOST_OFFERS} entries of yours are offered already: no more at once"
        elif before is None and entry.entry_id in {
            one.entry.entry_id for one in tables.incoming.all(agency.id)
        }:
            refusal = "another offer of yours begins with the same 12 digits"
        elif entry.expires_at <= now:
            refusal = "`expires_at` is past"
        return made, refusal

    def store(self, tables: Lists, made: IncomingOffer, now: datetime) -> IncomingOffer:
        """Store a new or changed offer that the gate allowed. A change of the listed vehicles or of the
        category, or one that is not designated, must be decided again, and the entry is off the list until
        then.
        """
        before = tables.incoming.get(made.agency, made.offer_id)
        if before is not None:
            made = msgspec.structs.replace(
                made, decision=before.decision, decided_by=before.decided_by, offered_at=before.offered_at,
                listed=before.listed,
            )  # fmt: skip
        if made.decision == "taken" and before is not None:
            same = (made.entry.breadth, made.entry.category) == (before.entry.breadth, before.entry.category)
            if not (same and self._designated(made.entry, now)):
                made = msgspec.structs.replace(made, decision="waiting", decided_by="")
                listed = [made] if made.listed else []
                for permit, one in self._with_permits(listed, "changed, and to be decided again"):
                    made = _unlist(permit, self._door, tables, one)
            elif made.listed:
                entry = keep_listed_at(made.entry, before.entry, now)
                permit = _enter_take(self._door, before.entry, entry)
                return _list(permit, self._door, tables, made, entry)
        if made.decision == "waiting" and self._is_accepted_by_rule(made, now):
            entry = keep_listed_at(made.entry, None, now)
            permit = _enter_take(self._door, None, entry)
            made = msgspec.structs.replace(made, unseen=True)
            return _list(permit, self._door, tables, made, entry)
        tables.incoming.put(made)
        return made

    def update_current(
        self, tables: Lists, agency: str, current: CurrentOffers, now: datetime
    ) -> list[OfferDecision]:
        """Process an agency's list of current offers: remove all others, and list again those that were off
        because the agency was unreachable.
        """
        named, sharing = set(current.offers), Sharing.now(self._door)
        gone = [one for one in tables.incoming.all(agency) if one.offer_id not in named]
        for permit, one in self._with_permits(gone, f"{agency} has withdrawn it"):
            _unlist(permit, self._door, tables, one)
            tables.incoming.delete(one)
        heard = [
            msgspec.structs.replace(one, heard_at=now, restored=False) for one in tables.incoming.all(agency)
        ]
        back = [
            one for one in heard
            if one.decision == "taken" and not one.listed and one.entry.expires_at > now
            and not sharing.objection(agency, now)
        ]  # fmt: skip
        for one in heard:
            tables.incoming.put(one)
        again = [msgspec.structs.replace(one, entry=keep_listed_at(one.entry, None, now)) for one in back]
        for permit, one in self._with_permits(again, f"{agency} was heard again: it stands", puts=True):
            _list(permit, self._door, tables, one, one.entry)
        shared = not sharing.objection(agency, now)
        return [OfferDecision(offer_id=one.offer_id, decision=_decision(one, shared)) for one in heard]

    def compare(self, tables: Lists, listed: Collection[str]) -> None:
        """Compare with `listed`, the ids of partners' entries on our list now: mark entries that a person
        removed as dropped, and remove entries without an offer.
        """
        known = {one.entry.entry_id: one for one in tables.incoming.all()}
        for name, one in known.items():
            if one.listed and name not in listed:
                tables.incoming.put(msgspec.structs.replace(one, decision="dropped", listed=False))
        orphans = [name for name in listed if name not in known or not known[name].listed]
        withdraw(self._door, "partner_told", orphans, "no offer stands behind it")

    def clean_up(self, tables: Lists, sharing: Sharing, now: datetime) -> None:
        """Delete offers that have ended; remove entries that may not be shared any more, or whose agency was
        unreachable for too long.
        """
        past = [one for one in tables.incoming.all() if one.entry.expires_at <= now]
        for permit, one in self._with_permits(past, "it has ended"):
            _unlist(permit, self._door, tables, one)
            tables.incoming.delete(one)
        stay = [one for one in tables.incoming.all() if one.listed]
        against = {one.agency: sharing.objection(one.agency, now) for one in stay}
        ended = [one for one in stay if against[one.agency]]
        for permit, one in self._with_permits(ended, "nothing is shared with its agency any more"):
            _unlist(permit, self._door, tables, one)
        silent = [one for one in stay if one not in ended and not one.is_confirmed(self._rules.lease, now)]
        for permit, one in self._with_permits(
            silent, "its agency was not heard of: off the list until it is"
        ):
            _unlist(permit, self._door, tables, one)

    def look_back(self, file: ListFile, now: datetime) -> None:
        """Look back for one entry that was accepted automatically, which would take too long within the
        answer to its agency. Raises RefusedInquiry and DatabaseError.
        """
        with file.reading() as tables:
            unseen = [one for one in tables.incoming.all() if one.unseen and one.listed]
        for one in unseen[:1]:
            look_back(replace(self._door, set_off_by=f"agency:{one.agency}"[:64]), [one.entry], now)
            with file.writing() as tables:
                current = tables.incoming.get(one.agency, one.offer_id)
                if current is not None and current.entry == one.entry:
                    tables.incoming.put(msgspec.structs.replace(current, unseen=False))

    def _is_accepted_by_rule(self, made: IncomingOffer, now: datetime) -> bool:
        """Return whether the file's rule accepts it; patterns and undesignated entries wait for a person."""
        wanted = self._rules.of(made.agency).take == "always" and not made.entry.is_pattern
        return wanted and self._designated(made.entry, now)

    def _designated(self, entry: HotListEntry, now: datetime) -> bool:
        """Return whether source and category are designated, and the entry ends in time."""
        try:
            designations(self._door.streams).check(entry, now)
        except RefusedError:
            return False
        return True

    def _with_permits(
        self, some: list[IncomingOffer], change: str, *, puts: bool = False
    ) -> Iterator[tuple[Permit, IncomingOffer]]:
        """Yield each with a permit to remove it from the list, or with `puts` to list it; all are logged
        first, in one query.
        """
        changes = [(one.entry.entry_id, change) for one in some]
        effects = [_effect(one, one.entry if puts else None) for one in some]
        permits = self._door.enter_several("partner_told", changes, effects=effects)
        yield from zip(permits, some, strict=True)


def as_listed(agency: RegistryRecord, offer: Offer) -> HotListEntry:
    """Convert an offered entry into ours, with its agency and contact in the text, and without control
    characters. Raises RefusedError that names the field.
    """
    if len(agency.id) > LONGEST_NAME:
        raise RefusedError("partners", f"your short name is longer than {LONGEST_NAME} characters")
    offered: OfferedEntry = offer.entry
    plain: dict[str, Any] = {
        name: printable(getattr(offered, name), LONGEST)
        for name in ("case_number", "reason", "requested_by", "contact", "instructions")
    }
    if empty := [name for name, text in plain.items() if not text]:
        raise RefusedError("schema", f"{', '.join(empty)}: nothing is said (order, section H)")
    ask = f"{plain['requested_by'][:100]}, {plain['contact'][:200]}"
    whose = f"Entry of {agency.name[:100]}, which answers for it: ask {ask} before any action."
    try:
        return HotListEntry.from_json(_entry(agency, offer, plain, whose).to_json())
    except ValueError as error:
        raise RefusedError("schema", str(error)) from None


def _entry(agency: RegistryRecord, offer: Offer, plain: dict[str, Any], whose: str) -> HotListEntry:
    offered = offer.entry
    return HotListEntry(
        entry_id=entry_id(agency.id, offer.offer_id),
        source=PARTNER_SOURCE,
        category=offered.category,
        plate=offered.plate,
        state=offered.state,
        vehicle=_plain_vehicle(offered.vehicle),
        other=f"{whose} {printable(offered.other, LONGEST)}".strip()[:LONGEST],
        valid_from=offered.valid_from,
        expires_at=offered.expires_at,
        look_alikes=offered.look_alikes,
        areas=offered.areas,
        hours=offered.hours,
        **plain,
    )


def _plain_vehicle(vehicle: Vehicle) -> Vehicle:
    words = {name: getattr(vehicle, name) for name in ("make", "model", "colour", "body")}
    plain = {name: printable(text, 64) or None for name, text in words.items() if text is not None}
    marks = {printable(name, 64): printable(text, 200) for name, text in list(vehicle.other.items())[:MARKS]}
    return Vehicle(**plain, other={name: text for name, text in marks.items() if name and text})


def _named(settings: Settings, which: str) -> IncomingOffer:
    with lists(settings).reading() as tables:
        found = [one for one in tables.incoming.all() if one.entry.entry_id == which]
    if not found:
        raise RefusedError("partners", "no such entry is offered: platestream partners offers lists them")
    return found[0]


def _same(tables: Lists, before: IncomingOffer) -> IncomingOffer:
    """Return the current offer if it is still the one that was decided about. Raises RefusedError."""
    now = tables.incoming.get(before.agency, before.offer_id)
    if now is None or (now.entry, now.decision) != (before.entry, before.decision):
        raise RefusedError(
            "partners", "its agency, or somebody here, has changed it meanwhile: look at it again"
        )
    return now


def _decision(one: IncomingOffer, shared: bool) -> Decision:
    """Return the decision to report. An accepted entry is off the list, and so dropped, while nothing is
    shared with its agency, and listed again afterwards.
    """
    return "dropped" if one.decision == "taken" and not shared else one.decision


def _effect(one: IncomingOffer, entry: HotListEntry | None) -> str:
    """Return the hash of the change of the list; empty where a removed entry is not on it."""
    written = HotListChange(one.entry.entry_id, entry)
    return effect_of(HOTLIST, written) if entry is not None or one.listed else ""


def _enter_take(door: Door, before: HotListEntry | None, entry: HotListEntry) -> Permit:
    return door.enter(
        "hotlist_take",
        entry.entry_id,
        change=difference(before, entry),
        effect=effect_of(HOTLIST, HotListChange(entry.entry_id, entry)),
        **documentation(entry),
    )


def _list(
    permit: Permit, door: Door, tables: Lists, one: IncomingOffer, entry: HotListEntry
) -> IncomingOffer:
    by = one.decided_by if one.decision == "taken" else permit.who
    listed = msgspec.structs.replace(one, entry=entry, decision="taken", decided_by=by, listed=True)
    tables.incoming.put(listed)
    write(permit, door, HOTLIST, HotListChange(entry.entry_id, entry))
    return listed


def _unlist(permit: Permit, door: Door, tables: Lists, one: IncomingOffer) -> IncomingOffer:
    left = msgspec.structs.replace(one, listed=False)
    tables.incoming.put(left)
    if one.listed:
        write(permit, door, HOTLIST, HotListChange(one.entry.entry_id, None))
    return left


def withdraw(door: Door, act: str, names: Collection[str], change: str) -> None:
    """Remove entries from the list, each by an act. Raises RefusedInquiry, DatabaseError and BrokerError."""
    changes = [HotListChange(name, None) for name in names]
    effects = [effect_of(HOTLIST, one) for one in changes]
    for permit, one in zip(
        door.enter_several(act, [(name, change) for name in names], effects=effects), changes, strict=True
    ):
        write(permit, door, HOTLIST, one)


def check_newer(tables: Lists, agency: str, number: int, now: datetime) -> None:
    """Raise OldMessage where an agency has sent a newer message since."""
    if not tables.is_newer(agency, number, now):
        raise OldMessage("partners", "this is not newer than what you said last")
