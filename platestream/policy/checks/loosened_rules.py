"""Rules that were loosened for a time, by logged acts, and what was done by them.

Acts of that time are checked again by the rules of before and by those now in force. One that both refuse
counts. A rule that was never there, or is not any more, blames nobody.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby, pairwise
from typing import NamedTuple

from platestream.edges.inquiry_log import COLUMNS, inquiry_of
from platestream.edges.rules_history import read_history
from platestream.operators.inquiry_checks.order import RULES, CheckRules, check_order
from platestream.operators.inquiry_checks.registry_history import RegistryHistory
from platestream.operators.people import People
from platestream.policy.checks.context import CheckData
from platestream.schemas import topics
from platestream.schemas.gate_rules import GateRules
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize

_LOOSENED = "loosened"
# The auditor's role reads no plates.
_READ = ", ".join({"pattern": "''", "other": "about"}.get(name, name) for name in COLUMNS)
_BETWEEN = f"""
SELECT entry, {_READ} FROM platestream.inquiry_log
WHERE at >= {{since:DateTime64(6, 'UTC')}} AND at < {{until:DateTime64(6, 'UTC')}}
  AND outcome = 'allowed' AND NOT automatic
"""  # noqa: S608 - names of our own columns


class _Loosened(NamedTuple):
    """An act while the rules of these names were loosened, from `since` to `until`."""

    who: str
    names: set[str]
    since: datetime
    until: datetime


def while_loosened(live: CheckData, *names: str) -> Iterator[str]:
    """Yield a fault for each time of the past year in which acts broke rules of these names that held before
    and hold again.

    The names are those of `platestream.operators.inquiry_checks.order`.
    """
    if _LOOSENED not in live.found:
        live.found[_LOOSENED] = list(_find(live))
    acts: list[_Loosened] = [one for one in live.found[_LOOSENED] if one.names & {*names}]
    for (since, until), some in groupby(acts, key=lambda one: (one.since, one.until)):
        who = [one.who for one in some]
        yield (
            f"{pluralize(len(who), 'act')} by {live.people(who)}, which the rules before and those in "
            f"force now refuse, while they were loosened, {_times(live, since, until)}"
        )


def _find(live: CheckData) -> Iterator[_Loosened]:
    ruled = read_history(live.client)
    newest = _check_rules(ruled[-1].rules)
    known: RegistryHistory | None = None
    for number, (one, following) in enumerate(pairwise(ruled)):
        then = _check_rules(one.rules)
        before = {rules for before in ruled[:number] if (rules := _check_rules(before.rules)) != then}
        if then == newest or not before or following.set_at < live.year:
            continue
        known = known or registry_history(live)
        between = {"since": max(one.set_at, live.year), "until": following.set_at}
        for act in map(inquiry_of, live.rows(_BETWEEN, **between)):
            if broken := _broken(act, known.at(act), newest, then, before):
                yield _Loosened(act.who, broken, one.set_at, following.set_at)


def _broken(
    act: Inquiry, people: People, newest: CheckRules, then: CheckRules, before: set[CheckRules]
) -> set[str]:
    """Return the names of rules that an act broke by the newest rules and by some of before, but not by those
    of its time.
    """
    broken = _refused(act, people, newest)
    if not broken:
        return broken
    earlier = set[str]().union(*(_refused(act, people, rules) for rules in before))
    return broken & earlier - _refused(act, people, then)


def _refused(act: Inquiry, people: People, rules: CheckRules) -> set[str]:
    return {finding.rule for finding in check_order(act, people, rules)}


def _check_rules(rules: GateRules) -> CheckRules:
    return RULES.under(rules)


def _times(live: CheckData, *times: datetime) -> str:
    return " to ".join(f"{at.astimezone(live.profile.agency.zone):%Y-%m-%d %H:%M}" for at in times)


def registry_history(live: CheckData) -> RegistryHistory:
    """Return the versions of people and agencies that the registry's topic still has."""
    history = RegistryHistory()
    for message in live.messages(topics.REGISTRY):
        try:
            history.put(topics.REGISTRY.decode(message))
        except RefusedError:
            continue  # named by `recorded`
    return history
