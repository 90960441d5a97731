"""UniFi Protect: webhook of an alarm in JSON, with the plates as triggers; no confidence and no picture."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes.fields import (
    camera_read,
    decode_json,
    plate,
    reads_of,
    since_1970,
    table,
    tables,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return a push for each trigger that is a plate; other alarms have none."""
    document = table(decode_json(texts_of(parts)[0]))
    if not isinstance(document.get("alarm"), dict):
        raise RefusedError("push", "JSON without `alarm`")
    triggers = tables(document["alarm"].get("triggers"))
    plates = [one for one in triggers if str(one.get("key", "")).startswith("license_plate")]
    return [_push(one, document.get("timestamp"), pictures_of(parts)) for one in plates]


def _push(trigger: Mapping[str, Any], sent: Any, pictures: tuple[bytes, ...]) -> Push:
    at = since_1970(trigger.get("timestamp")) or since_1970(sent)

    def read(one: Mapping[str, Any]) -> CameraRead | None:
        seen = plate(one.get("value"))
        return None if seen is None else camera_read(format=FORMAT.name, plate=seen, device_at=at)

    reads, fault = reads_of([trigger], read)
    return Push(reads, pictures, at, fault)


FORMAT = Format("unifi", "UniFi Protect", parse)
