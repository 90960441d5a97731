"""Cursor on Target for TAK: a hit is an unknown vehicle at its camera's place, with the message as remarks.

Each event goes over a connection of its own, and is delivered when the server has ended it. A TAK server
shows an event to everyone in the group of that connection.
"""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import msgspec

from platestream.notifications.channels.connection import deliver, target
from platestream.notifications.senders import Send
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, Receiver
from platestream.schemas.escape_invisible import escape_invisible

VEHICLE, PING = "a-u-G-E-V", "t-x-c-t"
"""Types: unknown, ground, equipment, vehicle; and TAK's ping, for a test."""
BY_MACHINE = "m-f"
"""Origin of the position: a machine, combined from several sources (camera's place, vehicle in view)."""
SHOWN_FOR = timedelta(minutes=10)
UNKNOWN = "9999999.0"
"""Value of the height and of both errors: unknown."""


def open_sender(one: Receiver, _rules: NotifyRules) -> Send:
    """Return the sender of a receiver. Raises RefusedError."""
    place = target(one, (8089, 8087))
    return lambda notice: deliver(place, event(notice, datetime.now(UTC)))


def event(notice: Notice, now: datetime) -> bytes:
    """Return the event of a notice; the same notice has the same uid, which replaces it on a map."""
    fields = msgspec.json.decode(notice.body)
    made = ElementTree.Element(
        "event",
        version="2.0",
        uid=f"platestream-{notice.delivery_id}",
        type=VEHICLE if "hit_id" in fields else PING,
        how=BY_MACHINE,
        time=_time(now),
        start=_time(now),
        stale=_time(now + SHOWN_FOR),
    )
    place = {"lat": str(fields.get("latitude", 0.0)), "lon": str(fields.get("longitude", 0.0))}
    ElementTree.SubElement(made, "point", {**place, "hae": UNKNOWN, "ce": UNKNOWN, "le": UNKNOWN})
    detail = ElementTree.SubElement(made, "detail")
    ElementTree.SubElement(detail, "contact", callsign=escape_invisible(notice.subject))
    ElementTree.SubElement(detail, "remarks").text = escape_invisible(notice.text, keep="\n")
    data: bytes = ElementTree.tostring(made, encoding="utf-8", xml_declaration=True)
    return data


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
