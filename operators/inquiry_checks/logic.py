"""The checks as a step: keyed by bucket of people, the registry and the gate's rules told to every bucket.

An inquiry is checked by the rules that were in force when it was made. Registry and rules are not kept in the
recovery store, as each start reads them again; inquiries wait until they are read.
A person of whom nothing was seen for 30 days is forgotten, so that the state stays bounded.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import msgspec
from bytewax.operators import StatefulBatchLogic

from operators.inquiry_checks.habits import REMEMBERED_DAYS, Person, expect, led_nowhere, unusual
from operators.inquiry_checks.order import ACTIONS, RULES, CheckRules, against_the_order
from operators.people import People
from schemas.finding import Finding
from schemas.gate_rules import Ruled
from schemas.hit_action import HitAction
from schemas.inquiry import SealedInquiry
from schemas.message import Loaded
from schemas.registry import RegistryRecord

BUCKETS = 16
EVERY = tuple(str(bucket) for bucket in range(BUCKETS))
LOOK_EVERY = timedelta(minutes=10)

Event = SealedInquiry | HitAction | RegistryRecord | Ruled | Loaded
Told = SealedInquiry | Finding


class Kept(msgspec.Struct, array_like=True):
    """A bucket's state in the recovery store: inquiries that wait for the registry, and people."""

    held: list[SealedInquiry] = []
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


def inquiry_of_log(item: SealedInquiry | Ruled) -> SealedInquiry | None:
    """What goes to the copy as it was sealed."""
    return item if isinstance(item, SealedInquiry) else None


def finding(item: Told) -> Finding | None:
    """What goes to the findings."""
    return item if isinstance(item, Finding) else None


def remark(item: Told) -> SealedInquiry | None:
    """What goes to the copy."""
    return item if isinstance(item, SealedInquiry) else None


def record(item: RegistryRecord | Loaded) -> RegistryRecord | None:
    """What goes to the registry's table."""
    return item if isinstance(item, RegistryRecord) else None


class InquiryChecks(StatefulBatchLogic[Event, Told, bytes]):
    """Findings of each inquiry, and behind them the inquiry again with what was found, for the copy."""

    def __init__(self, resume: bytes | None, now: Callable[[], datetime], rules: CheckRules = RULES) -> None:
        self._now, self._rules = now, rules
        kept = Kept() if resume is None else _decoder.decode(resume)
        self._held, self._people = kept.held, kept.people
        self._registered = People()
        self._loaded: set[int] = set()
        self._whole = self._ready = False
        self._ruled: list[Ruled] = []
        self._look = now() + LOOK_EVERY

    def on_batch(self, values: list[Event]) -> tuple[Iterable[Told], bool]:
        out: list[Told] = []
        for value in values:
            out.extend(self._take(value))
        return out, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Told], bool]:
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
        return msgspec.msgpack.encode(Kept(list(self._held), self._people))

    def _take(self, value: Event) -> Iterator[Told]:
        if isinstance(value, RegistryRecord):
            self._registered.put(value)
        elif isinstance(value, Loaded):
            self._loaded.add(value.partition)
            self._whole = len(self._loaded) >= value.partitions
            yield from self._begin()
        elif isinstance(value, Ruled):
            self._ruled = sorted([*self._ruled, value], key=lambda one: one.set_at)
            yield from self._begin()
        elif isinstance(value, HitAction):
            self._acted(value.by)
        elif self._ready:
            yield from self._check(value)
        else:
            self._held.append(value)

    def _begin(self) -> Iterator[Told]:
        """What waited, once registry and rules are there."""
        self._ready = self._whole and bool(self._ruled)
        if self._ready:
            held, self._held = self._held, []
            for one in held:
                yield from self._check(one)

    def _rules_at(self, at: datetime) -> CheckRules:
        before = [one for one in self._ruled if one.set_at <= at]
        return self._rules.under((before or self._ruled)[-1 if before else 0].rules)

    def _check(self, sealed: SealedInquiry) -> Iterator[Told]:
        inquiry = sealed.inquiry
        person = self._people.setdefault(_name(inquiry.who), Person())
        rules = self._rules_at(inquiry.at)
        found = [
            *against_the_order(inquiry, self._registered, rules),
            *unusual(person, inquiry, rules),
        ]
        if inquiry.kind in ACTIONS and inquiry.outcome == "allowed":
            self._acted(inquiry.who)
        expect(person, inquiry)
        yield from found
        if found:
            yield msgspec.structs.replace(
                sealed, findings=tuple(f"{one.rule}: {one.detail}" for one in found)
            )

    def _acted(self, who: str) -> None:
        if person := self._people.get(_name(who)):
            person.waiting.clear()


def _name(who: str) -> str:
    """One person, however the name is written."""
    return " ".join(who.casefold().split())


_decoder = msgspec.msgpack.Decoder(Kept)
