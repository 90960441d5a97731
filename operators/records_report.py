"""Report of an alert hit for a records management system (order, section G.8).

Plain fields with the codes of NCIC; whether a public exchange format such as NIEM fits was not examined.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from platestream.operators.hit_history import History, Status
from platestream.schemas.alert_hit import NOTICE
from platestream.schemas.fields import Vehicle
from platestream.schemas.hit_action import HitAction
from platestream.schemas.message import RefusedError
from platestream.schemas.ncic_codes import codes_of

ACTIONABLE = "Actionable ALPR Hit Related"
ACTED: Status = "acted"


def report(hit_id: UUID, row: Mapping[str, Any], history: History) -> dict[str, Any]:
    """Return the report of the action that a hit resulted in.

    `row` has the columns of the table `alert_hits`. Raises RefusedError for a hit without an action.
    """
    steps = history.applied
    action = next((one for one in reversed(steps) if one.kind == "action_taken"), None)
    if action is None or history.status != ACTED:
        raise RefusedError("hit", "a report is of an action that was taken: record the disposition first")
    return {
        "schema": "records_report/1",
        "hit_id": hit_id,
        "case_number": action.case_number,
        "special_circumstances": [ACTIONABLE] if action.actionable else [],
        "captured_at": row["captured_at"],
        "camera_id": row["camera_id"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "agency": row["agency"],
        "read": _plate(row["plate"], row["state"], row["read_vehicle"]),
        "listed": {
            **_plate(row["listed_plate"], row["listed_state"], row["listed_vehicle"]),
            **{name: row[name] for name in ("entry_id", "source", "category", "case_number", "reason")},
        },
        "verification": [_step(one) for one in steps if one is not action],
        "disposition": {**_step(action), "result": action.result, "stopped": action.stopped},
        "notice": NOTICE,
    }


def _plate(plate: str, state: str, described: Mapping[str, str]) -> dict[str, Any]:
    """Return a plate and its vehicle, as words and as codes of NCIC."""
    make, model, color, body = (described.get(name) for name in ("make", "model", "colour", "body"))
    words = {"make": make, "model": model, "color": color, "body": body}
    codes = codes_of(Vehicle(make=make, model=model, colour=color, body=body))
    vehicle = {name: text for name, text in words.items() if text}
    return {"plate": plate, "state": state, "vehicle": vehicle, "vehicle_codes": codes}


def _step(action: HitAction) -> dict[str, Any]:
    said = {
        "checked_with": action.checked_with,
        "mvd_result": action.mvd_result,
        "note": action.note,
    }
    return {"at": action.at, "by": action.by, "step": action.kind, **{k: v for k, v in said.items() if v}}
