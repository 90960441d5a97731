"""Axis License Plate Verifier (FF Group): JSON, alone or as the part `event` beside the part `image`."""

from collections.abc import Sequence
from datetime import tzinfo

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, json_of, pictures_of, with_read
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the read of an event; `new`, `update` and `lost` of one vehicle join in its pass."""
    document = json_of(parts)
    if "plateUTF8" not in document and "plateText" not in document:
        raise RefusedError("push", "JSON without a plate of Axis License Plate Verifier")
    counted = fields.number(document.get("packetCounter"))
    sent = None if counted is None or not 0 <= counted <= 2**53 else int(counted)
    at = fields.first(fields.since_1970(document.get(name)) for name in ("capture_timestamp", "capture_ts"))
    sides = document.get("plateCoordinates")
    push = with_read(
        Push(pictures=pictures_of(parts), at=at, number=sent),
        FORMAT.name,
        document.get("plateUTF8", document.get("plateText")),
        confidence=fields.share(document.get("plateConfidence")),
        country=fields.word(document.get("plateCountry")),
        direction=fields.word(document.get("carMoveDirection")),
        lane=fields.word(document.get("roiID")),
        track=fields.word(document.get("carID")),
        box=fields.box(*sides) if isinstance(sides, list) and len(sides) == 4 else None,
    )
    return [push]


FORMAT = Format("axis", "Axis License Plate Verifier", parse)
