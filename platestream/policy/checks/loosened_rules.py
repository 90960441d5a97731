"""Rules that were loosened for a time, by logged acts, and what was done by them.

A rule that was in force before and is again counts for the time in between. One that was never there, or is
not any more, blames nobody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, pairwise

from platestream.edges.rules_history import read_history
from platestream.policy.checks.context import CheckData
from platestream.schemas.acts import BROWSING
from platestream.schemas.gate_rules import GateRules, RulesInForce
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

# People of other agencies who searched here, and agencies that were asked.
_SHARED = """
SELECT who, at, if(kind IN ('partner_search', 'partner_picture'),
    splitByString(', ', replaceOne(change, 'asked: ', '')), [agency])
FROM platestream.inquiry_log
WHERE at >= {since:DateTime64(6, 'UTC')} AND at < {until:DateTime64(6, 'UTC')}
  AND outcome = 'allowed' AND NOT automatic AND kind IN {browsing:Array(String)}
"""


def as_before_and_after(ruled: Sequence[RulesInForce]) -> list[RulesInForce]:
    """Return the rules of each time with the words and MOUs that both earlier and the newest ones ask for."""
    strictest = accumulate((one.rules for one in ruled), _stricter)
    return [
        replace(one, rules=_at_least(one.rules, before, ruled[-1].rules))
        for one, before in zip(ruled, strictest, strict=True)
    ]


def _stricter(one: GateRules, other: GateRules) -> GateRules:
    return replace(
        other,
        reason_letters=max(one.reason_letters, other.reason_letters),
        boilerplate=tuple({*one.boilerplate, *other.boilerplate}),
        mou_required=one.mou_required or other.mou_required,
    )


def _at_least(rules: GateRules, before: GateRules, after: GateRules) -> GateRules:
    both = {*before.boilerplate} & {*after.boilerplate}
    return replace(
        rules,
        reason_letters=max(rules.reason_letters, min(before.reason_letters, after.reason_letters)),
        boilerplate=tuple({*rules.boilerplate} | both),
        mou_required=rules.mou_required or (before.mou_required and after.mou_required),
    )


def shared_without_mou(live: CheckData) -> Iterator[str]:
    """Yield searches of and at other agencies without an MOU, while the rules asked for none."""
    ruled = read_history(live.client)
    agencies = {one.id: one for one in live.registered("agency")}
    for strict, (one, following) in zip(as_before_and_after(ruled), pairwise(ruled), strict=False):
        if one.rules.mou_required == strict.rules.mou_required or following.set_at < live.year:
            continue
        between = {"since": max(one.set_at, live.year), "until": following.set_at}
        rows = live.rows(_SHARED, **between, browsing=list(BROWSING))
        who = [by for by, at, names in rows if any(_lacks_mou(agencies.get(name), at) for name in names)]
        if who:
            zone = live.profile.agency.zone
            times = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (one.set_at, following.set_at))
            yield (
                f"{pluralize(len(who), 'search', 'searches')} by {live.people(who)} of or at agencies "
                f"without an MOU, while the rules asked for none, {' to '.join(times)}"
            )


def _lacks_mou(agency: RegistryRecord | None, at: datetime) -> bool:
    """Return whether another agency had no MOU at that time, whether or not it is active now."""
    if agency is None or agency.own:
        return False
    begun = agency.mou_from is not None and agency.mou_from <= at
    return not begun or (agency.mou_until is not None and agency.mou_until <= at)
