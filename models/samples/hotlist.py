"""A hot list to go with the sample frames: one entry of each category, some of which the frames hit.

Every plate, case, person and telephone number in it is invented (555-01xx numbers are kept for fiction).
Entries are plain dicts, so that they can be written as a file, imported or sent as they are.
`expires_in_days` counts from the sample's start and is negative for an entry that has run out.
"""

from __future__ import annotations

from typing import Literal, TypedDict

Source = Literal["sjpd", "ncic", "acic", "mvd", "bolo"]
Expectation = Literal["exact", "O/0", "look-alike", "expired", "other state", "not seen"]


class SampleEntry(TypedDict):
    """One entry; `vehicle` holds make, model and colour as far as they are known."""

    reference: str
    source: Source
    category: str
    plate: str
    state: str
    vehicle: dict[str, str]
    case_number: str
    reason: str
    requested_by: str
    contact: str
    instructions: str
    other: str
    expires_in_days: float


PC_ARREST = "P/C for arrest"
NO_PC = "No P/C for arrest, stop only with P/C and identify occupants"
DO_NOT_STOP = "Do not stop, contact member of Alert Hit"
ARMED = "R/O known to carry firearm"


def _car(make: str = "", model: str = "", colour: str = "") -> dict[str, str]:
    known = {"make": make, "model": model, "colour": colour}
    return {key: value for key, value in known.items() if value}


def _entry(
    source: Source,
    reference: str,
    category: str,
    plate: str,
    state: str,
    vehicle: dict[str, str],
    reason: str,
    instructions: str,
    *,
    case: str = "",
    by: str = "",
    contact: str = "",
    other: str = "",
    days: float = 30,
) -> SampleEntry:
    return SampleEntry(
        reference=reference, source=source, category=category, plate=plate, state=state, vehicle=vehicle,
        case_number=case, reason=reason, requested_by=by, contact=contact, instructions=instructions,
        other=other, expires_in_days=days,
    )  # fmt: skip


def sample_entries() -> list[SampleEntry]:
    """The whole sample hot list: own entries with all that the order asks for, and those of other sources."""
    return [*_own(), *_others()]


def _own() -> list[SampleEntry]:
    """The agency's own entries (section H: case, reason, member, contact, instructions, expiry)."""
    return [
        _entry("sjpd", "SJ-26-0101", "suspect_vehicle", "GHN5162", "AZ", _car("Honda", "Fit", "green"),
               "Seen leaving three burglaries of parked cars", NO_PC, case="SJ26-004417", by="Det. R. Ortega",
               contact="928-555-0142", other="Rear plate hangs crooked", days=14),
        _entry("sjpd", "SJ-26-0102", "protection_order", "7MKW318", "CA", _car("Toyota", "Camry", "silver"),
               "Respondent of a served protection order, seen near the protected address", NO_PC,
               case="SJ26-003980", by="Ofc. L. Begay", contact="928-555-0117",
               other="Order has been quashed; the entry ran out", days=-2),
        _entry("sjpd", "SJ-26-0103", "wanted_person", "L8T8264", "AZ", _car("Nissan", "Altima", "gold"),
               "Driver named in a felony warrant; plate as noted by a witness", f"{PC_ARREST}. {ARMED}",
               case="SJ26-004502", by="Sgt. M. Whiting", contact="928-555-0163", days=30),
        _entry("sjpd", "SJ-26-0104", "suspect_vehicle", "KRB5829", "OK", _car("Dodge", "Charger", "black"),
               "Fled from a traffic stop", DO_NOT_STOP, case="SJ26-004388", by="Ofc. T. Udall",
               contact="928-555-0129", other="Oklahoma plate", days=7),
        _entry("sjpd", "SJ-26-0105", "suspect_vehicle", "PNV4410", "AZ", _car("Ram", "1500", "black"),
               "Copper theft from a pump station", NO_PC, case="SJ26-004219", by="Det. R. Ortega",
               contact="928-555-0142", days=21),
    ]  # fmt: skip


def _others() -> list[SampleEntry]:
    """Entries as they come from NCIC, ACIC, the MVD and neighbours' BOLOs."""
    return [
        _entry("ncic", "V-7730118", "stolen_vehicle", "CKR4572", "AZ", _car("Ford", "F-150", "white"),
               "Stolen vehicle, reported in Show Low", PC_ARREST, case="NIC V7730118"),
        _entry("mvd", "P-0093-2217", "stolen_plate", "B0K2917", "AZ", _car(),
               "Plate reported stolen by its owner", NO_PC, other="Typed with a zero by the owner"),
        _entry("bolo", "DPS-AA-26-03", "amber_alert", "HWE3958", "AZ", _car("Jeep", "Grand Cherokee", "grey"),
               "AMBER Alert, child of six taken from Holbrook", f"{PC_ARREST}. {ARMED}", case="DPS 26-118802",
               by="AZ DPS duty office", contact="602-555-0188", days=3),
        _entry("acic", "M-4410-091", "missing_person", "TVX7306", "AZ", _car("Subaru", "Outback", "blue"),
               "Adult missing since Sunday, may need medication",
               "Check welfare, contact member of Alert Hit", case="ACSO 26-01177"),
        _entry("ncic", "T-0000412", "terrorist_activity", "QRM1185", "NV", _car("GMC", "Savana", "white"),
               "Listed in the threat screening file", DO_NOT_STOP, case="NIC T0000412"),
        _entry("bolo", "DPS-BA-26-01", "blue_alert", "JZD9021", "AZ", _car("Chevrolet", "Silverado", "red"),
               "BLUE Alert, officer shot in Winslow", f"{PC_ARREST}. {ARMED}", case="DPS 26-118640",
               by="AZ DPS duty office", contact="602-555-0188", days=3),
        _entry("bolo", "DPS-SA-26-11", "silver_alert", "CM48213", "AZ", _car("Ford", "Ranger", "red"),
               "SILVER Alert, man of 81 with dementia", "Check welfare, keep him in sight, contact member",
               case="DPS 26-118811", by="AZ DPS duty office", contact="602-555-0188", days=3),
        _entry("ncic", "W-5512907", "wanted_person", "XLP3377", "NM", _car("Hyundai", "Elantra", "grey"),
               "Wanted person associated with vehicle", "Match the driver with the description before a stop",
               case="NIC W5512907"),
    ]  # fmt: skip


EXPECTED: dict[str, Expectation] = {
    "V-7730118": "exact",
    "SJ-26-0101": "exact",
    "DPS-AA-26-03": "exact",
    "DPS-SA-26-11": "exact",
    "P-0093-2217": "O/0",
    "SJ-26-0103": "look-alike",
    "SJ-26-0102": "expired",
    "SJ-26-0104": "other state",
}
"""What the sample frames should bring for an entry (by reference); the others are not seen."""
