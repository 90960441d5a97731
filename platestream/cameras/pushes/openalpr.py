"""OpenALPR and Rekor Scout agents: `alpr_group` (one vehicle), `alpr_results` (one picture), `heartbeat`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from platestream.cameras.picture_places import Place, valid
from platestream.cameras.pushes.fields import (
    best,
    box,
    camera_read,
    decode_json,
    degrees,
    first,
    number,
    picture,
    plate,
    reads_of,
    region,
    share,
    since_1970,
    table,
    tables,
    vehicle,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the best read of a group, or all results of a picture."""
    document = table(decode_json(texts_of(parts)[0]))
    match document.get("data_type"):
        case "alpr_group":
            return [_group(document, pictures_of(parts))]
        case "alpr_results":
            at = since_1970(document.get("epoch_time"))
            reads, fault = reads_of(tables(document.get("results")), lambda one: _read(one, at))
            return [Push(reads, pictures_of(parts), at, fault, _place(document))]
        case "heartbeat" | "vehicle" | "recording":
            return []
    raise RefusedError("push", "JSON without a known `data_type`")


def _group(document: Mapping[str, Any], pictures: tuple[bytes, ...]) -> Push:
    at = first(since_1970(document.get(name)) for name in ("epoch_start", "epoch_end"))
    seen = {
        **table(document.get("best_plate")),
        "plate": document.get("best_plate_number"),
        "confidence": document.get("best_confidence"),
        "region": document.get("best_region"),
        "direction": document.get("travel_direction"),
        "vehicle": document.get("vehicle"),
    }
    reads, fault = reads_of([seen], lambda one: _read(one, at))
    pictures = (*pictures, *picture(document.get("vehicle_crop_jpeg")))
    return Push(reads, pictures, at, fault, _place(document))


def _place(document: Mapping[str, Any]) -> Place | None:
    """Return the place of a mobile agent; None without one."""
    north, east = number(document.get("gps_latitude")), number(document.get("gps_longitude"))
    return None if north is None or east is None else valid(north, east)


def _read(one: Mapping[str, Any], at: datetime | None) -> CameraRead | None:
    seen = plate(one.get("plate"))
    if seen is None:
        return None
    country, state = region(one.get("region"))
    car, area = table(one.get("vehicle")), table(one.get("vehicle_region"))
    make = best(car.get("make"), "name")
    model = (best(car.get("make_model"), "name") or "").partition("_")[2]
    return camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=share(one.get("confidence"), 100),
        state=state,
        country=country,
        direction=degrees(one.get("direction")),
        vehicle=vehicle(make, model, best(car.get("color"), "name"), best(car.get("body_type"), "name")),
        box=_around(one.get("coordinates")),
        vehicle_box=box(*(area.get(name) for name in ("x", "y", "width", "height"))),
        device_at=at,
    )


def _around(corners: Any) -> Box | None:
    """Return the box around the corners of a plate."""
    found = [(number(one.get("x")), number(one.get("y"))) for one in tables(corners)]
    known = [(x, y) for x, y in found if x is not None and y is not None]
    if not known:
        return None
    left, top = min(x for x, _y in known), min(y for _x, y in known)
    return box(left, top, max(x for x, _y in known) - left, max(y for _x, y in known) - top)


FORMAT = Format("openalpr", "OpenALPR, Rekor Scout", parse)
