"""OpenALPR and Rekor Scout agents: `alpr_group` (one vehicle), `alpr_results` (one picture), `heartbeat`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from platestream.cameras.picture_places import Place
from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, json_of, pictures_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the best read of a group, or all results of a picture."""
    document = json_of(parts)
    match document.get("data_type"):
        case "alpr_group":
            return [_group(document, pictures_of(parts))]
        case "alpr_results":
            at = fields.since_1970(document.get("epoch_time"))
            reads, fault = fields.reads_of(fields.tables(document.get("results")), lambda one: _read(one, at))
            return [Push(reads, pictures_of(parts), at, fault, _place(document))]
        case "heartbeat" | "vehicle" | "recording":
            return []
    raise RefusedError("push", "JSON without a known `data_type`")


def _group(document: Mapping[str, Any], pictures: tuple[bytes, ...]) -> Push:
    at = fields.first(fields.since_1970(document.get(name)) for name in ("epoch_start", "epoch_end"))
    seen = {
        **fields.table(document.get("best_plate")),
        "plate": document.get("best_plate_number"),
        "confidence": document.get("best_confidence"),
        "region": document.get("best_region"),
        "direction": document.get("travel_direction"),
        "vehicle": document.get("vehicle"),
    }
    reads, fault = fields.reads_of([seen], lambda one: _read(one, at))
    pictures = (*pictures, *fields.picture(document.get("vehicle_crop_jpeg")))
    return Push(reads, pictures, at, fault, _place(document))


def _place(document: Mapping[str, Any]) -> Place | None:
    """Return the place of a mobile agent; None without one."""
    return fields.place(document.get("gps_latitude"), document.get("gps_longitude"))


def _read(one: Mapping[str, Any], at: datetime | None) -> CameraRead | None:
    seen = fields.plate(one.get("plate"))
    if seen is None:
        return None
    country, state = fields.region(one.get("region"))
    car, area = fields.table(one.get("vehicle")), fields.table(one.get("vehicle_region"))
    make, color, body = (fields.best(car.get(name), "name") for name in ("make", "color", "body_type"))
    model = (fields.best(car.get("make_model"), "name") or "").partition("_")[2]
    return fields.camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=fields.share(one.get("confidence"), 100),
        state=state,
        country=country,
        direction=fields.degrees(one.get("direction")),
        vehicle=fields.vehicle(make, model, color, body),
        box=_around(one.get("coordinates")),
        vehicle_box=fields.box(*(area.get(name) for name in ("x", "y", "width", "height"))),
        device_at=at,
    )


def _around(corners: Any) -> Box | None:
    """Return the box around the corners of a plate."""
    found = [(fields.number(one.get("x")), fields.number(one.get("y"))) for one in fields.tables(corners)]
    known = [(x, y) for x, y in found if x is not None and y is not None]
    if not known:
        return None
    left, top = min(x for x, _y in known), min(y for _x, y in known)
    return fields.box(left, top, max(x for x, _y in known) - left, max(y for _x, y in known) - top)


FORMAT = Format("openalpr", "OpenALPR, Rekor Scout", parse)
