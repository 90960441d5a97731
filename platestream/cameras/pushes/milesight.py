"""Milesight: JSON with the picture in base64; a field that the camera does not know is `-`."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes.fields import (
    camera_read,
    corners,
    decode_json,
    first,
    moment,
    number,
    picture,
    plate,
    share,
    speed,
    table,
    vehicle,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return the read of an event; its time is in the camera's zone."""
    document = table(decode_json(texts_of(parts)[0]))
    if "plate" not in document:
        raise RefusedError("push", "JSON without `plate`")
    at = first(moment(document.get(name), zone) for name in ("time_msec", "time"))
    known = (
        one for name in ("full_image", "vehicle_image", "plate_image") for one in picture(document.get(name))
    )
    pictures = (*pictures_of(parts), *known)
    try:
        seen = plate(document.get("plate"))
    except RefusedError as error:
        return [Push((), pictures, at, error.detail)]
    if seen is None:
        return [Push((), pictures, at)]
    read = camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=_confidence(document),
        country=word(document.get("region")),
        direction=word(document.get("direction")),
        lane=word(document.get("detection_region")),
        speed_kmh=speed(document.get("speed")),
        vehicle=vehicle(
            make=document.get("Vehicle Brand", document.get("vehicle_brand")),
            colour=document.get("vehicle_color"),
            body=document.get("vehicle_type"),
        ),
        box=corners([document.get(f"coordinate_{side}") for side in ("x1", "y1", "x2", "y2")]),
        device_at=at,
    )
    return [Push((read,), pictures, at)]


def _confidence(document: Mapping[str, Any]) -> float | None:
    """Return the confidence, which is a percentage in some firmwares."""
    found = number(document.get("confidence"))
    return share(found, 1.0 if found is not None and found <= 1 else 100.0)


FORMAT = Format("milesight", "Milesight", parse)
