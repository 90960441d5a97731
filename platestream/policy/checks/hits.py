"""Checks of officers' acts on alert hits: sections G.1 to G.5 and G.8."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from platestream.policy.checks.acts import LoggedAct, logged_acts
from platestream.policy.checks.context import (
    FLOW_DELAY,
    Answer,
    CheckData,
    Unchecked,
    fault_of,
    first_few,
    gap_unless,
)
from platestream.policy.checks.people import shifts_open_at
from platestream.schemas import topics
from platestream.schemas.hotlist import CHECKED_SOURCES
from platestream.schemas.pluralize import pluralize

REPORTED = timedelta(days=7)
KEEPERS = ("ncic", "acic")  # they verify their own entries (G.3); MVD is queried in addition (G.5.b)

_READS = """
SELECT sent.receiver, uniqExact(sent.delivery_id), uniqExactIf(sent.delivery_id, NOT rule.allowed)
FROM (SELECT delivery_id, receiver, at, 1 AS one FROM platestream.deliveries
    WHERE outcome = 'reads' AND at > {since:DateTime64(3, 'UTC')}) AS sent
ASOF LEFT JOIN (SELECT toDateTime64(set_at, 3, 'UTC') AS set_at, 1 AS one,
    JSONExtractBool(rules, 'profile', 'sharing', 'send_reads') AS allowed FROM platestream.gate_rules) AS rule
    ON sent.one = rule.one AND sent.at >= rule.set_at
GROUP BY sent.receiver ORDER BY sent.receiver
"""
# Only steps before the action count.
_ACTED = """
SELECT toString(hit_id), looked_at > epoch AND looked_at <= acted_at AS looked,
       source NOT IN {checked:Array(String)} OR asked_at > epoch AND asked_at <= acted_at AS asked,
       acted_at < {reported:DateTime64(3, 'UTC')} AND NOT actionable AND reported_result AS unmarked, mvd
FROM (
    SELECT hit_id, toDateTime64(0, 3, 'UTC') AS epoch,
        minIf(at, kind = 'action_taken') AS acted_at,
        minIf(at, kind = 'plate_and_state_confirmed') AS looked_at,
        minIf(at, kind = 'confirmed_current') AS asked_at,
        max(actionable) AS actionable, max(result NOT IN ('', 'other')) AS reported_result,
        max(mvd_result != '' OR checked_with = 'mvd') AS mvd
    FROM platestream.hit_actions FINAL WHERE at > {since:DateTime64(3, 'UTC')} GROUP BY hit_id
    HAVING countIf(kind = 'action_taken') > 0) AS acted
LEFT JOIN (SELECT hit_id, source FROM platestream.hit_facts FINAL) AS fact ON acted.hit_id = fact.hit_id
ORDER BY 1
"""
_ASKED = """
SELECT toString(step.hit_id), step.checked_with
FROM (SELECT hit_id, checked_with FROM platestream.hit_actions FINAL
    WHERE kind = 'confirmed_current' AND at > {since:DateTime64(3, 'UTC')}) AS step
INNER JOIN (SELECT hit_id FROM platestream.hit_facts FINAL WHERE source IN {keepers:Array(String)}) AS fact
    ON step.hit_id = fact.hit_id
ORDER BY 1
"""
_STEPS = """
SELECT toString(action_id), toString(hit_id), at, by, kind, checked_with, result, case_number, actionable
FROM platestream.hit_actions FINAL WHERE at > {since:DateTime64(3, 'UTC')} ORDER BY at
"""
_TOLD = """
SELECT toString(fact.hit_id), arraySort(groupUniqArrayIf(notice.outcome, notice.outcome != '')) AS outcomes,
    minIf(notice.at, notice.outcome = 'delivered' AND notice.agency = '') AS delivered_at
FROM (SELECT hit_id FROM platestream.hit_facts FINAL WHERE NOT historical
    AND captured_at > {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}) AS fact
LEFT JOIN (SELECT hit_id, toString(outcome) AS outcome, at, agency FROM platestream.deliveries FINAL
    WHERE reason != 'report') AS notice
    ON fact.hit_id = notice.hit_id
