"""Data of cases beyond the retention period: sections F.8.a, J.1 and J.2.

The ledger says what was held, until when and what was purged; the table of holds must say the same. A hold's
detections and pictures are compared by number and hash, never looked at.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from connectors import ledger
from schemas.counted import counted
from schemas.profile import span
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless

SLACK, TAKEN = timedelta(hours=1), timedelta(days=7)
DAY, MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)

_HOLDS = """
SELECT toString(hold_id), pictures < detections, damaged, release_at < {past:DateTime64(3, 'UTC')},
    release_at, detections
FROM platestream.evidence_state ORDER BY held_at
"""
# A case number is written in many ways: only its letters and digits are compared.
_CASES = """
SELECT DISTINCT case_number,
    replaceRegexpAll(upper(case_number), '[^A-Z0-9]', '') NOT IN (
        SELECT replaceRegexpAll(upper(case_number), '[^A-Z0-9]', '') FROM platestream.evidence_state)
FROM platestream.hit_actions FINAL
WHERE kind = 'action_taken' AND actionable AND case_number != ''
  AND at > {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
ORDER BY case_number
"""


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of an entry of the ledger about a hold: held, its release moved, or purged."""

    hold_id: UUID
    release_at: datetime | None = None
    schedule: str = ""
    detections: list[UUID] | int = 0

    @property
    def count(self) -> int:
        """How many detections were held."""
        return self.detections if isinstance(self.detections, int) else len(self.detections)


def whole(live: Live) -> Answer:
    """What is held is what was seen, with its pictures."""
    holds = live.rows(_HOLDS, past=live.now - SLACK)
    short = [hold for hold, lacking, *_rest in holds if lacking]
    damaged = [hold for hold, _lacking, broken, *_rest in holds if broken]
    return answer(
        counted(len(holds), "hold"),
        f"with fewer pictures than detections: {named(short)}" if short else "",
        f"with damaged pictures: {named(damaged)}" if damaged else "",
        _none_held(holds),
    )


def taken(live: Live) -> Answer:
    """A case that came of a hit has its data held, while there still is any."""
    cases = live.rows(_CASES, since=live.now - live.period, until=live.now - TAKEN)
    bare = [case for case, lacking in cases if lacking]
    return answer(
        counted(len(cases), "case") + " of hits that were acted on",
        f"no evidence held after {TAKEN.days} days for {named(bare)}" if bare else "",
        unless(cases, "no hit that was acted on led to a case a week ago or earlier", "such a case"),
    )


def released(live: Live) -> Answer:
    """Evidence is purged at the end of its schedule."""
    holds = live.rows(_HOLDS, past=live.now - SLACK)
    past = [row[0] for row in holds if row[3]]
    late = f"past their release date: {named(past)}" if past else ""
    return answer(counted(len(holds), "hold"), late, _none_held(holds))


def custody(live: Live) -> Answer:
    """Holds, release dates and purges are as the ledger has them: nothing was changed without an act."""
    holds = {UUID(row[0]): (row[4], row[5]) for row in live.rows(_HOLDS, past=live.now - SLACK)}
    said = _newest(live)
    unknown = [str(hold) for hold in holds if hold not in said]
    gone = [str(hold) for hold in said if hold not in holds]
    both = [(hold, holds[hold], said[hold]) for hold in holds if hold in said]
    moved = [str(hold) for hold, (release, _count), one in both if not _same(release, one.release_at)]
    other = [str(hold) for hold, (_release, count), one in both if count != one.count]
    return answer(
        f"{counted(len(holds), 'hold')}, {len(said)} by the ledger",
        f"held without a record: {named(unknown)}" if unknown else "",
        f"gone without a purge on record: {named(gone)}" if gone else "",
        f"with a release date that is not on record: {named(moved)}" if moved else "",
        f"with another number of detections than was held: {named(other)}" if other else "",
        unless(holds or said, "no evidence is held", "a hold"),
    )


def scheduled(live: Live) -> Answer:
    """No release date is before the least that its schedule asks for, neither at first nor moved."""
    schedules = live.profile.evidence.schedules
    least: dict[UUID, datetime] = {}
    early, unknown = [], []
    entries = list(_entries(live))
    for at, kind, one in entries:
        if kind == "hold" and one.schedule in schedules:
            least[one.hold_id] = at + span(schedules[one.schedule]) - DAY
        elif kind == "hold":
            unknown.append(one.schedule)
        if kind != "purge" and one.release_at and one.release_at < least.get(one.hold_id, one.release_at):
            early.append(f"{one.hold_id} ({one.release_at:%Y-%m-%d})")
    why = f"of schedules that the profile does not have: {named(sorted(set(unknown)))}"
    return answer(
        f"{counted(len(entries), 'entry')} of the ledger, {counted(len(schedules), 'schedule')}",
        f"released before the schedule's minimum: {named(early)}" if early else "",
        unless(not unknown, why, "these schedules in the profile"),
        unless(entries, "no evidence is held", "a hold"),
    )


def _newest(live: Live) -> dict[UUID, Custody]:
    """What should be held now, each hold with the release date that was recorded last."""
    found: dict[UUID, Custody] = {}
    for _at, kind, one in _entries(live):
        if kind == "hold":
            found[one.hold_id] = one
        elif kind == "purge":
            found.pop(one.hold_id, None)
        elif one.hold_id in found:
            found[one.hold_id] = msgspec.structs.replace(found[one.hold_id], release_at=one.release_at)
    return found


def _entries(live: Live) -> Iterator[tuple[datetime, str, Custody]]:
    for entry, _hash in ledger.read(live.client, "evidence"):
        if entry.kind in ("hold", "keep", "purge"):
            yield entry.at, entry.kind, msgspec.json.decode(entry.record, type=Custody)


def _same(one: datetime, other: datetime | None) -> bool:
    """To the millisecond, as the table keeps it."""
    return other is not None and abs(one - other) < MILLISECOND


def _none_held(holds: list[tuple[Any, ...]]) -> list[Gap]:
    return unless(holds, "no evidence is held", "a hold")
