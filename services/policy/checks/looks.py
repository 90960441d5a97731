"""What was looked at, and why: sections D.3, E.1.g, F.1, F.2, G.7 and I."""

from connectors import statements
from connectors.gate_rules import history
from operators.inquiry_checks.reasons import is_documented
from schemas.acts import ACTS, BROWSING
from schemas.counted import counted
from schemas.gate_rules import GateRules, RulesInForce
from services.policy.checks.live import Answer, Gap, Live, answer, unless
from services.rules import gate_rules

# What asks for a case number or a reason; and the former kinds, of which all did.
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
_NO_CASES = ("0", "00", "1", "x", ".", "-", "0-1", "1-1", "123", "none")
"""No agency writes a case number so."""
_ACCEPTED = "SELECT arrayFilter(one -> match(one, {pattern:String}), {given:Array(String)})"
_SEALED = "SELECT count() FROM platestream.inquiry_seals"
_REQUESTS = """
SELECT count(), countIf(legal_basis = '') FROM platestream.inquiry_log
WHERE at > {since:DateTime64(6, 'UTC')} AND outcome = 'allowed' AND requester != ''
"""


def documented(live: Live) -> Answer:
    """Every look has a case number or a reason."""
    ((count, refused, automatic, bare),) = live.rows(_LOG, since=live.year, looks=list(LOOKS))
    figure = f"{counted(count, 'act')} of people in a year, {refused} of them refused; {automatic} automatic"
    return answer(
        figure,
        f"{bare} allowed without case number and reason" if bare else "",
        live.found("documented"),
        live.unfound,
    )


def case_pattern(live: Live) -> Answer:
    """The pattern in force is of case numbers, and of nothing else that is typed quickly."""
    pattern = live.profile.inquiries.case_number
    ((loose,),) = live.rows(_ACCEPTED, pattern=pattern, given=list(_NO_CASES))
    said = f"the pattern of case numbers accepts {', '.join(loose)}: platestream registry rules --case-number"
    return answer(pattern, said if loose else "")


def reasons(live: Live) -> Answer:
    """A reason that stands alone says something, by the rules of its time."""
    given = live.rows(_GIVEN, since=live.year, looks=list(BROWSING))
    ruled = history(live.client)
    empty = [row for row in given if not is_documented(row[1], row[2], _rules_at(ruled, row))]
    total = sum(row[4] for row in empty)
    said = (
        f"{counted(total, 'look')} for a reason that says nothing, by {live.people(row[0] for row in empty)}"
    )
    return answer(
        f"{sum(row[4] for row in given)} looks of people in a year",
        said if empty else "",
        unless(
            given, "nobody has looked at stored data in a year", "once somebody searches (platestream search)"
        ),
    )


def unlogged(live: Live) -> Answer:
    """No query of a person reached data beside the gate."""
    if live.embedded:
        why = "in process nothing logs statements: people who may open the folder can read it"
        return answer("", live.found("unlogged"), Gap(why, "platestream up, or a ClickHouse server"))
    ((server,),) = live.rows(f"EXISTS TABLE {live.query_log}")
    if not server and statements.count(live.client):
        return _unlogged_by_engine(live)
    if not server:
        why = "nothing logged a query yet"
        needs = "platestream up, or a server whose query_log is as in clickhouse/server.xml"
        return answer("", live.found("unlogged"), Gap(why, needs))
    ((queries,),) = live.rows(f"SELECT count() FROM {live.query_log}")  # noqa: S608
    return answer(
        f"{counted(queries, 'query')} in the server's log",
        live.found("unlogged"),
        unless(
            queries,
            "the server's log of queries is empty",
            "once a query runs, with the query_log as in clickhouse/server.xml (platestream doctor)",
        ),
        live.unfound,
    )


def _unlogged_by_engine(live: Live) -> Answer:
    return answer(
        f"{counted(statements.count(live.client), 'statement')} in the engine's log",
        live.found("unlogged"),
        list(statements.faults(live.client, live.year, live.now)),
        live.unfound,
    )


def checked(live: Live) -> Answer:
    """The audit flow has sealed and checked what is older than some minutes."""
    count, first = live.unsealed
    ((sealed,),) = live.rows(_SEALED)
    waiting = f"{counted(count, 'inquiry')} waiting for the audit flow, since {first:%Y-%m-%d %H:%M}"
    return answer(
        f"{counted(sealed, 'inquiry')} sealed",
        waiting if count else "",
        unless(
            sealed or count,
            "nothing is on record that a flow could seal",
            "once somebody does an act (platestream search)",
        ),
    )


def purposes(live: Live) -> Answer:
    """Prohibited purposes are refused, and none got past."""
    rules = gate_rules.in_force(live.client)
    figure = f"{len(rules.prohibited)} prohibited purposes, {len(rules.purposes) or 'all other'} allowed"
    bare = "" if rules.prohibited else "the gate knows no prohibited purpose"
    return answer(figure, bare, live.found("purpose"), live.unfound)


def requests(live: Live) -> Answer:
    """Requests from outside of law enforcement have their legal basis on record."""
    ((count, bare),) = live.rows(_REQUESTS, since=live.year)
    lacking = f"{bare} of them without a legal basis" if bare else ""
    return answer(
        f"{counted(count, 'request')} in a year",
        lacking,
        live.found("legal_basis"),
        unless(
            count,
            "no request from outside of law enforcement is on record in a year",
            "once one is made (platestream search --requester)",
        ),
    )


def _rules_at(ruled: list[RulesInForce], row: tuple[object, ...]) -> GateRules:
    before = [one for one in ruled if one.set_at <= row[3]]  # type: ignore[operator]
    return (before[-1] if before else ruled[0]).rules
