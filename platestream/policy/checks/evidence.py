"""Checks of evidence beyond the retention period: sections F.8.a, J.1 and J.2.

The ledger has the holds, their release dates and their purges; the tables must agree, and no purge may be too
early. A hold's detections and pictures are compared by number and hash, never shown.
"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from platestream.access import gate_rules
from platestream.evidence.custody import History, history
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, first_few, gap_unless
from platestream.schemas.acts import ACTS
from platestream.schemas.pluralize import pluralize
from platestream.schemas.tables import EPOCH

SLACK, TAKEN = timedelta(hours=1), timedelta(days=7)
MILLISECOND = timedelta(milliseconds=1)
HELD_SINCE = "once these holds are purged: what is held from now on has hashes (platestream evidence hold)"

_HOLDS = """
SELECT toString(hold_id), pictures < detections, damaged, release_at, detections, altered, unbound
FROM platestream.evidence_state ORDER BY held_at
"""
# A case number is written in many ways, so only its letters and digits are compared.
_CASES = """
SELECT DISTINCT case_number FROM platestream.hit_actions FINAL
WHERE kind = 'action_taken' AND actionable AND case_number != ''
  AND at > {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
ORDER BY case_number
"""
# Searches of this agency's people that showed something; those that showed less have a row in inquiry_shown.
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
"""The migration from which on searches are checked for evidence."""
SEARCHES = tuple(act.name for act in ACTS if act.searches)


def evidence_intact(live: CheckData) -> Answer:
    """Check that held evidence is intact. Each record, picture and answer has the hash that was held, and no
    picture is missing.
    """
    holds = live.rows(_HOLDS)
    short = [hold for hold, lacking, *_rest in holds if lacking]
    damaged = [hold for hold, _lacking, broken, *_rest in holds if broken]
    altered = [hold for hold, *_rest, other, _unbound in holds if other]
    unbound = sum(row[-1] for row in holds)
    return Answer.of(
        pluralize(len(holds), "hold"),
        fault_of("with fewer pictures than detections", short),
        fault_of("with damaged pictures", damaged),
        fault_of("not what the ledger says was held", altered),
        _none_held(holds),
        gap_unless(
            not unbound,
            f"{pluralize(unbound, 'record')} of holds of before have no hash in the ledger",
            HELD_SINCE,
        ),
    )


def cases_held(live: CheckData) -> Answer:
    """Check that cases of acted hits have evidence; searched cases have evidence or a reason. A case of a hit
    has its data held, while there is data; one with successful searches has it, or a later reason why none is
    needed.
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
    return Answer.of(
        f"{pluralize(len(cases), 'case')} of hits that were acted on, {len(searched)} of searches",
        f"no evidence held after {TAKEN.days} days for {first_few(bare)}" if bare else "",
        f"searched for, and after {TAKEN.days} days neither evidence nor a reason (platestream evidence "
        f"not-needed) for {first_few(silent)}"
        if silent
        else "",
        gap_unless(
            cases or searched,
            "no search, and no hit that was acted on, was for a case a week ago or earlier",
            "once a case of such a hit is a week old (platestream hits dispose --case)",
        ),
    )


def _plain(case: str) -> str:
    return re.sub("[^A-Z0-9]", "", case.upper())


def released(live: CheckData) -> Answer:
    """Check that evidence is purged at the end of its schedule."""
    held = list(_history(live).present)
    past = [str(one.hold_id) for one in held if one.due < live.now - SLACK]
    late = fault_of("past their release date", past)
    return Answer.of(pluralize(len(held), "hold"), late, _none_held(held))


def custody(live: CheckData) -> Answer:
    """Check that holds, release dates and purges are as the ledger has them."""
    holds = {UUID(row[0]): (row[3], row[4], row[5]) for row in live.rows(_HOLDS)}
    recorded = {one.hold_id: one for one in _history(live).present}
    unknown = [str(hold) for hold in holds if hold not in recorded]
    gone = [str(hold) for hold in recorded if hold not in holds]
    both = [(hold, holds[hold], recorded[hold]) for hold in holds if hold in recorded]
    moved = [str(hold) for hold, (release, *_rest), one in both if not _same(release, one.release_at)]
    other = [str(hold) for hold, (_release, count, _altered), one in both if count != one.detections]
    altered = [str(hold) for hold, (*_rest, pieces), _one in both if pieces]
    return Answer.of(
        f"{pluralize(len(holds), 'hold')}, {len(recorded)} by the ledger",
        fault_of("held without a record", unknown),
        fault_of("gone without a purge on record", gone),
        fault_of("with a release date that is not on record", moved),
        fault_of("with another number of detections than was held", other),
        fault_of("with other detections, pictures or answers than were held", altered),
        _history(live).wrong,
        _none_held(holds or recorded),
    )


def scheduled(live: CheckData) -> Answer:
    """Check that no release or purge is before the least of its schedule."""
    found, schedules = _history(live), live.profile.evidence.schedules
    why = f"of schedules that the profile does not have: {first_few(sorted(found.unknown))}"
    return Answer.of(
        f"{pluralize(found.entries, 'entry')} of the ledger, {pluralize(len(schedules), 'schedule')}",
        f"released before the schedule's minimum: {first_few(found.early)}" if found.early else "",
        gap_unless(
            not found.unknown,
            why,
            "[evidence.schedules] of the profile with these names: platestream registry rules --profile",
        ),
        _none_held(found.entries),
    )


def _history(live: CheckData) -> History:
    return history(live.client, live.profile)


def _same(one: datetime, other: datetime) -> bool:
    """Compare to the millisecond, as the table stores times."""
    return abs(one - other) < MILLISECOND


def _none_held(holds: object) -> list[Unchecked]:
    return gap_unless(holds, "no evidence is held", "once detections are held (platestream evidence hold)")
