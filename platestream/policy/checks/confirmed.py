"""Comparison of acts that ask for the second factor again with the second factors that the console was given.

The console logs each factor, at a sign-in and before an act, and the gate refuses such an act without it
(`clickhouse/views/gate_factor.part`). This check finds a gate that was changed. The log is sealed, so that
the missing row cannot be added later.
"""

import json
from collections.abc import Iterable
from datetime import datetime

from platestream.policy.checks.context import Answer, CheckData, fault_of, gap_unless
from platestream.schemas.acts import CONFIRMED, FACTOR_MINUTES
from platestream.schemas.pluralize import pluralize

WITHOUT = ("api/", "platestream ")
"""Begin of the names of programs and commands, which may do acts of `sign_in.programs` without it."""
# Acts that write nothing start a job, such as the one that imports each file of a feed. A password of one's
# own is set before there is a factor, and alone opens nothing.
_ACTS = """
SELECT acts.who, acts.kind, acts.tool, acts.at, given.at < acts.at - toIntervalSecond({within:UInt32}) FROM (
    SELECT who, kind, tool, at FROM platestream.inquiry_log
    WHERE outcome = 'allowed' AND NOT automatic AND kind IN {kinds:Array(String)}
      AND at > {since:DateTime64(6, 'UTC')} AND NOT (kind = 'hotlist_import' AND effect = '')
      AND NOT (kind = 'account_code' AND about = concat('user/', who))) AS acts
ASOF LEFT JOIN (SELECT set_off_by, at FROM platestream.inquiry_log WHERE factor_given) AS given
ON acts.who = given.set_off_by AND acts.at >= given.at
ORDER BY acts.at
"""
_RULES = """
SELECT set_at, JSONExtractRaw(rules, 'profile', 'sign_in', 'second_factor') FROM platestream.gate_rules
ORDER BY set_at
"""
# Who founds the agency has no roles before the own registration.
_PEOPLE = """
SELECT people.id, people.roles, registered.at FROM (
    SELECT id, if(role = '', ['officer'], splitByChar(',', role)) AS roles
    FROM platestream.registry FINAL WHERE kind = 'user') AS people
LEFT JOIN (
    SELECT about, min(at) AS at FROM platestream.inquiry_log
    WHERE kind = 'registry_user' AND outcome = 'allowed' GROUP BY about) AS registered
ON left(concat('user/', people.id), 64) = registered.about
"""


def confirmed(live: CheckData) -> Answer:
    """Check that acts that ask for the second factor again came after it. Acts of people of whom the rules
    required no second factor do not count.
    """
    since = max(live.applied(227), live.year)
    acts = live.rows(_ACTS, kinds=list(CONFIRMED), since=since, within=FACTOR_MINUTES * 60)
    rules = [(at, json.loads(text or "null")) for at, text in live.rows(_RULES)]
    if not any(rule and rule != "nobody" for _at, rule in rules):
        return Answer.of("the rules require no second factor")
    people = {who: (frozenset(roles), at) for who, roles, at in live.rows(_PEOPLE)}
    asked, bare = 0, list[str]()
    for who, kind, tool, at, without in acts:
        roles, registered = people.get(who, (frozenset(), at))
        permitted = tool.startswith(WITHOUT) and kind in live.profile.sign_in.programs
        if at <= registered or permitted or not _required(rules, roles, at):
            continue
        asked += 1
        if without:
            bare.append(who)
    return Answer.of(
        f"{pluralize(asked, 'act')} that needed the second factor" if asked else "",
        fault_of(f"{pluralize(len(bare), 'act')} without it, by", bare, live.people),
        gap_unless(asked, "no act that needed the second factor", "once one is done"),
    )


def _required(rules: Iterable[tuple[datetime, object]], roles: frozenset[str], at: datetime) -> bool:
    """Return whether the rules of a time required a second factor of a person with these roles."""
    before = [rule for set_at, rule in rules if set_at <= at]
    rule = before[-1] if before else None
    return bool(roles) and (rule == "everybody" or (isinstance(rule, list) and not roles.isdisjoint(rule)))
