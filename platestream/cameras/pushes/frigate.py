"""Frigate: the messages of its MQTT topics `frigate/events` and `frigate/tracked_object_update`.

They come from a broker, or by HTTP from a bridge that posts each unchanged. The unit of its speeds is a
setting that the messages do not have, so they are left out.
"""

from collections.abc import Sequence
from datetime import tzinfo

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, json_of, pictures_of, with_read
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return the read of a message; updates of one vehicle join in its pass. Other messages have none."""
    document = json_of(parts)
    if "type" not in document or ("after" not in document and "id" not in document):
        raise RefusedError("push", "JSON that is no message of Frigate")
    after = fields.table(document.get("after"))
    if document["type"] != "lpr" and not after.get("recognized_license_plate"):
        return []
    snapshot = fields.table(after.get("snapshot"))
    at = fields.first(
        fields.since_1970(one)
        for one in (document.get("timestamp"), snapshot.get("frame_time"), after.get("frame_time"))
    )
    push = with_read(
        Push(pictures=pictures_of(parts), at=at),
        FORMAT.name,
        document.get("plate", after.get("recognized_license_plate")),
        confidence=fields.share(document.get("score", after.get("recognized_license_plate_score"))),
        track=fields.word(document.get("id", after.get("id"))),
        direction=fields.degrees(after.get("velocity_angle")),
        vehicle=fields.vehicle(body=after.get("label")),
        box=fields.corners(document.get("plate_box")),
        vehicle_box=fields.corners(after.get("box")),
    )
    return [push]


def source_of(body: bytes) -> str:
    """Return the name in Frigate of the camera that a message is about; empty if it names none. Raises
    RefusedError.
    """
    document = fields.table(fields.decode_json(body))
    return fields.word(document.get("camera", fields.table(document.get("after")).get("camera"))) or ""


def is_watching(body: bytes, source: str) -> bool:
    """Return whether a message of the topic `stats` reports frames of a camera. Raises RefusedError."""
    cameras = fields.table(fields.table(fields.decode_json(body)).get("cameras"))
    return bool(fields.number(fields.table(cameras.get(source)).get("camera_fps")))


FORMAT = Format("frigate", "Frigate", parse)
