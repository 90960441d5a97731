"""Plate Recognizer Stream and Snapshot: JSON in the form field `json`, the picture in the file `upload`."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return all plates of the picture in one push."""
    forms = [bytes(part.data) for part in parts if part.name == "json"]
    document = fields.table(fields.decode_json((forms or texts_of(parts))[0]))
    data = fields.table(document.get("data", document))
    if not isinstance(data.get("results"), list):
        raise RefusedError("push", "JSON without `results`")
    at = fields.first(fields.moment(data.get(name), zone) for name in ("timestamp", "timestamp_local"))

    def read(one: Mapping[str, Any]) -> CameraRead | None:
        named = one.get("plate")
        if isinstance(named, dict):  # with the vehicle first, and the plate as one of its properties
            props = fields.tables(fields.table(named.get("props")).get("plate"))
            named = props[0].get("value") if props else None
        seen = fields.plate(named)
        if seen is None:
            return None
        country, state = fields.region(fields.table(one.get("region")).get("code"))
        car, kind = fields.table(one.get("vehicle")), next(iter(fields.tables(one.get("model_make"))), {})
        color = next(iter(fields.tables(one.get("color"))), {})
        faces = fields.best(one.get("orientation"), "orientation")
        return fields.camera_read(
            format=FORMAT.name,
            plate=seen,
            confidence=fields.share(one.get("score")),
            state=state,
            country=country,
            direction=fields.degrees(one.get("direction")) or faces,
            speed_kmh=fields.speed(one.get("speed")),
            vehicle=fields.vehicle(kind.get("make"), kind.get("model"), color.get("color"), car.get("type")),
            box=_box(one.get("box")),
            vehicle_box=_box(car.get("box")),
            device_at=at,
        )

    reads, fault = fields.reads_of(fields.tables(data["results"]), read)
    return [Push(reads, pictures_of(parts), at, fault)]


def _box(document: Any) -> Box | None:
    return fields.corners([fields.table(document).get(side) for side in ("xmin", "ymin", "xmax", "ymax")])


FORMAT = Format("platerecognizer", "Plate Recognizer", parse)
