"""Oregon: Senate Bill 1516 of 2026, sections 3 to 11 (Oregon Laws 2026, chapter 77)."""

from datetime import timedelta

from platestream.policy.checks import law as checks
from platestream.policy.checks import rhythms
from platestream.policy.laws.law import Law, LawClause, Read, Source, check, law

_ACCOUNT = Source(
    "an account of the enrolled bill section by section, with quotations of sections 7, 9 and 14; not the text itself",
    "wiki.hearn.me, Oregon SB 1516 (2026) — Enrolled Bill Text",
    "24 May 2026; the bill was signed on 31 March 2026 and is in force since",
    "26 November 2026",
)
_CONTRACTS = "there is no vendor: the agency runs the system itself"


def _clause(number: str, asks: str, *names: str, people: str = "", read: Read = "summary") -> LawClause:
    return LawClause(number, asks, read, "account", names, people)


_CLAUSES = (
    _clause("3", "Definitions", people="defines words"),
    _clause(
        "4, uses",
        "Only for vehicles used in crimes (of Oregon, or alike elsewhere, or federal and not against Oregon's limits on "
        "enforcement), with warrants, of missing or endangered persons, uninsured, unregistered, for parking and access",
        "purposes",
    ),
    _clause(
        "4(2)(a)(C)",
        "Not for what ORS 24.500, 181A.250, 181A.820 and 181A.826 keep the state's resources from; those were not read",
        "purposes",
        read="memory",
    ),
    _clause(
        "4(3)(a)",
        "30 days, unless of a court proceeding or an ongoing criminal investigation",
        *("span", "rows", "job", "ttls", "topics", "stores", "keys", "evidence", "custody"),
    ),
    _clause(
        "4(4)",
        "Compared only with records of ODOT, NCIC, LEDS, missing persons, and hot lists",
        *("designated", "listed"),
    ),
    _clause(
        "4, log",
        "Every search is logged: user, agency, what was asked, date and time, case or reference number, purpose, and the "
        "crime or violation where it is an investigation",
        *("documented", "searched"),
    ),
    _clause("4(6)", "Confirmed by eye before a traffic stop", *("verified", "steps")),
    _clause(
        "5",
        "No access for government entities that are not Oregon's, except for a law enforcement purpose, of what that needs, "
        "and never unrestricted or ongoing",
        *("agencies", "requests"),
    ),
    _clause(
        "5, log",
        "A search for others is logged with the agency, whom it is for, and how many cameras",
        "documented",
    ),
    _clause(
        "6(1)",
        "Each month an audit of the preceding 30 days: systems, places, counts of searches, agencies and users with access, "
        "vehicles, alerts; and each search with user, time and purpose",
        *("audit_monthly", "sampled", "memoranda"),
    ),
    _clause(
        "6(2)",
        "Each quarter an audit of all searches on behalf of other government agencies",
        "audit_quarterly",
    ),
    _clause("6(3)", "Posted publicly within two days", *("published_monthly", "published_quarterly")),
    _clause(
        "7",
        "Policies on security, hot lists, training, retention, published before use",
        people="is written by people",
    ),
    _clause("7, training", "Training", "trained"),
    _clause(
        "7(2)(e)", "Terms of contracts with vendors, end-to-end encryption among them", people=_CONTRACTS
    ),
    _clause("8, 9", "Contracts that were there before; actions against vendors", people=_CONTRACTS),
    _clause("10, 12", "Grants", people="is not about use"),
    _clause(
        "11",
        "Audits are disclosed without plates, vehicles and what identifies people",
        *("published_monthly", "published_quarterly"),
    ),
)
_OWN = (
    check("span", "data is stored no longer than 30 days", "the profile; platestream registry rules", checks.span_of_law(timedelta(days=30))),
    check("searched", "searches have their case number and violation", "inquiry_log: case_number, violation", checks.searched),
    check("audit_monthly", "each month's audit is filed by its day", "platestream audit due", rhythms.audited("monthly")),
    check("audit_quarterly", "each quarter's audit of others is filed by its day", "platestream audit due", rhythms.audited("quarterly")),
    check("published_monthly", "each month's figures are published in two days", "platestream audit due; report publish", rhythms.published("monthly")),
    check("published_quarterly", "each quarter's figures are published in two days", "platestream audit due; report publish", rhythms.published("quarterly")),
)  # fmt: skip
LAW: Law = law(
    "oregon",
    "Oregon: Senate Bill 1516 (2026), sections 3 to 11",
    {"account": _ACCOUNT},
    _CLAUSES,
    _OWN,
    (
        "Section 6 has a vendor provide the audits. An agency that runs this system has none: the profile has the agency "
        "make them itself. Whether the section asks that of it is a question for counsel.",
        "What was read names no day by which an audit must be there; the profile's 10 days after the month or quarter are its own.",
    ),
)
