"""Plate Recognizer Stream and Snapshot: JSON in the form field `json`, the picture in the file `upload`."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes.fields import (
    camera_read,
    corners,
    decode_json,
    degrees,
    first,
    moment,
    plate,
    reads_of,
    region,
    share,
    speed,
    table,
    tables,
    vehicle,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return all plates of the picture in one push."""
    forms = [bytes(part.data) for part in parts if part.name == "json"]
    document = table(decode_json((forms or texts_of(parts))[0]))
    data = table(document.get("data", document))
    if not isinstance(data.get("results"), list):
        raise RefusedError("push", "JSON without `results`")
    at = first(moment(data.get(name), zone) for name in ("timestamp", "timestamp_local"))

    def read(one: Mapping[str, Any]) -> CameraRead | None:
        named = one.get("plate")
        if isinstance(named, dict):  # with the vehicle first, and the plate as one of its properties
            named = next((prop.get("value") for prop in tables(table(named.get("props")).get("plate"))), None)
        seen = plate(named)
        if seen is None:
            return None
        country, state = region(table(one.get("region")).get("code"))
        car, kind = table(one.get("vehicle")), next(iter(tables(one.get("model_make"))), {})
        color = next(iter(tables(one.get("color"))), {})
        return camera_read(
            format=FORMAT.name,
            plate=seen,
            confidence=share(one.get("score")),
            state=state,
            country=country,
            direction=degrees(one.get("direction")) or _orientation(one),
            speed_kmh=speed(one.get("speed")),
            vehicle=vehicle(kind.get("make"), kind.get("model"), color.get("color"), car.get("type")),
            box=_box(one.get("box")),
            vehicle_box=_box(car.get("box")),
            device_at=at,
        )

    reads, fault = reads_of(tables(data["results"]), read)
    return [Push(reads, pictures_of(parts), at, fault)]


def _orientation(one: Mapping[str, Any]) -> str | None:
    return word(next((side.get("orientation") for side in tables(one.get("orientation"))), None))


def _box(document: Any) -> Box | None:
    return corners([table(document).get(side) for side in ("xmin", "ymin", "xmax", "ymax")])


FORMAT = Format("platerecognizer", "Plate Recognizer", parse)
