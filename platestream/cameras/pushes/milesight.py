"""Milesight: JSON with the picture in base64; a field that the camera does not know is `-`."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, json_of, pictures_of, with_read
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return the read of an event; its time is in the camera's zone."""
    document = json_of(parts)
    if "plate" not in document:
        raise RefusedError("push", "JSON without `plate`")
    at = fields.first(fields.moment(document.get(name), zone) for name in ("time_msec", "time"))
    images = (document.get(name) for name in ("full_image", "vehicle_image", "plate_image"))
    pictures = (*pictures_of(parts), *(one for image in images for one in fields.picture(image)))
    push = with_read(
        Push(pictures=pictures, at=at),
        FORMAT.name,
        document.get("plate"),
        confidence=_confidence(document),
        country=fields.word(document.get("region")),
        direction=fields.word(document.get("direction")),
        lane=fields.word(document.get("detection_region")),
        speed_kmh=fields.speed(document.get("speed")),
        vehicle=fields.vehicle(
            make=document.get("Vehicle Brand", document.get("vehicle_brand")),
            colour=document.get("vehicle_color"),
            body=document.get("vehicle_type"),
        ),
        box=fields.corners([document.get(f"coordinate_{side}") for side in ("x1", "y1", "x2", "y2")]),
    )
    return [push]


def _confidence(document: Mapping[str, Any]) -> float | None:
    """Return the confidence, which is a percentage in some firmwares."""
    found = fields.number(document.get("confidence"))
    return fields.share(found, 1.0 if found is not None and found <= 1 else 100.0)


FORMAT = Format("milesight", "Milesight", parse)
