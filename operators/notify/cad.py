"""Event of an alert hit for computer-aided dispatch (CAD), made from a notification's fields.

It is a proposal of a call: type, priority, place, vehicle, narrative, and the link to the hit. Systems differ
in what they import, so that a CAD's interface maps these names to its own.
"""

from collections.abc import Mapping
from typing import Any

SCHEMA = "cad_event/1"


def cad_event(fields: Mapping[str, Any], narrative: str) -> dict[str, Any]:
    """Return the event of a notification (`notification/1`), or one that is marked as a test."""
    if "hit_id" not in fields:
        return {"schema": SCHEMA, "test": True, "narrative": narrative}
    event: dict[str, Any] = {
        "schema": SCHEMA,
        "test": False,
        "event_id": fields["delivery_id"],
        "hit_id": fields["hit_id"],
        "event_type": "ALPR",
        "event_subtype": fields["category"],
        "priority": fields["priority"],
        "occurred_at": fields["captured_at"],
        "local_time": fields["local_time"],
        "location": {
            "name": fields["place"] or fields["camera_id"],
            "camera": fields["camera_id"],
            "latitude": fields["latitude"],
            "longitude": fields["longitude"],
        },
        "hot_list": fields["source"],
        "link": fields["link"],
        "narrative": narrative,
        "notice": fields["notice"],
    }
    if "plate" in fields:
        event["vehicle"] = _vehicle(fields, "plate", "state", "vehicle", "vehicle_codes")
        event["listed_vehicle"] = _vehicle(
            fields, "listed_plate", "listed_state", "listed_vehicle", "listed_vehicle_codes"
        )
        event["case_number"] = fields["case_number"]
        event["contact"] = f"{fields['requested_by']} {fields['contact']}".strip()
    return event


def _vehicle(fields: Mapping[str, Any], plate: str, state: str, words: str, codes: str) -> dict[str, Any]:
    """Return plate and vehicle; `make`, `color` and `style` are codes of NCIC."""
    return {
        "plate": fields[plate],
        "state": fields[state],
        "description": fields[words],
        **fields[codes],
    }