GROUP BY fact.hit_id ORDER BY 1
"""
_BOLOS = """
SELECT countIf(outcome = 'allowed'), countIf(outcome = 'refused') FROM platestream.inquiry_log
WHERE kind = 'bolo' AND at > {since:DateTime64(6, 'UTC')}
"""
# Outcomes where a rule of the agency, the entry or an MOU excluded a notification.
BY_RULE = frozenset({"quiet", "silenced", "not_shared", "disproved"})


def verified(live: CheckData) -> Answer:
    """Check that no unverified hit was acted on. Plate and state were compared, and the entry was verified,
    before.
    """
    acted = _acted(live)
    unseen = [hit for hit, looked, _asked, _unmarked, _mvd in acted if not looked]
    unasked = [hit for hit, _looked, asked, _unmarked, _mvd in acted if not asked]
    return Answer.of(
        pluralize(len(acted), "hit") + " acted on in a year",
        fault_of("before plate and state were compared", unseen),
        fault_of("before the entry's keeper was asked", unasked),
        none_acted(acted),
    )


def verified_with_keeper(live: CheckData) -> Answer:
    """Check that hits of NCIC and ACIC were verified with NCIC or ACIC. MVD is no substitute."""
    asked = live.rows(_ASKED, since=live.year, keepers=list(KEEPERS))
    others = [hit for hit, checked_with in asked if checked_with not in KEEPERS]
    return Answer.of(
        f"{pluralize(len(asked), 'hit')} of NCIC or ACIC verified in a year",
        fault_of("verified with another than NCIC or ACIC", others),
        gap_unless(
            asked,
            "no hit of NCIC or ACIC was verified in a year",
            "once such a hit is verified (platestream hits verify)",
        ),
    )


def marked(live: CheckData) -> Answer:
    """Check that hits that led to a report are marked as actionable. The mark is "Actionable ALPR Hit
    Related", with the case number.
    """
    acted = _acted(live)
    unmarked = [hit for hit, _looked, _asked, one, _mvd in acted if one]
    return Answer.of(
        pluralize(len(acted), "hit") + " acted on in a year",
        fault_of(f"with a result and not marked after {REPORTED.days} days", unmarked),
        none_acted(acted),
    )


def mvd_queries(live: CheckData) -> Answer:
    """Check the number of MVD queries before an action (a figure). It cannot fail, because the order says
    "when circumstances allow".
    """
    acted = _acted(live)
    asked = sum(row[4] for row in acted)
    return Answer.of(
        f"MVD asked of {asked} of {pluralize(len(acted), 'hit')} acted on in a year", none_acted(acted)
    )


def steps(live: CheckData) -> Answer:
    """Check that steps on hits were logged acts of the officer named. Each is one act, and every such act was
    done.
    """
    taken = live.rows(_STEPS, since=live.year)
    before: dict[str, list[LoggedAct]] = defaultdict(list)
    by_effect: dict[str, LoggedAct] = {}
    for act in logged_acts(live, ("hit_verify", "hit_dispose"), live.year):
        if act.effect:
            by_effect[act.effect] = act
        elif act.at < live.upgraded:
            before[act.about].append(act)
    written = _written(live, by_effect) if taken or by_effect else {}
    bare = [
        row[0]
        for row in taken
        if (row != written[row[0]] if row[0] in written else not _has_act(before[row[1]], row[2], row[3]))
    ]
    done = {message.effect for message in live.messages(topics.HIT_ACTIONS)} if by_effect else set()
    undone = [
        act for effect, act in by_effect.items() if effect not in done and act.at < live.now - FLOW_DELAY
    ]
    return Answer.of(
        f"{pluralize(len(taken), 'step')} in a year",
        fault_of("without an act on record of the same officer", bare),
        f"acts on record that were never done: {first_few(act.about for act in undone)}" if undone else "",
        no_steps(taken or undone),
    )


def _written(live: CheckData, by_effect: Mapping[str, LoggedAct]) -> dict[str, tuple[Any, ...]]:
    """Return steps by id, as the table has them, that are the record of an act of their officer. An act has
    one.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for message in live.messages(topics.HIT_ACTIONS):
        act = by_effect.get(message.effect)
        if act is None:
            continue
        step = topics.HIT_ACTIONS.decode(message)
        if act.who == step.by and act.about == str(step.hit_id):
            words = (step.kind, step.checked_with, step.result, step.case_number, step.actionable)
            found[str(step.action_id)] = (str(step.action_id), str(step.hit_id), step.at, step.by, *words)
    return found


