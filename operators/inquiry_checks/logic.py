"""The checks as a step: keyed by bucket of people, the registry and the gate's rules told to every bucket.

An inquiry is checked by the rules and the registry that were in force when it was made. Registry and rules
are not in the recovery store, as each start reads them again; inquiries wait until they are read. When a
change of the registry comes late, the inquiries that were made after it are checked again.
A person of whom nothing was seen for 30 days is forgotten, so that the state stays bounded.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.hold import Hold
from operators.inquiry_checks.habits import REMEMBERED_DAYS, Person, expect, led_nowhere, unusual
from operators.inquiry_checks.order import FOLLOW_UPS, RULES, CheckRules, against_people, against_the_order
from operators.inquiry_checks.registered import Registered, changed
from schemas.finding import Finding
from schemas.gate_rules import GATE_RULES, RulesInForce
from schemas.hit_action import HitAction
from schemas.inquiry import Inquiry, SealedInquiry
from schemas.message import EndOfSnapshot
from schemas.registry import RegistryRecord

BUCKETS = 16
EVERY = tuple(str(bucket) for bucket in range(BUCKETS))
LOOK_EVERY = timedelta(minutes=10)
LATE = timedelta(days=1)
MOST_LATE = 500
"""So long, and so many in a bucket, inquiries are checked again when the registry changed before them."""
CHANGELOGS = ("registry", GATE_RULES)

Event = SealedInquiry | HitAction | RegistryRecord | RulesInForce | EndOfSnapshot
Verdict = SealedInquiry | Finding


class ChecksState(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: what waits for registry and rules, and people."""

    held: list[SealedInquiry | HitAction] = []
    people: dict[str, Person] = {}


def bucket(who: str) -> str:
    """Which of the buckets keeps this person."""
    return str(zlib.crc32(_name(who).encode()) % BUCKETS)


def spread(item: Event) -> list[tuple[str, Event]]:
    """Inquiries and steps on hits to the bucket of their person, the registry and the rules to all."""
    if isinstance(item, SealedInquiry):
        return [(bucket(item.inquiry.who), item)]
    if isinstance(item, HitAction):
        return [(bucket(item.by), item)]
    return [(name, item) for name in EVERY]


class InquiryChecks(StatefulBatchLogic[Event, Verdict, bytes]):
    """Findings of each inquiry, and behind them the inquiry again with what was found, for the copy."""

    def __init__(self, resume: bytes | None, now: Callable[[], datetime], rules: CheckRules = RULES) -> None:
        self._now, self._rules = now, rules
        kept = ChecksState() if resume is None else _decoder.decode(resume)
        self._hold, self._people = Hold(CHANGELOGS, kept.held), kept.people
        self._registered = Registered()
        self._judged: list[Inquiry] = []
        self._ruled: list[RulesInForce] = []
        self._look = now() + LOOK_EVERY

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Verdict], bool]:
        out: list[Verdict] = []
        for value in values:
            out.extend(self._take(value))
        return out, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Verdict], bool]:
        """What led nowhere; and who was not seen for long is forgotten."""
        now = self._now()
        self._look = now + LOOK_EVERY
        out = [one for person in self._people.values() for one in led_nowhere(person, now, self._rules)]
        oldest = now.toordinal() - REMEMBERED_DAYS
        self._people = {name: one for name, one in self._people.items() if not one.forget(oldest)}
        return out, StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        return self._look if self._people else None

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(ChecksState(self._hold.waiting, self._people))

    def _take(self, value: Event) -> Iterator[Verdict]:
        if isinstance(value, RegistryRecord):
            yield from self._registered_late(value)
        elif isinstance(value, RulesInForce):
            self._ruled = sorted([*self._ruled, value], key=lambda one: one.set_at)
        else:
            items = self._hold.end(value) if isinstance(value, EndOfSnapshot) else self._hold.take(value)
            for item in items:
                yield from self._judge(item)

    def _judge(self, item: SealedInquiry | HitAction) -> Iterator[Verdict]:
        if isinstance(item, HitAction):
            self._acted(item.by)
        else:
            yield from self._check(item)

    def _rules_at(self, at: datetime) -> CheckRules:
        before = [one for one in self._ruled if one.set_at <= at] or self._ruled[:1]
        return self._rules.under(before[-1].rules) if before else self._rules

    def _check(self, sealed: SealedInquiry) -> Iterator[Verdict]:
        inquiry = sealed.inquiry
        # The machine is nobody: what it does by itself makes no person of it.
        person = Person() if inquiry.automatic is True else self._person(inquiry.who)
        rules = self._rules_at(inquiry.at)
        found = [
            *against_the_order(inquiry, self._registered.at(inquiry), rules),
            *unusual(person, inquiry, rules),
        ]
        if inquiry.kind in FOLLOW_UPS and inquiry.outcome == "allowed":
            self._acted(inquiry.who)
        expect(person, inquiry)
        self._remember(inquiry)
        yield from found
        if found:
            yield msgspec.structs.replace(
                sealed, findings=tuple(f"{one.rule}: {one.detail}" for one in found)
            )

    def _registered_late(self, record: RegistryRecord) -> Iterator[Finding]:
        """Take a version of a record, and check again what was done between its change and its coming."""
        self._registered.put(record)
        for inquiry in self._judged:
            if record.id in (inquiry.who, inquiry.agency) and inquiry.at >= changed(record):
                yield from against_people(inquiry, self._registered.at(inquiry), self._rules_at(inquiry.at))

    def _remember(self, inquiry: Inquiry) -> None:
        if inquiry.outcome == "allowed":
            young = [one for one in self._judged if one.at > inquiry.at - LATE]
            self._judged = [*young, inquiry][-MOST_LATE:]

    def _person(self, who: str) -> Person:
        return self._people.setdefault(_name(who), Person())

    def _acted(self, who: str) -> None:
        if person := self._people.get(_name(who)):
            person.waiting.clear()


def _name(who: str) -> str:
    """One person, however the name is written."""
    return " ".join(who.casefold().split())


_decoder = msgspec.msgpack.Decoder(ChecksState)
