"""Washington: the Driver Privacy Act, Laws of 2026, chapter 239 (ESSB 6002), chapter 10.130 RCW."""

from datetime import timedelta

from platestream.policy.checks import law as checks
from platestream.policy.checks import rhythms
from platestream.policy.laws.law import Law, LawClause, Source, check, law

_TEXT = Source(
    "the session law, sections 1 to 14, as the state's page of session laws has it",
    "wa-law.org (github.com/tannewt/wa-law.org, site/bill/2025-26/sb/6002/S.SL, commit e97a75f)",
    "signed and in force 30 March 2026",
    "26 November 2026",
)
_COURTS = "is for courts"
_PAPERS = "is paper between the agency and the attorney general"


def _clause(number: str, asks: str, *names: str, people: str = "") -> LawClause:
    return LawClause(number, asks, "text", "law", names, people)


_CLAUSES = (
    _clause(
        "3(1), 3(2)(a)(i)",
        "Reads are compared with lists of the department of licensing, the state's criminal justice system, the "
        "FBI's, and of missing persons only",
        *("designated", "listed"),
    ),
    _clause(
        "3(2)(a)(ii)",
        "Else a plate is entered or searched only for a vehicle that is stolen, with a missing or endangered person, "
        "of somebody with a warrant (felony, gross misdemeanor), or of such a crime",
        *("purposes", "searched"),
    ),
    _clause("3(2)(b), (c)", "Parking enforcement and transportation agencies", people="is not built here"),
    _clause(
        "3(2)(d)", "The agency owns its data", people="the agency runs the system itself; no vendor has data"
    ),
    _clause(
        "3(3)",
        "Not for immigration investigation or enforcement, for protected health care, or to track activity that the "
        "constitutions protect",
        "purposes",
    ),
    _clause(
        "3(4)",
        "No data is collected at facilities of protected health care or immigration matters, schools, places of "
        "worship, courts, food banks: on the premises, immediate surroundings, or ways in",
        "places",
    ),
    _clause(
        "3(5)",
        "Registration with the attorney general within 180 days; certificate of the agency's head",
        people=_PAPERS,
    ),
    _clause("3(5), training", "A documented training process", "trained"),
    _clause(
        "3(6)",
        "A match alone is no reasonable suspicion: confirm the plate by eye, and by other means that it is listed",
        *("verified", "keeper", "steps"),
    ),
    _clause(
        "4",
        "Not kept longer than 21 days, nor used for any other purpose",
        *("span", "rows", "job", "ttls", "topics", "stores", "keys"),
    ),
    _clause(
        "4(1), 4(5)",
        "Longer by warrant, subpoena or court order, or as evidence of unlawful conduct; deleted at the end of the case",
        *("evidence", "custody", "scheduled", "released"),
    ),
    _clause("4(2) to 4(4)", "Parking, traffic studies, commercial vehicles", people="is not built here"),
    _clause("5(1)(a)", "Not disclosed except as a judicial proceeding requires", "requests"),
    _clause(
        "5(1)(b)",
        "Direct access only for state and local agencies of Washington that may collect such data",
        "agencies",
    ),
    _clause("5(2)", "Databases are checked for updates every 24 hours at least", "refreshed"),
    _clause(
        "5(3), 5(4)", "Not sold, leased or bought; privately held data by warrant only", people="is commerce"
    ),
    _clause("5(5)", "No public record", people="is for records officers"),
    _clause(
        "5(6) to 5(8)",
        "What vendors must and must not",
        people="there is no vendor; nothing is shared by default",
    ),
    _clause(
        "6, 9 to 12, 14", "Inadmissible evidence, remedies, penalties, severability, in force", people=_COURTS
    ),
    _clause(
        "7(1), 7(4)", "The attorney general's model policies and report", people="is for the attorney general"
    ),
    _clause(
        "7(2)(a)(i), 7(3), 7(5)", "Policies adopted, sent in, published; changes reported", people=_PAPERS
    ),
    _clause(
        "7(2)(a)(ii)",
        "By 1 December 2027 and then yearly a report to the legislature, posted on the agency's site: (A) to (I)",
        "published_annual-report",
    ),
    _clause("7(2)(b)", "Public awareness", people="is done by people"),
    _clause(
        "8(1)",
        "An audit trail of every access for two years: who, when, what was asked, the purpose with the offense type, "
        "the call or case number, the cameras",
        *("trail", "documented", "searched"),
    ),
    _clause("8(1)(b)", "Exports are logged", "custody"),
    _clause("8(2)", "What was searched serves audits only", "entitled"),
    _clause(
        "8(3)",
        "Each year an internal audit of all access and use, and of retention and sharing",
        *("filed", "sampled", "memoranda"),
    ),
)
_OWN = (
    check("span", "data is stored no longer than 21 days", "the profile; platestream registry rules", checks.span_of_law(timedelta(days=21))),
    check("places", "no camera is in a sensitive place", "platestream registry list place", checks.places),
    check("searched", "searches have their case number and violation", "inquiry_log: case_number, violation", checks.searched),
    check("refreshed", "lists were imported within 24 hours", "platestream registry list hotlist_source", checks.refreshed),
    check("trail", "the audit trail is stored for two years at least", "inquiry_log, inquiry_seals: TTL", checks.trail(2)),
    check(
        "published_annual-report",
        "the annual report is published by its day",
        "platestream audit due; report publish",
        rhythms.published("annual-report"),
    ),
)  # fmt: skip
LAW: Law = law(
    "washington",
    "Washington: Driver Privacy Act, Laws of 2026, chapter 239 (ESSB 6002), chapter 10.130 RCW",
    {"law": _TEXT},
    _CLAUSES,
    _OWN,
    (
        "The text does not say which twelve months the annual report is of: the profile takes the calendar year that "
        "ended before its first of December.",
        "The law asks for no written declaration of other agencies: agencies of other states get no access at all.",
    ),
)
