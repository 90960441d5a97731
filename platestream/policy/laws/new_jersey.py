"""New Jersey: Attorney General Directive 2022-12, and P.L. 2026, c. 4."""

from platestream.policy.checks import law as checks
from platestream.policy.laws.law import Law, Source, check, clause, law

_SOURCES = {
    "police": Source(
        "the State Police's page on the directive: the yearly audit and what the coordinator certifies",
        "nj.gov/njsp/ALPR",
        "two stored copies, with audits of 2023 and 2024",
        "26 November 2026",
    ),
    "article": Source(
        "an article for officers on what the directive changed",
        "espostestprep.com, NJ Attorney General Revises ALPR Directive",
        "15 November 2022",
        "26 November 2026",
    ),
    "tracker": Source(
        "a list of the states' rules: data is kept for three years; P.L. 2026, c. 4 on sharing",
        "an excerpt of public research notes on GitHub; the index in which it was found does not name the repository",
        "September 2026",
        "26 November 2026",
    ),
}


_CLAUSES = (
    clause("coordinator", "An agency coordinator is named", "summary", "police", "administrator"),
    clause("purposes", "Official and legitimate law enforcement purposes only, with a particular ground for what identifies people", "reported", "article", *("purposes", "documented", "reasons")),
    clause("statewide API", "Real-time access through the state's interface, without further agreements", "reported", "article", people="is not built here"),
    clause("certify, policy", "Each year the coordinator certifies: the agency has a policy", "summary", "police", people="is written by people"),
    clause("certify, users", "... only authorized users have accessed data", "summary", "police", *("trained", "entitled", "recorded")),
    clause("certify, training", "... the date of each authorized user's last training", "summary", "police", *("trained", "memoranda")),
    clause("certify, survey", "... a random survey of accesses revealed no misuse", "summary", "police", *("filed", "sampled", "memoranda")),
    clause("certify, complaints", "... known significant violations and complaints, and whether they were forwarded", "summary", "police", people="is written on the memorandum, which has a line for it"),
    clause("state report", "The state lists who completed audits", "summary", "police", people="is for the State Police"),
    clause("three years", "Data is kept for three years", "reported", "tracker", "kept_less"),
    clause("deletion", "What is past its time is deleted", "memory", "", *("rows", "job", "ttls", "topics", "stores", "keys")),
    clause("P.L. 2026, c. 4", "Shared outside of the state only for a criminal investigation, with a written certification against civil immigration use", "reported", "tracker", *("agencies", "declarations")),
)  # fmt: skip
_OWN = (
    check("kept_less", "data is stored as long as required", "the profile", checks.retention_too_short("keeping data for three years")),
    check("declarations", "agencies of other states search under a declaration in force", "platestream registry list agency; inquiry_log: declaration", checks.declarations),
)  # fmt: skip
LAW: Law = law(
    "new-jersey",
    "New Jersey: Attorney General Directive 2022-12, and P.L. 2026, c. 4",
    _SOURCES,
    _CLAUSES,
    _OWN,
    ("Neither the directive's nor the act's own text could be read.",),
)
