"""Axis License Plate Verifier (FF Group): JSON, alone or as the part `event` beside the part `image`."""

from collections.abc import Sequence
from datetime import tzinfo

from platestream.cameras.pushes.fields import (
    box,
    camera_read,
    decode_json,
    first,
    number,
    plate,
    share,
    since_1970,
    table,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the read of an event; `new`, `update` and `lost` of one vehicle join in its pass."""
    document = table(decode_json(texts_of(parts)[0]))
    if "plateUTF8" not in document and "plateText" not in document:
        raise RefusedError("push", "JSON without a plate of Axis License Plate Verifier")
    counted = number(document.get("packetCounter"))
    sent = None if counted is None or not 0 <= counted <= 2**53 else int(counted)
    at = first(since_1970(document.get(name)) for name in ("capture_timestamp", "capture_ts"))
    pictures = pictures_of(parts)
    try:
        seen = plate(document.get("plateUTF8", document.get("plateText")))
    except RefusedError as error:
        return [Push((), pictures, at, error.detail, number=sent)]
    if seen is None:
        return [Push((), pictures, at, number=sent)]
    sides = document.get("plateCoordinates")
    read = camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=share(document.get("plateConfidence")),
        country=word(document.get("plateCountry")),
        direction=word(document.get("carMoveDirection")),
        lane=word(document.get("roiID")),
        track=word(document.get("carID")),
        box=box(*sides) if isinstance(sides, list) and len(sides) == 4 else None,
        device_at=at,
    )
    return [Push((read,), pictures, at, number=sent)]


FORMAT = Format("axis", "Axis License Plate Verifier", parse)
