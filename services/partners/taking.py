"""Entries that other agencies offer: a person takes or declines each, or the rule of the file does; and they
are off our list as soon as their agency withdraws them, may not share any more, or is not heard of.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from connectors.partners.lists import Incoming, ListFile, Lists
from connectors.settings import Settings
from schemas.fields import Vehicle
from schemas.hotlist import PARTNER_SOURCE, HotListChange, HotListEntry
from schemas.message import RefusedError
from schemas.partner import printable
from schemas.partner_lists import MOST_OFFERS, Decided, Decision, Offer, OfferedEntry, Standing
from schemas.registry import RegistryRecord
from schemas.topics import HOTLIST
from services.door import Door, Permit
from services.effects import effect_of, write
from services.hotlist.importing import designations, with_listing
from services.hotlist.log import difference, documentation, entry_reason
from services.hotlist.lookback import look_back, try_look_back
from services.partners.configured import ListRules, configured
from services.partners.offering import LONGEST_NAME, lists
from services.partners.sharing import NOT_POLICE, Sharing

LONGEST = 2000
"""Characters of a text of an entry."""
MARKS = 20


class OldMessage(RefusedError):  # noqa: N818
    """An agency's message that is older than what it said since."""


def entry_id(agency: str, offer_id: UUID) -> str:
    """Under which an offer is listed here."""
    return f"{PARTNER_SOURCE}:{agency}/{offer_id.hex[:12]}"


def offers(door: Door, entry: str = "") -> list[Incoming]:
    """What other agencies offer, and what became of it; of one entry where it is named. Raises
    RefusedInquiry.
    """
    door.enter("hotlist_show", entry or "offers of partners")
    with lists(door.settings).reading() as kept:
        return [one for one in kept.incoming.all() if entry in ("", one.entry.entry_id)]


def take(door: Door, which: str, now: datetime, *, back: bool = True) -> tuple[Incoming, int | None]:
    """Put an offered entry on our hot list, by its id; how many historical hits the person's look-back found
    of it, None where it is not made (`back`) or is refused, which is on record.

    Raises RefusedError that says why it cannot be, and RefusedInquiry: either is on record.
    """
    with door.on_record("hotlist_take", which):
        one = _named(door.settings, which)
        if one.decision == "taken":
            raise RefusedError("partners", "this entry is taken already")
        if not one.is_heard(configured(door.settings).lists.lease, now):
            raise RefusedError("partners", f"{one.agency} has not said since {_at(one)} that it stands")
        Sharing.now(door).check(one.agency, now)
        designations(door.streams).check(one.entry, now)
    entry = with_listing(one.entry, None, now)
    permit = _enter_take(door, None, entry)
    with lists(door.settings).writing() as kept:
        taken = _list(permit, door, kept, _same(kept, one), entry)
    return taken, try_look_back(door, [entry], now)[0] if back else None


def decline(door: Door, which: str) -> Incoming:
    """Say no to an offer, or drop an entry that was taken. Raises as `take`."""
    with door.on_record("hotlist_take", which):
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
    with lists(door.settings).writing() as kept:
        left = msgspec.structs.replace(_same(kept, one), decision=decision, decided_by=permit.who)
        return _unlist(permit, door, kept, left)


