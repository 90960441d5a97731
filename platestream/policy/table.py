"""The checks of the order on live data: the requirement, and the place to check if it is not met."""

from collections.abc import Callable
from dataclasses import dataclass

from platestream.policy.checks import (
    audit,
    cameras,
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


def _clauses(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CHECKS = (
    Check(
        "designated",
        _clauses("C.3 C.4 C.5 E.1.b"),
        "entries are of designated sources and categories",
        "platestream hotlist list",
        hotlist.designated,
    ),
    Check(
        "listed",
        _clauses("E.1.b E.1.c"),
        "entries were put on the hot list by logged acts",
        "platestream hotlist list; inquiry_log",
        hotlist_acts.entries_logged,
    ),
    Check(
        "kept",
        _clauses("C.4 E.1.c"),
        "no hot list was emptied, or lost many entries, without a logged act",
        "inquiry_log: hotlist_import, hotlist_force, hotlist_remove",
        hotlist_acts.list_not_emptied,
    ),
    Check(
        "pictures",
        _clauses("C.6 D.1"),
        "detections have their pictures and their place",
        "docs/reference/schemas; camera gateways",
        cameras.pictures,
    ),
    Check(
        "purposes",
        _clauses("D.3 F.1 F.2 I.3 I.5"),
        "prohibited purposes were refused, and none was allowed",
        "inquiry_findings: purpose",
        inquiries.purposes,
    ),
    Check(
        "cameras",
        _clauses("D.5 E.1.f G.6"),
        "cameras that deliver are registered and approved",
        "platestream registry list camera",
        cameras.approved,
    ),
    Check(
        "bounded",
        _clauses("D.5"),
        "fixed cameras are within the agency's boundary",
        "platestream registry list camera; agency.boundary in the rules",
        cameras.bounded,
    ),
    Check(
        "deployed",
        _clauses("D.5 E.1.f G.6"),
        "no camera and no special detail worked without approval",
        "platestream registry; deployment_findings",
        cameras.deployed,
    ),
    Check(
        "rules",
        _clauses("E.1.a"),
        "the profile is the one in force",
        "platestream registry rules",
        retention.rules,
    ),
    Check(
        "ruled",
        _clauses("E.1.a E.1.c"),
        "changes of the rules were logged acts",
        "gate_rules; inquiry_log: rules",
        registry_acts.rules_logged,
    ),
    Check(
        "recorded",
        _clauses("E.1.b E.1.c E.1.e E.1.f"),
        "records of the registry were made by logged acts",
        "platestream registry list; inquiry_log: registry_*",
        registry_acts.records_logged,
    ),
    Check(
        "administrator",
        _clauses("E.1.a E.1.e"),
        "there is an ALPR administrator in force",
        "platestream registry list user",
        people.administrator,
    ),
    Check(
        "identities",
        _clauses("E.1.e K.3"),
        "each person is registered once, with an employee number",
        "platestream registry list user",
        people.registered_once,
    ),
    Check(
        "resets",
        _clauses("E.1.e K.3"),
        "codes for passwords were reviewed by an auditor, and the first search after each was audited",
        "platestream account resets; audit sample",
        people.resets,
    ),
    Check(
        "sign_ins",
        _clauses("E.1.e F.6"),
        "passwords, codes, tokens, own keys and offers to partners were stored by logged acts",
        "platestream account list; token list; partners key; partners offered",
        sign_ins.sign_ins,
    ),
    Check(
        "entitled",
        _clauses("E.1.a"),
        "acts were allowed to people whose roles include them, and automatic ones name who started them",
        "inquiry_findings: roles, automatic, started, unknown_act; inquiry_log: set_off_by",
        people.entitled,
    ),
    Check(
        "records",
        _clauses("E.1.c"),
        "inquiry log, seals, their copy and the ledger are intact",
        "platestream audit verify; retention log",
        audit.records_intact,
    ),
    Check(
        "checked",
        _clauses("E.1.c I.7"),
        "the audit flow keeps up with the log",
        "platestream.flows.audit_flow",
        inquiries.checked,
    ),
    Check(
        "trained",
        _clauses("E.1.e F.7"),
        "people who search are registered and trained",
        "platestream registry list user",
        people.trained,
    ),
    Check(
        "shifts",
        _clauses("E.1.e F.4 F.7"),
        "people on shift are trained employees of this agency",
        "platestream shift list",
        people.shifts,
    ),
    Check(
        "on_duty",
        _clauses("F.4"),
        "people who recorded steps on hits, or were on duty by the roster, were on shift",
        "platestream shift list; registry list roster; hit_actions",
        duty.on_duty,
    ),
    Check(
        "access",
        _clauses("F.8"),
        "every sworn employee has a role that searches, training in force and a sign-in",
        "platestream registry list user",
        duty.access,
    ),
    Check(
        "materials",
        _clauses("E.1.d E.1.e F.7"),
        "training material is approved and up to date, and training names material approved by its day",
        "platestream registry list material",
        duty.materials,
    ),
    Check(
        "patterns",
        _clauses("F.5"),
        "partial plates and descriptions are on the hot list",
        "platestream hotlist list",
        hotlist.patterns,
    ),
    Check(
        "results",
        _clauses("E.1.f K.2"),
        "use of each day is counted and stored",
        "platestream retention run",
        cameras.results,
    ),
    Check(
        "requests",
        _clauses("E.1.g I.4"),
        "outside requests have a legal basis",
        "inquiry_log: requester, legal_basis",
        inquiries.requests,
    ),
    Check(
        "agencies",
        _clauses("F.6 I.2 I.2.a I.6"),
        "other agencies search under an MOU in force",
        "platestream registry list agency",
        people.agencies,
    ),
    Check(
        "evidence",
        _clauses("F.8.a J.1"),
        "held evidence is intact",
        "platestream evidence list",
        evidence.evidence_intact,
    ),
    Check(
        "taken",
        _clauses("F.8.a J.1"),
        "cases of acted hits have evidence; searched cases have evidence or a reason",
        "platestream evidence hold; evidence not-needed",
        evidence.cases_held,
    ),
    Check(
        "transferred",
        _clauses("F.8.a"),
        "exports of held evidence have the receipt of their evidence system",
        "platestream evidence transfers",
        evidence_transfer.transferred,
    ),
    Check(
        "rows",
        _clauses("F.8.b J.1"),
        "no row is past its time, and none is missing or altered before",
        "platestream retention run; retention log",
        retention.rows,
    ),
    Check(
        "job",
        _clauses("F.8.b J.1"),
        "the retention job runs, and deletes nothing early",
        "platestream retention log; retention clock",
        retention.job,
    ),
    Check(
        "ttls",
        _clauses("E.1.a F.8.b J.1"),
        "no table deletes rows by itself, only the job does",
        "platestream migrate",
        retention.ttls,
    ),
    Check(
        "topics",
        _clauses("F.8.b J.1"),
        "topics store messages no longer than allowed",
        "platestream topics --check",
        retention.streams,
    ),
    Check(
        "stores",
        _clauses("F.8.b J.1"),
        "recovery stores are rebuilt in time",
        "platestream retention run",
        retention.stores,
    ),
    Check(
        "bolos",
        _clauses("G.1"),
        "BOLOs of neighboring agencies were accepted or refused by logged acts",
        "inquiry_log: bolo",
        hits.bolos,
    ),
    Check(
        "notified",
        _clauses("G.2"),
        "fresh hits reached a person while one was on shift",
        "deliveries; platestream shift list",
        hits.notified,
    ),
    Check(
        "verified",
        _clauses("G.3 G.4 G.5.a"),
        "no unverified hit was acted on",
        "platestream hits list",
        hits.verified,
    ),
    Check(
        "keeper",
        _clauses("G.3"),
        "hits of NCIC and ACIC were verified with NCIC or ACIC",
        "platestream hits list",
        hits.verified_with_keeper,
    ),
    Check(
        "steps",
        _clauses("E.1.c G.3 G.5.a"),
        "steps on hits were logged acts of the officer named",
        "hit_actions; inquiry_log: hit_verify, hit_dispose",
        hits.steps,
    ),
    Check(
        "mvd",
        _clauses("G.5.b"),
        "number of MVD queries before an action (a figure)",
        "platestream hits show",
        hits.mvd_queries,
    ),
    Check(
        "marked",
        _clauses("G.8"),
        "hits that led to a report are marked as actionable",
        "platestream hits list",
        hits.marked,
    ),
    Check(
        "complete",
        _clauses("H.2 H.3 H.4 H.5 H.6 H.7"),
        "entries made by a person have all that section H asks for",
        "platestream hotlist list",
        hotlist.complete,
    ),
    Check(
        "expiring",
        _clauses("H.8"),
        "entries expire in time and leave the list",
        "platestream hotlist list",
        hotlist.expiring,
    ),
    Check(
        "documented",
        _clauses("G.7 I.7"),
        "every search has a case number or a reason",
        "inquiry_findings: documented",
        inquiries.documented,
    ),
    Check(
        "case_pattern",
        _clauses("G.7 I.7"),
        "the pattern of case numbers accepts case numbers only",
        "platestream registry rules",
        inquiries.case_pattern,
    ),
    Check(
        "reasons",
        _clauses("I.7"),
        "reasons that stand alone say something",
        "inquiry_log: reason",
        inquiries.reasons,
    ),
    Check(
        "unlogged",
        _clauses("G.7 I.7"),
        "no query reached data beside the gate",
        "inquiry_findings: unlogged",
        inquiries.unlogged,
    ),
    Check(
        "released",
        _clauses("J.2"),
        "evidence is purged at the end of its schedule",
        "platestream evidence list",
        evidence.released,
    ),
    Check(
        "custody",
        _clauses("F.8.a J.2"),
        "holds, release dates and purges are as the ledger has them",
        "platestream evidence list; ledger",
        evidence.custody,
    ),
    Check(
        "scheduled",
        _clauses("J.2"),
        "no release or purge is before the least of its schedule",
        "platestream evidence list; the profile's schedules",
        evidence.scheduled,
    ),
    Check(
        "filed",
        _clauses("K.1 K.4"),
        "each year's audit is filed by its day",
        "platestream audit sample; memo",
        audit.filed_in_time,
    ),
    Check(
        "sampled",
        _clauses("K.2 K.3"),
        "enough was drawn, and the seed draws it again",
        "platestream audit sample --show",
        audit.sampled,
    ),
    Check(
        "memoranda", _clauses("K.4"), "memoranda are stored as they were filed", "documents", audit.memoranda
    ),
)
