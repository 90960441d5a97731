"""The order, St. Johns PD 41.37, clause by clause: responsibility, and the feature that serves it.

`platestream.policy.table` has the checks; docs/reference/policy.md is made from both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """A clause: its requirement, and the feature that serves it; `people` is the reason why no machine can
    hold it.
    """

    number: str
    asks: str
    served: str = ""
    people: str = ""


_PRODUCT = "a product that this one replaces or exports to"
_DEFINES = "defines a word"

CLAUSES = (
    Clause("A", "Purpose of the order", people="states the purpose of the order"),
    Clause("B", "Proper and responsible use", people="follows from all other clauses"),
    Clause("C.1", "ALPR", people=_DEFINES),
    Clause("C.2", "ALPR Administrator: the Chief or designee", people="names a person"),
    Clause(
        "C.3",
        "An alert hit says that a plate may be listed",
        "a hit says what matched and what differs, and stays `unverified` ([matching](matching.md))",
    ),
    Clause(
        "C.4",
        "Hot lists come from NCIC, ACIC, MVD, BOLOs, the own list",
        "designated sources, each with its registered feed; others do not alert",
    ),
    Clause("C.5", "Vehicles of interest", "designated categories"),
    Clause(
        "C.6",
        "A detection: image, plate, vehicle, place of the camera",
        "`schemas/detection.py`; the place comes with the frame ([schemas](schemas/README.md))",
    ),
    Clause("C.7", "Flock Safety", people=_PRODUCT),
    Clause("C.8", "Evidence.com", people=_PRODUCT),
    Clause(
        "D.1",
        "Plates and vehicles are read for official purposes",
        "detections with plate, state and what the camera knows of the vehicle ([reading](reading.md))",
    ),
    Clause(
        "D.2",
        "A plate is not a person",
        people="is a matter of investigations; no field here names a person who was seen",
    ),
    Clause("D.3", "Misuse is prohibited", "prohibited purposes are refused ([inquiries](inquiries.md))"),
    Clause(
        "D.4", "Restricted to missions of the agency", people="is for command; purposes are checked under F.1"
    ),
    Clause(
        "D.5",
        "The Chief determines where cameras are",
        "`platestream registry camera` with approver and date; fixed ones within `agency.boundary`",
    ),
    Clause(
        "E.1.a",
        "Protocols for access, retention and purging",
        "a profile and roles, set by administrators; each change is an act ([retention](retention.md))",
    ),
    Clause(
        "E.1.b",
        "Hot list categories and sources are designated",
        "registry records; undesignated entries do not alert",
    ),
    Clause(
        "E.1.c",
        "Security and integrity of data",
        "least-privilege roles, TLS off this machine, hashed pictures, sealed records ([design](design.md))",
    ),
    Clause(
        "E.1.d",
        "Training materials are up to date",
        "`platestream registry material`: version, SHA-256 and approval; training names one",
    ),
    Clause(
        "E.1.e",
        "Training is completed before access",
        "the gate refuses the unregistered and the untrained ([inquiries](inquiries.md))",
    ),
    Clause(
        "E.1.f",
        "Deployments and their results are recorded",
        "camera registry; use by day and camera is stored without a plate; histories of hits",
    ),
    Clause("E.1.g", "Requests follow policy and law", "a request needs its legal basis"),
    Clause(
        "F.1",
        "Authorized purposes only",
        "prohibited and allowed purposes are configuration ([inquiries](inquiries.md))",
    ),
    Clause(
        "F.2",
        "Official purposes only",
        "a case number or reason for every search, and a purpose where the agency lists them",
    ),
    Clause("F.3", "No suspicion is needed to use an ALPR", people="permits"),
    Clause(
        "F.4",
        "Officers stay logged in while on duty",
        "shifts record people and times; steps on hits and the roster are compared with them "
        "([hits](hits.md))",
    ),
    Clause(
        "F.5",
        "Partial plates and vehicles of major crimes are entered",
        "the hot list and searches accept both ([matching](matching.md)); their number is a figure",
    ),
    Clause(
        "F.6",
        "Other agencies by MOU",
        "`platestream search --agencies` queries those with an MOU in force, and the gate answers theirs "
        "within what is shared ([partners](partners.md))",
    ),
    Clause("F.7", "No access without training", "training has a date and lapses; the gate refuses"),
    Clause(
        "F.8",
        "All sworn employees have search access",
        "the registry says who is sworn; people judge the rest",
    ),
    Clause(
        "F.8.a",
        "Data of a case goes to the evidence store",
        "`platestream evidence hold`, `export`; an evidence system's receipt is in the ledger "
        "([evidence](evidence.md))",
    ),
    Clause(
        "F.8.b",
        "30 days from the image, then deleted for good",
        "admission by age; limits of views, topics, stores; a job with receipts ([retention](retention.md))",
    ),
    Clause(
        "G.1",
        "Hits may come from neighboring agencies",
        "`platestream bolo` accepts or refuses BOLOs, and logs both ([hits](hits.md)); hits of a partner on "
        "an offered entry are alert hits ([partners](partners.md))",
    ),
    Clause(
        "G.2",
        "Hits on mobile phones",
        "the notify flow sends to people on shift, and records each delivery ([hits](hits.md))",
    ),
    Clause(
        "G.3",
        "A hit alone is no ground for action: verify first",
        "steps of verification that cannot be skipped; `platestream hits`",
    ),
    Clause("G.4", "No restriction of freedom on a hit alone", "a hit says so, and the steps are logged"),
    Clause("G.4.a", "Match the driver with the description", people="is seen at the roadside"),
    Clause("G.5", "Before a stop", people="see G.5.a to G.5.c"),
    Clause("G.5.a", "Compare plate and state with the vehicle", "a recorded step with person and time"),
    Clause(
        "G.5.b",
        "Query MVD when circumstances allow",
        "the step has a field for the result; the number of queries is a figure",
    ),
    Clause("G.5.c", "Proper stop procedures", people="is a matter of tactics"),
    Clause(
        "G.6",
        "Special details are approved by the Chief",
        "a detail covers its cameras for its time; frames of others are quarantined ([cameras](cameras.md))",
    ),
    Clause(
        "G.7",
        "Searches of historical data follow policy",
        "nothing is shown without an inquiry ([inquiries](inquiries.md))",
    ),
    Clause(
        "G.8",
        '"Actionable ALPR Hit Related" is marked',
        "a disposition has this mark and needs its case number",
    ),
    Clause(
        "H.1",
        "Only vehicles wanted or suspected",
        people="is judged by the person who enters them; the rest of section H is checked",
    ),
    Clause("H.2", "Case number", "required for entries made by a person"),
    Clause("H.3", "Reason", "required for entries made by a person"),
    Clause("H.4", "Requesting member", "required for entries made by a person"),
    Clause("H.5", "Contact", "required for entries made by a person"),
    Clause("H.6", "Instructions", "required for entries made by a person"),
    Clause("H.7", "Other pertinent information", "a field of every entry"),
    Clause(
        "H.8", "Every entry expires", "required; longest time by category; expired entries leave the list"
    ),
    Clause(
        "I.1",
        "Official use only",
        people="is for the sharing person; searches are checked under F.1, I.3",
    ),
    Clause(
        "I.2",
        "Sharing by MOU",
        "MOUs with begin, end, cameras and kinds; hot list entries are exchanged only under one, and end "
        "with it ([partners](partners.md))",
    ),
    Clause("I.2.a", "Employees can see who has an MOU", "`platestream registry list agency`"),
    Clause("I.3", "Not sold, no other purpose", "prohibited purposes are refused; every export is logged"),
    Clause(
        "I.4",
        "Requests from outside of law enforcement follow the law",
        "requester and legal basis, or refused",
    ),
    Clause("I.5", "Only for legitimate purposes of the job", "as I.3"),
    Clause(
        "I.6",
        "Release to verified agencies",
        "an agency must be registered; its requests are signed by a compared key ([partners](partners.md))",
    ),
    Clause(
        "I.7",
        "Every inquiry is documented by a case or incident number, or a reason",
        "an inquiry's row opens its answer; refused ones are rows as well ([inquiries](inquiries.md))",
    ),
    Clause("J.1", "30 days, then hard deleted; evidence is downloaded", "as F.8.b and F.8.a"),
    Clause(
        "J.2",
        "Evidence by its schedule, then purged unless needed",
        "release dates, extended only on an authority; purged with a receipt ([evidence](evidence.md))",
    ),
    Clause(
        "K.1",
        "An audit each calendar year",
        "`platestream audit`; due dates are in the profile ([audit](audit.md))",
    ),
    Clause("K.2", "A sample of twelve months of use", "camera days, drawn from the same seed"),
    Clause(
        "K.3",
        "Ten inquiries of six months at random",
        "drawn from a recorded seed that anyone can draw from again",
    ),
    Clause(
        "K.4",
        "A memorandum to the Chief, with data errors, filed",
        "`platestream audit memo`: Markdown and PDF, stored with their hashes; people review and file it",
    ),
)
