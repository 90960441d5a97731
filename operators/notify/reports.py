"""Reports of hits that were acted on (order, section G.8), for the records systems among the receivers.

A hit waits for its steps as long as it is on its topic, a step an hour for its hit; both are read again from
their topics after a loss of the state. A report has its id from the action, so that a replay makes the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from bytewax.operators import StatefulBatchLogic

from platestream.operators.hit_history import History, history
from platestream.operators.notify.message import BOXES, Notice
from platestream.operators.notify.rules import NotifyRules, Receiver
from platestream.operators.records_report import ACTED, report
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import delivery_id
from platestream.schemas.hit_action import HitAction

KEPT = timedelta(days=7)
"""Time from the capture during which the topic has a hit; a report of an older one is written by a person."""
PATIENCE = timedelta(hours=1)
"""Time in which the hit of a step is read, which is on another topic."""
PRIORITY = 5


class Case(msgspec.Struct):
    """One hit without its pictures, its steps and what was reported; `first_at` is when it was first read."""

    first_at: datetime
    hit: AlertHit | None = None
    steps: list[HitAction] = []
    reported: list[UUID] = []


def bucket(event: AlertHit | HitAction) -> str:
    """Return the key of a hit and its steps: one of a few, because a key is never forgotten."""
    return str(event.hit_id.int % BOXES)


class Reports(StatefulBatchLogic[AlertHit | HitAction, Notice | DeadLetter, bytes]):
    """Logic of some hits and their steps: a notice for each report and receiver."""

    def __init__(self, resume: bytes | None, rules: NotifyRules, now: Callable[[], datetime]) -> None:
        self._cases: dict[UUID, Case] = {} if resume is None else _decoder.decode(resume)
        self._receivers = [one for one in rules.receivers if one.gets_reports]
        self._now = now

    def on_batch(self, values: list[AlertHit | HitAction]) -> tuple[Iterable[Notice | DeadLetter], bool]:
        now = self._now()
        out: list[Notice | DeadLetter] = []
        for value in values:
            if isinstance(value, AlertHit):
                self._hit(value, now)
            elif value.at >= now - KEPT:
                self._step(value, now)
            out += self._made(value.hit_id, now)
        return out, StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[Iterable[Notice | DeadLetter], bool]:
        now = self._now()
        letters: list[Notice | DeadLetter] = []
        for hit_id, case in list(self._cases.items()):
            if case.hit is None and case.first_at <= now - PATIENCE:
                del self._cases[hit_id]
                letters += [
                    _unknown(one, receiver, now)
                    for one in case.steps
                    if one.kind == "action_taken"
                    for receiver in self._receivers
                ]
            elif case.hit is not None and case.hit.detection.captured_at <= now - KEPT:
                del self._cases[hit_id]
        return letters, StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        due = [
            case.first_at + PATIENCE if case.hit is None else case.hit.detection.captured_at + KEPT
            for case in self._cases.values()
        ]
        return min(due, default=None)

    def snapshot(self) -> bytes:
        return msgspec.msgpack.encode(self._cases)

    def _hit(self, hit: AlertHit, now: datetime) -> None:
        if hit.detection.captured_at > now - KEPT:
            case = self._cases.setdefault(hit.hit_id, Case(now))
            seen = msgspec.structs.replace(hit.detection, crop=b"", picture=b"")
            case.hit = msgspec.structs.replace(hit, detection=seen)

    def _step(self, step: HitAction, now: datetime) -> None:
        case = self._cases.setdefault(step.hit_id, Case(now))
        if all(one.action_id != step.action_id for one in case.steps):
            case.steps.append(step)

    def _made(self, hit_id: UUID, now: datetime) -> Iterator[Notice]:
        """Yield the reports of the actions that count and were not reported yet."""
        case = self._cases.get(hit_id)
        if case is None or case.hit is None:
            return
        done = history(case.steps, source=case.hit.entry.source)
        for number, step in enumerate(done.applied, 1):
            if step.kind == "action_taken" and step.action_id not in case.reported:
                case.reported.append(step.action_id)
                until = replace(done, applied=done.applied[:number], status=ACTED)
                yield from (_notice(case.hit, until, step, one, now) for one in self._receivers)


def _notice(hit: AlertHit, until: History, step: HitAction, receiver: Receiver, now: datetime) -> Notice:
    ident = delivery_id(step.action_id, receiver.name)
    made = {"report_id": ident, **report(hit.hit_id, _row(hit), until)}
    return Notice(
        delivery_id=ident,
        hit_id=hit.hit_id,
        receiver=receiver.name,
        agency="",
        priority=PRIORITY,
        captured_at=hit.detection.captured_at,
        taken_at=now,
        subject="ALPR hit: report of an action",
        text="",
        body=msgspec.json.encode(made),
        content="report",
    )


def _row(hit: AlertHit) -> Mapping[str, object]:
    values: Sequence[object]
    (values,) = tables.ALERT_HITS.rows(hit)
    return dict(zip(tables.ALERT_HITS.columns, values, strict=True))


def _unknown(step: HitAction, receiver: Receiver, now: datetime) -> DeadLetter:
    return DeadLetter(
        topic=f"notify/{receiver.name}",
        partition=0,
        offset=delivery_id(step.action_id, receiver.name).int >> 65,
        reason="undelivered",
        detail=f"hit over {KEPT.days} days old: platestream hits show {step.hit_id} --report FILE",
        timestamp=now,
    )


_decoder = msgspec.msgpack.Decoder(dict[UUID, Case])
