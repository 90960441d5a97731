"""Data of cases beyond the retention period: sections F.8.a, J.1 and J.2."""

from datetime import timedelta

from services.policy.checks.live import Live, Told, counted, named, told

SLACK, TAKEN = timedelta(hours=1), timedelta(days=7)

_HOLDS = """
SELECT toString(hold_id), pictures < detections, damaged, release_at < {past:DateTime64(3, 'UTC')}
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


def whole(live: Live) -> Told:
    """What is held is what was seen, with its pictures."""
    holds = live.rows(_HOLDS, past=live.now - SLACK)
    short = [hold for hold, lacking, _damaged, _past in holds if lacking]
    damaged = [hold for hold, _lacking, broken, _past in holds if broken]
    return told(
        counted(len(holds), "hold"),
        f"with fewer pictures than detections: {named(short)}" if short else "",
        f"with damaged pictures: {named(damaged)}" if damaged else "",
    )


def taken(live: Live) -> Told:
    """A case that came of a hit has its data held, while there still is any."""
    cases = live.rows(_CASES, since=live.now - live.period, until=live.now - TAKEN)
    bare = [case for case, lacking in cases if lacking]
    return told(
        counted(len(cases), "case") + " of hits that were acted on",
        f"no evidence held after {TAKEN.days} days for {named(bare)}" if bare else "",
    )


def released(live: Live) -> Told:
    """Evidence is purged at the end of its schedule."""
    holds = live.rows(_HOLDS, past=live.now - SLACK)
    past = [hold for hold, _lacking, _damaged, over in holds if over]
    return told(counted(len(holds), "hold"), f"past their release date: {named(past)}" if past else "")
