"""Files for computer-aided dispatch (CAD) and a records system (RMS): JSON, or XML with the same names."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import msgspec

from platestream.notifications.channels.file_place import open_place
from platestream.notifications.senders import Send
from platestream.operators.notify.cad import cad_event
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, Receiver
from platestream.schemas.escape_invisible import escape_invisible


def open_cad(one: Receiver, _rules: NotifyRules) -> Send:
    """Return the sender of a receiver of events for CAD. Raises RefusedError."""
    put = open_place(one)

    def send(notice: Notice) -> None:
        event = cad_event(msgspec.json.decode(notice.body), notice.text)
        put(f"alpr-{notice.delivery_id}.{one.form}", encode("cad_event", event, one.form))

    return send


def open_rms(one: Receiver, _rules: NotifyRules) -> Send:
    """Return the sender of a receiver of reports. Raises RefusedError."""
    put = open_place(one)

    def send(notice: Notice) -> None:
        report = msgspec.json.decode(notice.body)
        put(f"alpr-{notice.delivery_id}.{one.form}", encode("records_report", report, one.form))

    return send


def encode(name: str, fields: Mapping[str, Any], form: str) -> bytes:
    """Return fields as JSON, or as XML below an element of that name; a list is repeated elements."""
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n"
    root = ElementTree.Element(name)
    _add(root, fields)
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _add(parent: ElementTree.Element, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            made = ElementTree.SubElement(parent, name)
            if isinstance(one, dict):
                _add(made, one)
            elif isinstance(one, bool):
                made.text = "true" if one else "false"
            elif one is not None:
                made.text = escape_invisible(str(one), keep="\n")
