"""Virginia: Code § 2.2-5517 (House Bill 2724 of 2025), and § 52-30.2."""

from datetime import timedelta

from platestream.policy.checks import law as checks
from platestream.policy.checks import rhythms
from platestream.policy.laws.law import Law, Source, check, clause, law

_SOURCES = {
    "summary": Source(
        "the legislature's summary of House Bill 2724 as passed",
        "legiequity.us and fastdemocracy.com, which repeat it",
        "2025 session; in force 1 July 2025",
        "26 November 2026",
    ),
    "inventory": Source(
        "notes of people who looked the section up: what subsections F, I, J and K ask, and that system data is purged "
        "after 21 days and the audit trail after two years",
        "excerpts of public research notes on GitHub; the index in which they were found does not name the repositories",
        "August to October 2026",
        "26 November 2026",
    ),
    "police": Source(
        "the State Police's page on reporting, as those notes repeat it",
        "vsp.virginia.gov, data analysis and reporting team",
        "August 2026",
        "26 November 2026",
    ),
}


_CLAUSES = (
    clause("systems", "Only systems that the state approved, from 1 July 2026 on", "summary", "summary", people="is for the Department of General Services; this one has no approval that we know of"),
    clause("purposes", "A criminal investigation with reasonable suspicion of a violation of the Code or an ordinance; a missing or endangered "
        "person or human trafficking; notices of such persons, warrants, stolen vehicles and plates", "summary", "summary", "purposes"),
    clause("other uses", "No other use; the law's words on protected activity were not read", "memory", "", "purposes"),
    clause("21 days", "System data is purged after 21 days, unless of an ongoing investigation, prosecution or civil action", "reported", "inventory", *("span", "rows", "job", "ttls", "topics", "stores", "keys", "evidence", "custody", "scheduled", "released")),
    clause("audit trail", "The audit trail (who, when, what, purpose, offense, call or case) is kept and purged after two years", "reported", "inventory", *("trail_two_years", "documented")),
    clause("internal audit", "An internal audit every 30 days", "memory", "", *("audit_every-30-days", "sampled", "memoranda")),
    clause("policy", "A policy on training, purposes, prohibited uses, accuracy, verification, security", "memory", "", people="is written by people"),
    clause("training", "Training before use", "memory", "", "trained"),
    clause("alerts", "An alert alone is no reasonable suspicion", "reported", "inventory", *("verified", "keeper", "steps")),
    clause("F", "Not shared with databases of other states, federal or private ones; not sold", "reported", "inventory", "agencies"),
    clause("I, K", "By 1 April a report of the year to the State Police, de-identified, and posted: cameras by kind, lists compared with, "
        "queries, purposes, stops, access, requests", "reported", "inventory", "published_annual-report"),
    clause("I, persons", "Race, ethnicity, age and gender of people stopped", "reported", "police", people="is not recorded here, by intention: the agency counts it where it counts its stops (§ 52-30.2)"),
    clause("J", "The State Police's figures of the state by 1 July, from 2027 on", "summary", "summary", people="is for the State Police"),
    clause("§ 52-30.2", "Of each stop: whether a notice caused it, and the notice's specific reason", "summary", "summary", "outcomes"),
    clause("public records", "System data and audit trail are not disclosed", "reported", "inventory", people="is for records officers"),
    clause("right of way", "A permit before a camera stands on a state right-of-way", "summary", "summary", people="is for the Department of Transportation; not in force unless enacted again"),
    clause("sensitive property", "Whether cameras may stand on property of education, health care or worship: accounts differ (github.com/lowlydba/foul-flock has a ban without written consent, marked for review)", "unread", ""),
    clause("penalty", "Misuse is a misdemeanor", "reported", "inventory", people="is for courts"),
)  # fmt: skip
_OWN = (
    check("span", "data is stored no longer than 21 days", "the profile; platestream registry rules", checks.span_of_law(timedelta(days=21))),
    check("trail_two_years", "the audit trail is stored for two years", "inquiry_log, inquiry_seals: TTL", checks.trail(2, 2)),
    check("audit_every-30-days", "an audit is filed every 30 days", "platestream audit due", rhythms.audited("every-30-days")),
    check("published_annual-report", "the annual report is published by 1 April", "platestream audit due; report publish", rhythms.published("annual-report")),
    check("outcomes", "hits that were acted on have the reason of their notice", "platestream hits list", checks.outcomes),
)  # fmt: skip
LAW: Law = law(
    "virginia",
    "Virginia: Code § 2.2-5517 and § 52-30.2",
    _SOURCES,
    _CLAUSES,
    _OWN,
    (
        "The section's own text could not be read: numbers of subsections are those that the accounts give, and words stand "
        "for the rest.",
    ),
)
