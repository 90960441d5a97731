"""Comparison of sign-ins, which the console logs, with the acts of people in it and with the known browsers
of its data folder.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from platestream.access.device_file import LIVES, known_devices, subject_of
from platestream.access.effects import effect_of_stored
from platestream.policy.checks.context import Answer, CheckData, fault_of, gap_unless
from platestream.schemas.pluralize import pluralize
from platestream.schemas.sign_in_event import ACT, subject

LONGEST = timedelta(hours=33)
"""A session that begins a shift just before its 16 hours are over lasts as long as that shift."""
_COUNTS = """
SELECT countIf(event = 'signed_in'), sumIf(times, event = 'refused'), countIf(event = 'ended'), any(first)
FROM (SELECT JSONExtractString(change, 'kind') AS event,
        greatest(JSONExtractUInt(change, 'times'), 1) AS times,
        (SELECT argMin(parseDateTime64BestEffortOrZero(JSONExtractString(change, 'at'), 6, 'UTC'), at)
         FROM platestream.inquiry_log WHERE kind = {act:String} AND automatic) AS first
    FROM platestream.inquiry_log
    WHERE kind = {act:String} AND automatic AND at > {since:DateTime64(6, 'UTC')})
"""
# Before a session there may be a one-time code or link, and a second factor that is set up at the sign-in.
_WITHOUT = """
SELECT acts.who, count() FROM (
    SELECT who, at, left(concat('user/', who), 64) AS about FROM platestream.inquiry_log
    WHERE tool = 'console' AND account IN ('default', 'platestream_console') AND NOT automatic
      AND outcome = 'allowed' AND at > {since:DateTime64(6, 'UTC')} AND at > {first:DateTime64(6, 'UTC')}
      AND kind NOT IN ('account_redeem', 'account_factor')) AS acts
ASOF LEFT JOIN (
    SELECT about, at FROM platestream.inquiry_log
    WHERE kind = {act:String} AND automatic AND outcome = 'allowed'
      AND JSONExtractString(change, 'kind') = 'signed_in') AS begun
ON acts.about = begun.about AND acts.at >= begun.at
WHERE begun.at < acts.at - toIntervalSecond({longest:UInt32})
GROUP BY acts.who ORDER BY acts.who
"""
_BROWSERS = """
SELECT effect, max(at) FROM platestream.inquiry_log
WHERE kind = {act:String} AND automatic AND outcome = 'allowed' AND effect IN {effects:Array(String)}
GROUP BY effect
"""
_FORGOTTEN = """
SELECT about, max(at) FROM platestream.inquiry_log
WHERE kind = {act:String} AND automatic AND JSONExtractString(change, 'kind') = 'forgotten'
GROUP BY about
"""


def sessions(live: CheckData) -> Answer:
    """Check that people who act in the console have signed in, and known browsers are of logged sign-ins."""
    signed_in, refused, ended, first = live.rows(_COUNTS, act=ACT, since=live.year)[0]
    seconds = int(LONGEST.total_seconds())
    begun = bool(signed_in or refused or ended)
    without = live.rows(_WITHOUT, act=ACT, since=live.year, first=first, longest=seconds) if begun else []
    unknown, old = _unknown_browsers(live, first if begun else None)
    counts = f"{pluralize(signed_in, 'sign-in')}, {refused} refused, {pluralize(ended, 'end')} of sessions"
    people = [who for who, _acts in without]
    return Answer.of(
        f"{counts} in a year",
        fault_of("acted in the console without a sign-in on record", people, live.people),
        fault_of("browsers that no sign-in on record made known", unknown, live.people),
        gap_unless(begun, "nobody has signed in to the console in a year", "platestream console"),
        gap_unless(
            not old,
            f"{pluralize(old, 'browser')} of before sign-ins were logged",
            "once people sign in again",
        ),
    )


def _unknown_browsers(live: CheckData, first: datetime | None) -> tuple[list[str], int]:
    """Return the people of browsers in the data folder without a logged sign-in that made them known, and the
    number of browsers from before sign-ins were logged.
    """
    if live.settings is None:
        return [], 0
    stored = [
        (who, one.last, effect_of_stored(subject_of(who, one), one))
        for who, devices in known_devices(live.settings).all().items()
        for one in devices
        if live.now - one.last < LIVES
    ]
    logged = dict(live.rows(_BROWSERS, act=ACT, effects=[effect for *_rest, effect in stored]))
    forgotten = dict(live.rows(_FORGOTTEN, act=ACT))

    def unknown() -> Iterator[tuple[str, datetime]]:
        for who, last, effect in stored:
            at = logged.get(effect)
            if at is None or at < forgotten.get(subject(who), at):
                yield who, last

    found = list(unknown())
    old = [who for who, last in found if first is None or last < first]
    return [who for who, last in found if first is not None and last >= first], len(old)
