"""Table of the formats of pushes, and the fields that each parser finds."""

from datetime import UTC, datetime, tzinfo

from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.push import Format, Push, parts_of
from platestream.cameras.pushes.simulate import DEVICES, Passing
from platestream.schemas.camera_read import CameraRead

AT = datetime(2026, 11, 28, 12, tzinfo=UTC)
FIELDS = {
    "confidence": "confidence",
    "characters": "of each character",
    "state": "state",
    "country": "country",
    "direction": "direction",
    "lane": "lane",
    "speed_kmh": "speed",
    "vehicle": "vehicle",
    "box": "plate's box",
    "vehicle_box": "vehicle's box",
    "device_at": "device's time",
}


def simulated(form: Format, zone: tzinfo = UTC) -> Push:
    """Return what the parser finds in a push of the simulated device."""
    sent = DEVICES[form.name](Passing("ABC1234", AT, 0.9, b"\xff\xd8\xff\xd9"))
    (push,) = form.parse(parts_of(sent.content_type, sent.body), zone)
    return push


def table() -> str:
    """Return the table of formats and fields, as the parsers find them in pushes of simulated devices."""
    empty = CameraRead(format="empty", plate="A")
    titles = [*FIELDS.values(), "picture"]
    lines = [f"| format | {' | '.join(titles)} |", f"|---|{'---|' * len(titles)}"]
    for form in FORMATS.values():
        push = simulated(form)
        (read,) = push.reads
        found = [getattr(read, name) != getattr(empty, name) for name in FIELDS]
        cells = ["yes" if one else "" for one in (*found, bool(push.pictures))]
        lines.append(f"| `{form.name}`: {form.title} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
