"""Data of cases beyond the retention period: sections F.8.a, J.1 and J.2.

The ledger says what was held, until when and what was purged; the tables must say the same, and each purge
must have come after its time. A hold's detections and pictures are compared by number and hash, never shown.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from schemas.counted import counted
from services.evidence.custody import History, history
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless

SLACK, TAKEN = timedelta(hours=1), timedelta(days=7)
MILLISECOND = timedelta(milliseconds=1)
HELD_SINCE = "nothing: what is held from now on has them"

_HOLDS = """
SELECT toString(hold_id), pictures < detections, damaged, release_at, detections, altered, unbound
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


def whole(live: Live) -> Answer:
    """What is held is what was seen, with its pictures: each record, picture and answer by its hash."""
    holds = live.rows(_HOLDS)
    short = [hold for hold, lacking, *_rest in holds if lacking]
    damaged = [hold for hold, _lacking, broken, *_rest in holds if broken]
    altered = [hold for hold, *_rest, other, _unbound in holds if other]
    unbound = sum(row[-1] for row in holds)
    return answer(
        counted(len(holds), "hold"),
        f"with fewer pictures than detections: {named(short)}" if short else "",
        f"with damaged pictures: {named(damaged)}" if damaged else "",
        f"not what the ledger says was held: {named(altered)}" if altered else "",
        _none_held(holds),
        unless(
            not unbound,
            f"{counted(unbound, 'record')} of holds of before have no hash in the ledger",
            HELD_SINCE,
        ),
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
    held = list(_history(live).present)
    past = [str(one.hold_id) for one in held if one.due < live.now - SLACK]
    late = f"past their release date: {named(past)}" if past else ""
    return answer(counted(len(held), "hold"), late, _none_held(held))


def custody(live: Live) -> Answer:
    """Holds, release dates and purges are as the ledger has them: nothing was changed without an act."""
    holds = {UUID(row[0]): (row[3], row[4], row[5]) for row in live.rows(_HOLDS)}
    said = {one.hold_id: one for one in _history(live).present}
    unknown = [str(hold) for hold in holds if hold not in said]
    gone = [str(hold) for hold in said if hold not in holds]
    both = [(hold, holds[hold], said[hold]) for hold in holds if hold in said]
    moved = [str(hold) for hold, (release, *_rest), one in both if not _same(release, one.release_at)]
    other = [str(hold) for hold, (_release, count, _altered), one in both if count != one.detections]
    altered = [str(hold) for hold, (*_rest, pieces), _one in both if pieces]
    return answer(
        f"{counted(len(holds), 'hold')}, {len(said)} by the ledger",
        f"held without a record: {named(unknown)}" if unknown else "",
        f"gone without a purge on record: {named(gone)}" if gone else "",
        f"with a release date that is not on record: {named(moved)}" if moved else "",
        f"with another number of detections than was held: {named(other)}" if other else "",
        f"with other detections, pictures or answers than were held: {named(altered)}" if altered else "",
        _history(live).wrong,
        unless(holds or said, "no evidence is held", "a hold"),
    )


def scheduled(live: Live) -> Answer:
    """No hold is released, and none was purged, before the least that its schedule asks for."""
    found, schedules = _history(live), live.profile.evidence.schedules
    why = f"of schedules that the profile does not have: {named(sorted(found.unknown))}"
    return answer(
        f"{counted(found.entries, 'entry')} of the ledger, {counted(len(schedules), 'schedule')}",
        f"released before the schedule's minimum: {named(found.early)}" if found.early else "",
        unless(not found.unknown, why, "these schedules in the profile"),
        unless(found.entries, "no evidence is held", "a hold"),
    )


def _history(live: Live) -> History:
    return history(live.client, live.profile.evidence.schedules)


def _same(one: datetime, other: datetime) -> bool:
    """To the millisecond, as the table keeps it."""
    return abs(one - other) < MILLISECOND


def _none_held(holds: Sequence[object]) -> list[Gap]:
    return unless(holds, "no evidence is held", "a hold")
