"""UniFi Protect: webhook of an alarm in JSON, with the plates as triggers; no confidence and no picture."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, json_of, pictures_of, with_read
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], _zone: tzinfo) -> list[Push]:
    """Return a push for each trigger that is a plate; other alarms have none."""
    document = json_of(parts)
    if not isinstance(document.get("alarm"), dict):
        raise RefusedError("push", "JSON without `alarm`")
    triggers = fields.tables(document["alarm"].get("triggers"))
    plates = [one for one in triggers if str(one.get("key", "")).startswith("license_plate")]
    return [_push(one, document.get("timestamp"), pictures_of(parts)) for one in plates]


def _push(trigger: Mapping[str, Any], sent: Any, pictures: tuple[bytes, ...]) -> Push:
    at = fields.since_1970(trigger.get("timestamp")) or fields.since_1970(sent)
    return with_read(Push(pictures=pictures, at=at), FORMAT.name, trigger.get("value"))


FORMAT = Format("unifi", "UniFi Protect", parse)
