"""Data of cases beyond the retention period: sections F.8.a, J.1 and J.2.

The ledger says what was held, until when and what was purged; the tables must say the same, and each purge
must have come after its time. A hold's detections and pictures are compared by number and hash, never shown.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from schemas.acts import ACTS
from schemas.counted import counted
from schemas.tables import EPOCH
from services.evidence.custody import History, history
from services.policy.checks.live import Answer, Gap, Live, answer, named, unless
from services.rules import gate_rules

SLACK, TAKEN = timedelta(hours=1), timedelta(days=7)
MILLISECOND = timedelta(milliseconds=1)
HELD_SINCE = "once these holds are purged: what is held from now on has hashes (platestream evidence hold)"

_HOLDS = """
SELECT toString(hold_id), pictures < detections, damaged, release_at, detections, altered, unbound
FROM platestream.evidence_state ORDER BY held_at
"""
# A case number is written in many ways: only its letters and digits are compared.
_CASES = """
SELECT DISTINCT case_number FROM platestream.hit_actions FINAL
WHERE kind = 'action_taken' AND actionable AND case_number != ''
  AND at > {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
ORDER BY case_number
"""
# Of this agency's people, where something was shown: a search that showed less than it might has a row of it.
_SEARCHED = """
SELECT any(case_number), max(at) FROM platestream.inquiry_log
WHERE kind IN {kinds:Array(String)} AND outcome = 'allowed' AND NOT automatic AND partner = ''
    AND agency IN (
        SELECT '' UNION ALL SELECT id FROM platestream.registry FINAL WHERE kind = 'agency' AND own)
    AND at > {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
    AND match(case_number, {usable:String})
    AND inquiry_id NOT IN (SELECT inquiry_id FROM platestream.inquiry_shown WHERE shown = 0)
GROUP BY replaceRegexpAll(upper(case_number), '[^A-Z0-9]', '') AS plain HAVING lengthUTF8(plain) > 2
ORDER BY 1
"""
_NOT_NEEDED = """
SELECT case_number, at FROM platestream.inquiry_log
WHERE kind = 'evidence_not_needed' AND outcome = 'allowed'
"""
ROSTER = 200
"""The migration from which searches are asked for evidence."""
SEARCHES = tuple(act.name for act in ACTS if act.searches)


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
    """A case that came of a hit has its data held, while there still is any; a case whose searches showed
    something has it, or a later reason why none is needed.
    """
    until = live.now - TAKEN
    held = {_plain(one.case_number) for one in _history(live).holds.values()}
    cases = [case for (case,) in live.rows(_CASES, since=live.now - live.period, until=until)]
    reasons: dict[str, datetime] = defaultdict(lambda: EPOCH)
    for case, at in live.rows(_NOT_NEEDED):
        reasons[_plain(case)] = max(at, reasons[_plain(case)])
    asked: dict[str, Any] = {"since": max(live.year, live.applied(ROSTER)), "until": until}
    rule = gate_rules.in_force(live.client).case_number
    searched = live.rows(_SEARCHED, kinds=list(SEARCHES), usable=rule, **asked)
    bare = [case for case in cases if _plain(case) not in held]
    silent = [case for case, at in searched if _plain(case) not in held and reasons[_plain(case)] < at]
    return answer(
        f"{counted(len(cases), 'case')} of hits that were acted on, {len(searched)} of searches",
        f"no evidence held after {TAKEN.days} days for {named(bare)}" if bare else "",
        f"searched for, and after {TAKEN.days} days neither evidence nor a reason (platestream evidence "
        f"not-needed) for {named(silent)}"
        if silent
        else "",
        unless(
            cases or searched,
            "no search, and no hit that was acted on, was for a case a week ago or earlier",
            "once a case of such a hit is a week old (platestream hits dispose --case)",
        ),
    )


def _plain(case: str) -> str:
    return re.sub("[^A-Z0-9]", "", case.upper())


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
        unless(holds or said, "no evidence is held", "once detections are held (platestream evidence hold)"),
    )


def scheduled(live: Live) -> Answer:
    """No hold is released, and none was purged, before the least that its schedule asks for."""
    found, schedules = _history(live), live.profile.evidence.schedules
    why = f"of schedules that the profile does not have: {named(sorted(found.unknown))}"
    return answer(
        f"{counted(found.entries, 'entry')} of the ledger, {counted(len(schedules), 'schedule')}",
        f"released before the schedule's minimum: {named(found.early)}" if found.early else "",
        unless(
            not found.unknown,
            why,
            "[evidence.schedules] of the profile with these names: platestream registry rules --profile",
        ),
        unless(found.entries, "no evidence is held", "once detections are held (platestream evidence hold)"),
    )


def _history(live: Live) -> History:
    return history(live.client, live.profile.evidence.schedules)


def _same(one: datetime, other: datetime) -> bool:
    """To the millisecond, as the table keeps it."""
    return abs(one - other) < MILLISECOND


def _none_held(holds: Sequence[object]) -> list[Gap]:
    return unless(holds, "no evidence is held", "once detections are held (platestream evidence hold)")
