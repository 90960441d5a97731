"""The checks of the order on live data: the requirement, and the place to check if it is not met."""

from collections.abc import Callable
from dataclasses import dataclass

from platestream.policy.checks import (
    audit,
    cameras,
    confirmed,
    duty,
    evidence,
    evidence_transfer,
    hits,
    hotlist,
    hotlist_acts,
    inquiries,
    people,
    registry_acts,
    retention,
    sessions,
    sign_ins,
)
from platestream.policy.checks.context import Answer, CheckData


@dataclass(frozen=True)
class Check:
    """A check of one or more clauses: the requirement, and the place to check if it is not met."""

    name: str
    clauses: tuple[str, ...]
    what: str
    where: str
    run: Callable[[CheckData], Answer]


def _check(name: str, clauses: str, run: Callable[[CheckData], Answer], where: str) -> Check:
    """Return a check whose requirement is the first sentence of its function: `Check that ...`.

    Raises RuntimeError if Python drops docstrings: a report would name no requirement.
    """
    if not run.__doc__:
        raise RuntimeError("the requirements of the policy checks are docstrings: unset PYTHONOPTIMIZE")
    said = " ".join((run.__doc__ or "").split()).partition(". ")[0]
    what = said.removeprefix("Check that ").removeprefix("Check the ").removesuffix(".")
    return Check(name, tuple(clauses.split()), what, where, run)


CHECKS = (
    _check("designated", "C.3 C.4 C.5 E.1.b", hotlist.designated, "platestream hotlist list"),
    _check("listed", "E.1.b E.1.c", hotlist_acts.entries_logged, "platestream hotlist list; inquiry_log"),
    _check(
        "kept",
        "C.4 E.1.c",
        hotlist_acts.list_not_emptied,
        "inquiry_log: hotlist_import, hotlist_force, hotlist_remove",
    ),
    _check("pictures", "C.6 D.1", cameras.pictures, "docs/reference/schemas; camera gateways"),
    _check("purposes", "D.3 F.1 F.2 I.3 I.5", inquiries.purposes, "inquiry_findings: purpose"),
    _check("cameras", "D.5 E.1.f G.6", cameras.approved, "platestream registry list camera"),
    _check(
        "bounded", "D.5", cameras.bounded, "platestream registry list camera; agency.boundary in the rules"
    ),
    _check("deployed", "D.5 E.1.f G.6", cameras.deployed, "platestream registry; deployment_findings"),
    _check("rules", "E.1.a", retention.rules, "platestream registry rules"),
    _check("ruled", "E.1.a E.1.c", registry_acts.rules_logged, "gate_rules; inquiry_log: rules"),
    _check(
        "recorded",
        "E.1.b E.1.c E.1.e E.1.f",
        registry_acts.records_logged,
        "platestream registry list; inquiry_log: registry_*",
    ),
    _check("administrator", "E.1.a E.1.e", people.administrator, "platestream registry list user"),
    _check("identities", "E.1.e K.3", people.registered_once, "platestream registry list user"),
    _check("resets", "E.1.e K.3", people.resets, "platestream account resets; audit sample"),
    _check(
        "sign_ins",
        "E.1.e F.6",
        sign_ins.sign_ins,
        "platestream account list; token list; partners key; partners offered",
    ),
    _check("sessions", "E.1.c E.1.e", sessions.sessions, "platestream account sign-ins"),
    _check("confirmed", "E.1.c E.1.e", confirmed.confirmed, "inquiry_log: factor_given"),
    _check(
        "entitled",
        "E.1.a",
        people.entitled,
        "inquiry_findings: roles, automatic, started, unknown_act; inquiry_log: set_off_by",
    ),
    _check("records", "E.1.c", audit.records_intact, "platestream audit verify; retention log"),
    _check("checked", "E.1.c I.7", inquiries.checked, "platestream.flows.audit_flow"),
    _check("trained", "E.1.e F.7", people.trained, "platestream registry list user"),
    _check("shifts", "E.1.e F.4 F.7", people.shifts, "platestream shift list"),
    _check("on_duty", "F.4", duty.on_duty, "platestream shift list; registry list roster; hit_actions"),
    _check("access", "F.8", duty.access, "platestream registry list user"),
    _check("materials", "E.1.d E.1.e F.7", duty.materials, "platestream registry list material"),
    _check("patterns", "F.5", hotlist.patterns, "platestream hotlist list"),
    _check("results", "E.1.f K.2", cameras.results, "platestream retention run"),
    _check("requests", "E.1.g I.4", inquiries.requests, "inquiry_log: requester, legal_basis"),
    _check("agencies", "F.6 I.2 I.2.a I.6", people.agencies, "platestream registry list agency"),
    _check("evidence", "F.8.a J.1", evidence.evidence_intact, "platestream evidence list"),
    _check("taken", "F.8.a J.1", evidence.cases_held, "platestream evidence hold; evidence not-needed"),
    _check("transferred", "F.8.a", evidence_transfer.transferred, "platestream evidence transfers"),
    _check("rows", "F.8.b J.1", retention.rows, "platestream retention run; retention log"),
    _check("job", "F.8.b J.1", retention.job, "platestream retention log; retention clock"),
    _check("ttls", "E.1.a F.8.b J.1", retention.ttls, "platestream migrate"),
    _check("topics", "F.8.b J.1", retention.streams, "platestream topics --check"),
    _check("stores", "F.8.b J.1", retention.stores, "platestream retention run"),
    _check("keys", "F.8.b J.1", retention.keys, "platestream retention log"),
    _check("bolos", "G.1", hits.bolos, "inquiry_log: bolo"),
    _check("notified", "G.2", hits.notified, "deliveries; platestream shift list"),
    _check("reads_sent", "F.1 F.6", hits.reads_sent, "deliveries: reads; platestream registry rules"),
    _check("verified", "G.3 G.4 G.5.a", hits.verified, "platestream hits list"),
    _check("keeper", "G.3", hits.verified_with_keeper, "platestream hits list"),
    _check("steps", "E.1.c G.3 G.5.a", hits.steps, "hit_actions; inquiry_log: hit_verify, hit_dispose"),
    _check("mvd", "G.5.b", hits.mvd_queries, "platestream hits show"),
    _check("marked", "G.8", hits.marked, "platestream hits list"),
    _check("complete", "H.2 H.3 H.4 H.5 H.6 H.7", hotlist.complete, "platestream hotlist list"),
    _check("expiring", "H.8", hotlist.expiring, "platestream hotlist list"),
    _check("documented", "G.7 I.7", inquiries.documented, "inquiry_findings: documented"),
    _check("case_pattern", "G.7 I.7", inquiries.case_pattern, "platestream registry rules"),
    _check("reasons", "I.7", inquiries.reasons, "inquiry_log: reason"),
    _check("unlogged", "G.7 I.7", inquiries.unlogged, "inquiry_findings: unlogged"),
    _check("released", "J.2", evidence.released, "platestream evidence list"),
    _check("custody", "F.8.a J.2", evidence.custody, "platestream evidence list; ledger"),
    _check("scheduled", "J.2", evidence.scheduled, "platestream evidence list; the profile's schedules"),
    _check("filed", "K.1 K.4", audit.filed_in_time, "platestream audit sample; memo"),
    _check("sampled", "K.2 K.3", audit.sampled, "platestream audit sample --show"),
    _check("memoranda", "K.4", audit.memoranda, "documents"),
)
