"""Step that checks inquiries, keyed by buckets of people.

Every bucket gets the registry and the gate's rules. An inquiry is checked by those that were in force when it
was made. They are not in the recovery store, because each start reads them again; inquiries wait until they
are read. If a change of the registry arrives late, the inquiries that were made after it are checked again.

A person without events for 30 days is forgotten, so that the state stays bounded.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.changelog_hold import ChangelogHold
from platestream.operators.inquiry_checks.order import (
    FOLLOW_UPS,
    RULES,
    CheckRules,
    check_order,
    check_people,
)
from platestream.operators.inquiry_checks.registry_history import RegistryHistory, change_time
from platestream.operators.inquiry_checks.unusual_use import (
    REMEMBERED_DAYS,
    Person,
    expect_follow_up,
    find_unusual,
    missing_follow_ups,
)
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import GATE_RULES, RulesInForce
from platestream.schemas.hit_action import HitAction
from platestream.schemas.inquiry import Inquiry, SealedInquiry
from platestream.schemas.message import EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

BUCKETS = 16
ALL_BUCKETS = tuple(str(bucket) for bucket in range(BUCKETS))
CHECK_INTERVAL = timedelta(minutes=10)
LATE = timedelta(days=1)
MOST_LATE = 500
"""Limits of age, and of number in a bucket, for checking inquiries again after a late registry change."""
CHANGELOGS = ("registry", GATE_RULES)

Event = SealedInquiry | HitAction | RegistryRecord | RulesInForce | EndOfSnapshot
Verdict = SealedInquiry | Finding


class ChecksState(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: items that wait for registry and rules, and people."""

    held: list[SealedInquiry | HitAction] = []
    people: dict[str, Person] = {}


def bucket(who: str) -> str:
    """Return the bucket of a person."""
    return str(zlib.crc32(_name(who).encode()) % BUCKETS)


def spread_to_buckets(item: Event) -> list[tuple[str, Event]]:
    """Return an event with the bucket of its person; registry records and rules with all buckets."""
    if isinstance(item, SealedInquiry):
        return [(bucket(item.inquiry.who), item)]
    if isinstance(item, HitAction):
        return [(bucket(item.by), item)]
    return [(name, item) for name in ALL_BUCKETS]


class InquiryChecks(StatefulBatchLogic[Event, Verdict, bytes]):
    """Logic of the step: yields the findings of each inquiry.

    After them it yields the inquiry again with its findings, for the copy.
    """

    def __init__(self, resume: bytes | None, now: Callable[[], datetime], rules: CheckRules = RULES) -> None:
        self._now, self._rules = now, rules
        state = ChecksState() if resume is None else _decoder.decode(resume)
        self._hold, self._people = ChangelogHold(CHANGELOGS, state.held), state.people
        self._registered = RegistryHistory()
        self._judged: list[Inquiry] = []
        self._ruled: list[RulesInForce] = []
        self._look = now() + CHECK_INTERVAL

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Verdict], bool]:
        out: list[Verdict] = []
        for value in values:
            out.extend(self._take(value))
        return out, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Verdict], bool]:
        """Return findings about missing follow-ups, and forget inactive people."""
        now = self._now()
        self._look = now + CHECK_INTERVAL
        out = [
            one for person in self._people.values() for one in missing_follow_ups(person, now, self._rules)
        ]
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
        # A system job is no person, so its acts create none.
        person = Person() if inquiry.automatic is True else self._person(inquiry.who)
        rules = self._rules_at(inquiry.at)
        found = [
            *check_order(inquiry, self._registered.at(inquiry), rules),
            *find_unusual(person, inquiry, rules),
        ]
        if inquiry.kind in FOLLOW_UPS and inquiry.outcome == "allowed":
            self._acted(inquiry.who)
        expect_follow_up(person, inquiry)
        self._remember(inquiry)
        yield from found
        if found:
            yield msgspec.structs.replace(
                sealed, findings=tuple(f"{one.rule}: {one.detail}" for one in found)
            )

    def _registered_late(self, record: RegistryRecord) -> Iterator[Finding]:
        """Store a version of a record, and check the inquiries between its change and its arrival again."""
        self._registered.put(record)
        for inquiry in self._judged:
            if record.id in (inquiry.who, inquiry.agency) and inquiry.at >= change_time(record):
                yield from check_people(inquiry, self._registered.at(inquiry), self._rules_at(inquiry.at))

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
    """Return the identity of a person, however the name is written."""
    return " ".join(who.casefold().split())


_decoder = msgspec.msgpack.Decoder(ChecksState)
