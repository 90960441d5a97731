"""Checks of inquiries and their documentation: sections D.3, E.1.g, F.1, F.2, G.7 and I."""

from dataclasses import replace

from platestream.edges import statement_log_check
from platestream.edges.rules_history import read_history
from platestream.operators.inquiry_checks.reasons import is_documented, is_usable_case
from platestream.operators.inquiry_checks.text_folding import BETWEEN, matches_any
from platestream.policy.checks.context import Answer, CheckData, Unchecked, fault_of, gap_unless
from platestream.policy.checks.loosened_rules import while_loosened
from platestream.schemas.acts import ACTS, BROWSING
from platestream.schemas.gate_rules import GateRules, RulesInForce
from platestream.schemas.pluralize import pluralize

# Acts that require a case number or a reason, and the former kinds, which all did.
DOCUMENTED = tuple(act.name for act in ACTS if act.documented)
LOOKS = (*DOCUMENTED, "hotlist", "export", "evidence", "audit")

_LOG = """
SELECT countIf(NOT automatic), countIf(outcome = 'refused' AND NOT automatic), countIf(automatic),
       countIf(outcome = 'allowed' AND kind IN {looks:Array(String)}
           AND NOT match(concat(case_number, reason), '[\\\\pL\\\\pN]'))
FROM platestream.inquiry_log WHERE at > {since:DateTime64(6, 'UTC')}
"""
_GIVEN = """
SELECT who, case_number, reason, max(at), count() FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND NOT automatic
  AND kind IN {looks:Array(String)} GROUP BY who, case_number, reason
"""
_NO_CASES = (
    *("0", "00", "1", "x", ".", "-", "0-1", "1-1", "123", "none"),
    *("asdfg", "unknown", "personal", "girlfriend", "no case number", "see the report of today"),
)
"""Texts that are no case number of any agency."""
_MISUSES = ("personal use", "curiosity")
"""Purposes that no order allows."""
_ACCEPTED = "SELECT arrayFilter(one -> match(one, {pattern:String}), {given:Array(String)})"
_SEALED = "SELECT count() FROM platestream.inquiry_seals"
_REQUESTS = """
SELECT count(), countIf(legal_basis = '') FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND requester != ''
"""


def documented(live: CheckData) -> Answer:
    """Check that every search has a case number or a reason."""
    ((count, refused, automatic, bare),) = live.rows(_LOG, since=live.year, looks=list(LOOKS))
    figure = (
        f"{pluralize(count, 'act')} of people in a year, {refused} of them refused; {automatic} automatic"
    )
    return Answer.of(
        figure,
        f"{bare} allowed without case number and reason" if bare else "",
        live.flow_breaches("documented"),
        live.missing_findings,
    )


def case_pattern(live: CheckData) -> Answer:
    """Check that the pattern of case numbers accepts case numbers only. It matches no text that is typed just
    to fill the field.
    """
    pattern = live.profile.inquiries.case_number
    ((loose,),) = live.rows(_ACCEPTED, pattern=pattern, given=list(_NO_CASES))
    text = f"the pattern of case numbers accepts {', '.join(loose)}: platestream registry rules --case-number"
    return Answer.of(pattern, text if loose else "")


def reasons(live: CheckData) -> Answer:
    """Check that reasons that stand alone say something. They are judged by the rules of their time. Where
    these took any text for a case number, today's pattern counts.
    """
    given = live.rows(_GIVEN, since=live.year, looks=list(BROWSING))
    ruled = read_history(live.client)
    pattern = ruled[-1].rules.case_number
    ruled = [
        replace(one, rules=replace(one.rules, case_number=pattern))
        if any(is_usable_case(text, one.rules.case_number) for text in _NO_CASES)
        else one
        for one in ruled
    ]
    empty = [row for row in given if not is_documented(row[1], row[2], _rules_at(ruled, row))]
    total = sum(row[4] for row in empty)
    who = live.people(row[0] for row in empty)
    text = f"{pluralize(total, 'look')} for a reason that says nothing, by {who}"
    return Answer.of(
        f"{sum(row[4] for row in given)} looks of people in a year",
        text if empty else "",
        list(while_loosened(live, "documented")),
        gap_unless(
            given, "nobody has looked at stored data in a year", "once somebody searches (platestream search)"
        ),
    )


