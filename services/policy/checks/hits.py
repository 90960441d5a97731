"""What officers did about alert hits: sections G.3 to G.5 and G.8."""

from datetime import timedelta

from schemas.hotlist import CHECKED_SOURCES
from services.policy.checks.live import Live, Told, counted, named, told

REPORTED = timedelta(days=7)

# A step counts that came before the action.
_ACTED = """
SELECT toString(hit_id), looked_at > epoch AND looked_at <= acted_at AS looked,
       source NOT IN {checked:Array(String)} OR asked_at > epoch AND asked_at <= acted_at AS asked,
       acted_at < {reported:DateTime64(3, 'UTC')} AND NOT actionable AND reported_result AS unmarked
FROM (
    SELECT hit_id, toDateTime64(0, 3, 'UTC') AS epoch,
        minIf(at, kind = 'action_taken') AS acted_at,
        minIf(at, kind = 'plate_and_state_confirmed') AS looked_at,
        minIf(at, kind = 'confirmed_current') AS asked_at,
        max(actionable) AS actionable, max(result NOT IN ('', 'other')) AS reported_result
    FROM platestream.hit_actions FINAL WHERE at > {since:DateTime64(3, 'UTC')} GROUP BY hit_id
    HAVING countIf(kind = 'action_taken') > 0) AS acted
LEFT JOIN (SELECT hit_id, source FROM platestream.hit_facts FINAL) AS fact ON acted.hit_id = fact.hit_id
ORDER BY 1
"""


def verified(live: Live) -> Told:
    """Nobody acted on a hit before plate and state were compared and the entry was verified."""
    acted = _acted(live)
    unseen = [hit for hit, looked, _asked, _unmarked in acted if not looked]
    unasked = [hit for hit, _looked, asked, _unmarked in acted if not asked]
    return told(
        counted(len(acted), "hit") + " acted on in a year",
        f"before plate and state were compared: {named(unseen)}" if unseen else "",
        f"before NCIC, ACIC or MVD was asked: {named(unasked)}" if unasked else "",
    )


def marked(live: Live) -> Told:
    """What led to a report is marked as "Actionable ALPR Hit Related", with its case number."""
    acted = _acted(live)
    unmarked = [hit for hit, _looked, _asked, one in acted if one]
    return told(
        counted(len(acted), "hit") + " acted on in a year",
        f"with a result and not marked after {REPORTED.days} days: {named(unmarked)}" if unmarked else "",
    )


def _acted(live: Live) -> list[tuple[str, bool, bool, bool]]:
    asked = {"since": live.year, "reported": live.now - REPORTED, "checked": list(CHECKED_SOURCES)}
    return [(row[0], bool(row[1]), bool(row[2]), bool(row[3])) for row in live.rows(_ACTED, **asked)]
