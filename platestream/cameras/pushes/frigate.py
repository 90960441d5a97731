"""Frigate: the messages of its MQTT topics `frigate/events` and `frigate/tracked_object_update`.

They come from a broker, or by HTTP from a bridge that posts each unchanged. The unit of its speeds is a
setting that the messages do not have, so they are left out.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes.fields import (
    camera_read,
    corners,
    decode_json,
    degrees,
    first,
    number,
    plate,
    reads_of,
    share,
    since_1970,
    table,
    vehicle,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the read of a message; updates of one vehicle join in its pass. Other messages have none."""
    document = table(decode_json(texts_of(parts)[0]))
    if "type" not in document or ("after" not in document and "id" not in document):
        raise RefusedError("push", "JSON that is no message of Frigate")
    after = table(document.get("after"))
    if document["type"] != "lpr" and not after.get("recognized_license_plate"):
        return []
    snapshot = table(after.get("snapshot"))
    at = first(
        since_1970(one)
        for one in (document.get("timestamp"), snapshot.get("frame_time"), after.get("frame_time"))
    )

    def read(one: Mapping[str, Any]) -> CameraRead | None:
        seen = plate(one.get("plate", after.get("recognized_license_plate")))
        if seen is None:
            return None
        return camera_read(
            format=FORMAT.name,
            plate=seen,
            confidence=share(one.get("score", after.get("recognized_license_plate_score"))),
            track=word(one.get("id", after.get("id"))),
            direction=degrees(after.get("velocity_angle")),
            vehicle=vehicle(body=after.get("label")),
            box=corners(one.get("plate_box")),
            vehicle_box=corners(after.get("box")),
            device_at=at,
        )

    reads, fault = reads_of([document], read)
    return [Push(reads, pictures_of(parts), at, fault)]


def source_of(body: bytes) -> str:
    """Return the name in Frigate of the camera that a message is about; empty if it names none. Raises
    RefusedError.
    """
    document = table(decode_json(body))
    return word(document.get("camera", table(document.get("after")).get("camera"))) or ""


def is_watching(body: bytes, source: str) -> bool:
    """Return whether a message of the topic `stats` reports frames of a camera. Raises RefusedError."""
    cameras = table(table(decode_json(body)).get("cameras"))
    return bool(number(table(cameras.get(source)).get("camera_fps")))


FORMAT = Format("frigate", "Frigate", parse)