class Intake:
    """What partners send, by the machine's `door`; the gate has judged each offer before it comes here."""

    def __init__(self, door: Door, rules: ListRules) -> None:
        self._door, self._rules = door, rules

    def judge(self, kept: Lists, agency: RegistryRecord, offer: Offer, now: datetime) -> tuple[Incoming, str]:
        """The offer as it would be kept, and which rule of ours forbids it, or nothing. Raises RefusedError
        where it can be no entry of a hot list.
        """
        entry = as_listed(agency, offer)
        before = kept.incoming.get(agency.id, offer.offer_id)
        made = Incoming(
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
        elif before is None and len(kept.incoming.all(agency.id)) >= MOST_OFFERS:
            refusal = f"{MOST_OFFERS} entries of yours are offered already: no more at once"
        elif before is None and _taken_id(kept, agency.id, entry.entry_id):
            refusal = "another offer of yours begins with the same 12 digits"
        elif entry.expires_at <= now:
            refusal = "`expires_at` is past"
        return made, refusal

    def arrive(self, kept: Lists, made: Incoming, now: datetime) -> Incoming:
        """Keep an offer that the gate allowed, new or changed. A change of what is looked for, or of the
        category, or one that may not be here, is decided anew, and is off the list until it is.
        """
        before = kept.incoming.get(made.agency, made.offer_id)
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
                for permit, one in self._on_record(listed, "changed, and to be decided again"):
                    made = _unlist(permit, self._door, kept, one)
            elif made.listed:
                entry = with_listing(made.entry, before.entry, now)
                permit = _enter_take(self._door, before.entry, entry)
                return _list(permit, self._door, kept, made, entry)
        if made.decision == "waiting" and self._takes_by_itself(made, now):
            entry = with_listing(made.entry, None, now)
            permit = _enter_take(self._door, None, entry)
            made = msgspec.structs.replace(made, unseen=True)
            return _list(permit, self._door, kept, made, entry)
        kept.incoming.put(made)
        return made

    def stand(self, kept: Lists, agency: str, told: Standing, now: datetime) -> list[Decided]:
        """What an agency says to stand: all else of it is gone, and what was off for its silence is back."""
        named, sharing = set(told.offers), Sharing.now(self._door)
        gone = [one for one in kept.incoming.all(agency) if one.offer_id not in named]
        for permit, one in self._on_record(gone, f"{agency} has withdrawn it"):
            _unlist(permit, self._door, kept, one)
            kept.incoming.delete(one)
        heard = [
            msgspec.structs.replace(one, heard_at=now, restored=False) for one in kept.incoming.all(agency)
        ]
        back = [
            one for one in heard
            if one.decision == "taken" and not one.listed and one.entry.expires_at > now
            and not sharing.against(agency, now)
        ]  # fmt: skip
        for one in heard:
            kept.incoming.put(one)
        again = [msgspec.structs.replace(one, entry=with_listing(one.entry, None, now)) for one in back]
        for permit, one in self._on_record(again, f"{agency} was heard again: it stands", puts=True):
            _list(permit, self._door, kept, one, one.entry)
        shared = not sharing.against(agency, now)
        return [Decided(offer_id=one.offer_id, decision=_said(one, shared)) for one in heard]

    def compare(self, kept: Lists, listed: Collection[str]) -> None:
        """`listed` are the entries of partners on our list now, by id: what a person took off is dropped, and
        what no offer stands behind is taken off.
        """
        known = {one.entry.entry_id: one for one in kept.incoming.all()}
        for name, one in known.items():
            if one.listed and name not in listed:
                kept.incoming.put(msgspec.structs.replace(one, decision="dropped", listed=False))
        orphans = [name for name in listed if name not in known or not known[name].listed]
        withdraw(self._door, "partner_told", orphans, "no offer stands behind it")

    def keep(self, kept: Lists, sharing: Sharing, now: datetime) -> None:
        """By the clock: what has ended is forgotten; what may not be shared any more, or whose agency was not
        heard of for long, is off the list.
        """
        past = [one for one in kept.incoming.all() if one.entry.expires_at <= now]
        for permit, one in self._on_record(past, "it has ended"):
            _unlist(permit, self._door, kept, one)
            kept.incoming.delete(one)
        stay = [one for one in kept.incoming.all() if one.listed]
        against = {one.agency: sharing.against(one.agency, now) for one in stay}
        ended = [one for one in stay if against[one.agency]]
        for permit, one in self._on_record(ended, "nothing is shared with its agency any more"):
            _unlist(permit, self._door, kept, one)
        silent = [one for one in stay if one not in ended and not one.is_heard(self._rules.lease, now)]
        for permit, one in self._on_record(silent, "its agency was not heard of: off the list until it is"):
            _unlist(permit, self._door, kept, one)

    def look_back(self, file: ListFile, now: datetime) -> None:
        """For one entry that was taken by itself: in the answer to its agency there is no time for it. Raises
        RefusedInquiry and DatabaseError.
        """
        with file.reading() as kept:
            unseen = [one for one in kept.incoming.all() if one.unseen and one.listed]
        for one in unseen[:1]:
            look_back(replace(self._door, set_off_by=f"agency:{one.agency}"[:64]), [one.entry], now)
            with file.writing() as kept:
                current = kept.incoming.get(one.agency, one.offer_id)
                if current is not None and current.entry == one.entry:
                    kept.incoming.put(msgspec.structs.replace(current, unseen=False))

    def _takes_by_itself(self, made: Incoming, now: datetime) -> bool:
        """By the rule of the file; what may fit many vehicles, or is not designated, waits for a person."""
        wanted = self._rules.of(made.agency).take == "always" and not made.entry.is_pattern
        return wanted and self._designated(made.entry, now)

    def _designated(self, entry: HotListEntry, now: datetime) -> bool:
        """Source and category are, and it ends in time."""
        try:
            designations(self._door.streams).check(entry, now)
        except RefusedError:
            return False
        return True

    def _on_record(
        self, some: list[Incoming], change: str, *, puts: bool = False
    ) -> Iterator[tuple[Permit, Incoming]]:
        """Each with a permit to take it off the list, or with `puts` to put it there: all are on record
        first, at the cost of one.
        """
        told = [(one.entry.entry_id, change) for one in some]
        effects = [_effect(one, one.entry if puts else None) for one in some]
        permits = self._door.enter_several("partner_told", told, effects=effects)
        yield from zip(permits, some, strict=True)


def as_listed(agency: RegistryRecord, offer: Offer) -> HotListEntry:
    """An offered entry as ours: whose it is and whom to ask stands in it, and nothing that steers a page or a
    terminal. Raises RefusedError that names the field.
    """
    if len(agency.id) > LONGEST_NAME:
        raise RefusedError("partners", f"your short name is longer than {LONGEST_NAME} characters")
    told: OfferedEntry = offer.entry
    plain: dict[str, Any] = {
        name: printable(getattr(told, name), LONGEST)
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
    told = offer.entry
    return HotListEntry(
        entry_id=entry_id(agency.id, offer.offer_id),
        source=PARTNER_SOURCE,
        category=told.category,
        plate=told.plate,
        state=told.state,
        vehicle=_plain_vehicle(told.vehicle),
        other=f"{whose} {printable(told.other, LONGEST)}".strip()[:LONGEST],
        valid_from=told.valid_from,
        expires_at=told.expires_at,
        look_alikes=told.look_alikes,
        areas=told.areas,
        hours=told.hours,
        **plain,
    )


def _plain_vehicle(told: Vehicle) -> Vehicle:
    words = {name: getattr(told, name) for name in ("make", "model", "colour", "body")}
    plain = {name: printable(text, 64) or None for name, text in words.items() if text is not None}
    marks = {printable(name, 64): printable(text, 200) for name, text in list(told.other.items())[:MARKS]}
    return Vehicle(**plain, other={name: text for name, text in marks.items() if name and text})


def _named(settings: Settings, which: str) -> Incoming:
    with lists(settings).reading() as kept:
        found = [one for one in kept.incoming.all() if one.entry.entry_id == which]
    if not found:
        raise RefusedError("partners", "no such entry is offered: platestream partners offers lists them")
    return found[0]


def _same(kept: Lists, before: Incoming) -> Incoming:
    """The offer as it is now, if it still is what was decided about. Raises RefusedError."""
    now = kept.incoming.get(before.agency, before.offer_id)
    if now is None or (now.entry, now.decision) != (before.entry, before.decision):
        raise RefusedError(
            "partners", "its agency, or somebody here, has changed it meanwhile: look at it again"
        )
    return now


def _said(one: Incoming, shared: bool) -> Decision:
    """What its agency hears of an offer. A taken one is off the list, and so dropped, while nothing is shared
    with that agency, and on it again afterwards.
    """
    return "dropped" if one.decision == "taken" and not shared else one.decision


def _taken_id(kept: Lists, agency: str, name: str) -> bool:
    return any(one.entry.entry_id == name for one in kept.incoming.all(agency))


def _effect(one: Incoming, entry: HotListEntry | None) -> str:
    """Return the hash of what is written to the list; empty where what goes is not on it."""
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


def _list(permit: Permit, door: Door, kept: Lists, one: Incoming, entry: HotListEntry) -> Incoming:
    by = one.decided_by if one.decision == "taken" else permit.who
    listed = msgspec.structs.replace(one, entry=entry, decision="taken", decided_by=by, listed=True)
    kept.incoming.put(listed)
    write(permit, door, HOTLIST, HotListChange(entry.entry_id, entry))
    return listed


def _unlist(permit: Permit, door: Door, kept: Lists, one: Incoming) -> Incoming:
    left = msgspec.structs.replace(one, listed=False)
    kept.incoming.put(left)
    if one.listed:
        write(permit, door, HOTLIST, HotListChange(one.entry.entry_id, None))
    return left


def withdraw(door: Door, act: str, names: Collection[str], change: str) -> None:
    """Take entries off the list, each by an act. Raises RefusedInquiry, DatabaseError and BrokerError."""
    changes = [HotListChange(name, None) for name in names]
    effects = [effect_of(HOTLIST, one) for one in changes]
    for permit, one in zip(
        door.enter_several(act, [(name, change) for name in names], effects=effects), changes, strict=True
    ):
        write(permit, door, HOTLIST, one)


def check_newer(kept: Lists, agency: str, number: int, now: datetime) -> None:
    """Raises OldMessage where an agency has said something newer since."""
    if not kept.is_newer(agency, number, now):
        raise OldMessage("partners", "this is not newer than what you said last")


def _at(one: Incoming) -> str:
    return f"{one.heard_at:%Y-%m-%d %H:%M} UTC"