def unlogged(live: CheckData) -> Answer:
    """Check that no query reached data beside the gate."""
    if live.embedded:
        why = "in process nothing logs statements: people who may open the folder can read it"
        return Answer.of(
            "", live.flow_breaches("unlogged"), Unchecked(why, "platestream up, or a ClickHouse server")
        )
    ((server,),) = live.rows(f"EXISTS TABLE {live.query_log}")
    if not server and statement_log_check.count(live.client):
        return _unlogged_by_engine(live)
    if not server:
        why = "nothing logged a query yet"
        needs = "platestream up, or a server whose query_log is as in clickhouse/server.xml"
        return Answer.of("", live.flow_breaches("unlogged"), Unchecked(why, needs))
    ((queries,),) = live.rows(f"SELECT count() FROM {live.query_log}")  # noqa: S608
    return Answer.of(
        f"{pluralize(queries, 'query')} in the server's log",
        live.flow_breaches("unlogged"),
        gap_unless(
            queries,
            "the server's log of queries is empty",
            "once a query runs, with the query_log as in clickhouse/server.xml (platestream doctor)",
        ),
        live.missing_findings,
    )


def _unlogged_by_engine(live: CheckData) -> Answer:
    return Answer.of(
        f"{pluralize(statement_log_check.count(live.client), 'statement')} in the engine's log",
        live.flow_breaches("unlogged"),
        list(statement_log_check.faults(live.client, live.year, live.now)),
        live.missing_findings,
    )


def checked(live: CheckData) -> Answer:
    """Check that the audit flow keeps up with the log. Inquiries of the last minutes do not count."""
    count, first = live.unsealed
    ((sealed,),) = live.rows(_SEALED)
    waiting = f"{pluralize(count, 'inquiry')} waiting for the audit flow, since {first:%Y-%m-%d %H:%M}"
    return Answer.of(
        f"{pluralize(sealed, 'inquiry')} sealed",
        waiting if count else "",
        gap_unless(
            sealed or count,
            "nothing is on record that a flow could seal",
            "once somebody does an act (platestream search)",
        ),
    )


def purposes(live: CheckData) -> Answer:
    """Check that prohibited purposes were refused, and none was allowed."""
    rules = read_history(live.client)[-1].rules
    figure = f"{len(rules.prohibited)} prohibited purposes, {len(rules.purposes) or 'all other'} allowed"
    bare = "" if rules.prohibited else "the gate knows no prohibited purpose"
    if rules.prohibited and not (live.profile.agency.law or rules.purposes):
        allowed = [one for one in _MISUSES if not matches_any(one, rules.prohibited)]
        bare = fault_of("the rules do not prohibit", allowed)
    return Answer.of(
        figure,
        bare,
        fault_of("listed for a prohibited purpose", _listed_for(live, rules.prohibited)),
        list(while_loosened(live, "purpose", "violation")),
        live.flow_breaches("purpose"),
        live.missing_findings,
    )


def _listed_for(live: CheckData, prohibited: tuple[str, ...]) -> list[str]:
    """Return the entries whose text names a prohibited purpose; those of a feed are not this agency's."""
    fed = {one.id for one in live.registered("hotlist_source") if one.has_feed}
    return [
        one.entry_id
        for one in live.hot_list[0]
        if one.source not in fed
        and matches_any(f"{one.reason} {BETWEEN} {one.instructions} {BETWEEN} {one.other}", prohibited)
    ]


def requests(live: CheckData) -> Answer:
    """Check that outside requests have a legal basis."""
    ((count, bare),) = live.rows(_REQUESTS, since=live.year)
    lacking = f"{bare} of them without a legal basis" if bare else ""
    return Answer.of(
        f"{pluralize(count, 'request')} in a year",
        lacking,
        live.flow_breaches("legal_basis"),
        list(while_loosened(live, "legal_basis")),
        gap_unless(
            count,
            "no request from outside of law enforcement is on record in a year",
            "once one is made (platestream search --requester)",
        ),
    )


def _rules_at(ruled: list[RulesInForce], row: tuple[object, ...]) -> GateRules:
    before = [one for one in ruled if one.set_at <= row[3]]  # type: ignore[operator]
    return (before[-1] if before else ruled[0]).rules
