"""The order, St. Johns PD 41.37, clause by clause, and what only people can hold.

`platestream.policy.table` has the checks; docs/reference/policy.md is made from both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clause:
    """A clause and its requirement; `people` is the reason why no machine can hold it."""

    number: str
    asks: str
    people: str = ""


_PRODUCT = "a product that this one replaces or exports to"
_DEFINES = "defines a word"

CLAUSES = (
    Clause("A", "Purpose of the order", people="states the purpose of the order"),
    Clause("B", "Proper and responsible use", people="follows from all other clauses"),
    Clause("C.1", "ALPR", people=_DEFINES),
    Clause("C.2", "ALPR Administrator: the Chief or designee", people="names a person"),
    Clause("C.3", "An alert hit says that a plate may be listed"),
    Clause("C.4", "Hot lists come from NCIC, ACIC, MVD, BOLOs, the own list"),
    Clause("C.5", "Vehicles of interest"),
    Clause("C.6", "A detection: image, plate, vehicle, place of the camera"),
    Clause("C.7", "Flock Safety", people=_PRODUCT),
    Clause("C.8", "Evidence.com", people=_PRODUCT),
    Clause("D.1", "Plates and vehicles are read for official purposes"),
    Clause(
        "D.2",
        "A plate is not a person",
        people="is a matter of investigations; no field here names a person who was seen",
    ),
    Clause("D.3", "Misuse is prohibited"),
    Clause(
        "D.4", "Restricted to missions of the agency", people="is for command; purposes are checked under F.1"
    ),
    Clause("D.5", "The Chief determines where cameras are"),
    Clause("E.1.a", "Protocols for access, retention and purging"),
    Clause("E.1.b", "Hot list categories and sources are designated"),
    Clause("E.1.c", "Security and integrity of data"),
    Clause("E.1.d", "Training materials are up to date"),
    Clause("E.1.e", "Training is completed before access"),
    Clause("E.1.f", "Deployments and their results are recorded"),
    Clause("E.1.g", "Requests follow policy and law"),
    Clause("F.1", "Authorized purposes only"),
    Clause("F.2", "Official purposes only"),
    Clause("F.3", "No suspicion is needed to use an ALPR", people="permits"),
    Clause("F.4", "Officers stay logged in while on duty"),
    Clause("F.5", "Partial plates and vehicles of major crimes are entered"),
    Clause("F.6", "Other agencies by MOU"),
    Clause("F.7", "No access without training"),
    Clause("F.8", "All sworn employees have search access"),
    Clause("F.8.a", "Data of a case goes to the evidence store"),
    Clause("F.8.b", "30 days from the image, then deleted for good"),
    Clause("G.1", "Hits may come from neighboring agencies"),
    Clause("G.2", "Hits on mobile phones"),
    Clause("G.3", "A hit alone is no ground for action: verify first"),
    Clause("G.4", "No restriction of freedom on a hit alone"),
    Clause("G.4.a", "Match the driver with the description", people="is seen at the roadside"),
    Clause("G.5", "Before a stop", people="see G.5.a to G.5.c"),
    Clause("G.5.a", "Compare plate and state with the vehicle"),
    Clause("G.5.b", "Query MVD when circumstances allow"),
    Clause("G.5.c", "Proper stop procedures", people="is a matter of tactics"),
    Clause("G.6", "Special details are approved by the Chief"),
    Clause("G.7", "Searches of historical data follow policy"),
    Clause("G.8", '"Actionable ALPR Hit Related" is marked'),
    Clause(
        "H.1",
        "Only vehicles wanted or suspected",
        people="is judged by the person who enters them; the rest of section H is checked",
    ),
    Clause("H.2", "Case number"),
    Clause("H.3", "Reason"),
    Clause("H.4", "Requesting member"),
    Clause("H.5", "Contact"),
    Clause("H.6", "Instructions"),
    Clause("H.7", "Other pertinent information"),
    Clause("H.8", "Every entry expires"),
    Clause(
        "I.1", "Official use only", people="is for the sharing person; searches are checked under F.1, I.3"
    ),
    Clause("I.2", "Sharing by MOU"),
    Clause("I.2.a", "Employees can see who has an MOU"),
    Clause("I.3", "Not sold, no other purpose"),
    Clause("I.4", "Requests from outside of law enforcement follow the law"),
    Clause("I.5", "Only for legitimate purposes of the job"),
    Clause("I.6", "Release to verified agencies"),
    Clause("I.7", "Every inquiry is documented by a case or incident number, or a reason"),
    Clause("J.1", "30 days, then hard deleted; evidence is downloaded"),
    Clause("J.2", "Evidence by its schedule, then purged unless needed"),
    Clause("K.1", "An audit each calendar year"),
    Clause("K.2", "A sample of twelve months of use"),
    Clause("K.3", "Ten inquiries of six months at random"),
    Clause("K.4", "A memorandum to the Chief, with data errors, filed"),
)