def notified(live: CheckData) -> Answer:
    """Check that fresh hits reached a person while one was on shift."""
    settled = {"since": live.now - live.period, "until": live.now - FLOW_DELAY}
    hits, every = live.rows(_TOLD, **settled), live.registered("shift")
    silent = [hit for hit, outcomes, _at in hits if not outcomes]
    reached = {"delivered", "connected", *BY_RULE}
    lost = [hit for hit, outcomes, _at in hits if outcomes and not reached & set(outcomes)]
    alone = [hit for hit, _said, at in hits if at.year > 1970 and not shifts_open_at(every, at)]
    delivered = sum("delivered" in outcomes for _hit, outcomes, _at in hits)
    flow = silent and (live.notifies or any(outcomes for _hit, outcomes, _at in hits) or _ever_notified(live))
    return Answer.of(
        f"{delivered} of {pluralize(len(hits), 'fresh hit')} delivered",
        fault_of("reached nobody", lost),
        fault_of("delivered while nobody was on shift", alone),
        f"no notification was sent or tried: does platestream.flows.notify_flow run? {first_few(silent)}"
        if flow
        else "",
        gap_unless(
            flow or not silent,
            f"of {pluralize(len(silent), 'hit')} no notification is on record, and no rules are named here",
            "PLATESTREAM_NOTIFY_FILE with rules (docs/how-to/administrator/notifications.md), and "
            "the notify flow running",
        ),
        gap_unless(
            hits,
            "there was no fresh hit",
            "once a detection matches the hot list (platestream.flows.match_flow)",
        ),
    )


def reads_sent(live: CheckData) -> Answer:
    """Check that systems were sent all reads only while the rules allowed it."""
    sent = live.rows(_READS, since=live.year)
    batches = sum(count for _receiver, count, _not in sent)
    return Answer.of(
        pluralize(batches, "batch", "batches") + " of reads sent in a year",
        fault_of("sent against the rules in force", [name for name, _count, against in sent if against]),
        gap_unless(
            _ever_notified(live),
            "no notify flow ever ran, which would send them",
            "PLATESTREAM_NOTIFY_FILE with rules, and the notify flow running",
        ),
    )


def _ever_notified(live: CheckData) -> bool:
    """Return whether a notify flow ever ran, by its table or its topic."""
    ((count,),) = live.rows("SELECT count() FROM platestream.deliveries")
    return bool(count) or any(True for _one in live.messages(topics.DELIVERIES))


def bolos(live: CheckData) -> Answer:
    """Check that BOLOs of neighboring agencies were accepted or refused by logged acts."""
    ((taken, refused),) = live.rows(_BOLOS, since=live.year)
    recorded = {act.about for act in logged_acts(live, ("bolo", "hotlist"))}
    there = [one.entry_id for one in live.hot_list[0] if one.source == "bolo"]
    bare = [name for name in there if name[:64] not in recorded]
    return Answer.of(
        f"{taken} taken, {refused} refused in a year; {len(there)} on the list",
        fault_of("on the list and never taken on record", bare),
        gap_unless(
            taken or refused or there, "no BOLO came in a year", "once a BOLO comes (platestream bolo take)"
        ),
    )


def _has_act(recorded: list[LoggedAct], at: object, by: str) -> bool:
    return any(act.who == by and act.is_near(at) for act in recorded)  # type: ignore[arg-type]


def _acted(live: CheckData) -> list[tuple[str, bool, bool, bool, bool]]:
    asked = {"since": live.year, "reported": live.now - REPORTED, "checked": list(CHECKED_SOURCES)}
    return [
        (row[0], bool(row[1]), bool(row[2]), bool(row[3]), bool(row[4])) for row in live.rows(_ACTED, **asked)
    ]


def none_acted(acted: object) -> list[Unchecked]:
    """Return the gap of a year in which no hit was acted on."""
    return gap_unless(
        acted, "no hit was acted on in a year", "once an officer acts on a hit (platestream hits dispose)"
    )


def no_steps(taken: object) -> list[Unchecked]:
    """Return the gap of a year without a step on a hit."""
    needs = "once an officer handles a hit (platestream hits verify)"
    return gap_unless(taken, "no step on a hit is on record in a year", needs)
