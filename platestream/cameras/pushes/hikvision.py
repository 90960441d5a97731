"""Hikvision ISAPI: `EventNotificationAlert` in XML, first part of a multipart body, then the pictures.

The namespace differs by firmware (ver10, ver20, isapi.org), and recorders prefix every tag.
"""

from collections.abc import Sequence
from datetime import tzinfo
from xml.etree import ElementTree

from platestream.cameras.picture_places import Place, decimal, valid
from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return the read of an ANPR event; other events, which are also heartbeats, have none."""
    root = fields.decode_xml(texts_of(parts)[0])
    if root.tag != "EventNotificationAlert":
        raise RefusedError("push", "XML that is no EventNotificationAlert")
    if (fields.text(root, "eventType") or "").upper() != "ANPR":
        return []
    at = fields.moment(fields.text(root, "dateTime"), zone)

    def read(found: ElementTree.Element) -> CameraRead | None:
        seen = fields.plate(fields.text(found, "licensePlate"))
        if seen is None:
            return None
        info = found.find("vehicleInfo")
        return fields.camera_read(
            format=FORMAT.name,
            plate=seen,
            confidence=fields.share(fields.text(found, "confidenceLevel"), 100),
            characters=_characters(fields.text(found, "plateCharBelieve"), seen),
            country=fields.word(fields.text(root, "countryAbbreviation")),
            direction=fields.word(fields.text(found, "direction")),
            lane=fields.word(fields.text(found, "line")),
            speed_kmh=fields.speed(fields.text(info, "speed")),
            vehicle=fields.vehicle(colour=fields.text(info, "color"), body=fields.text(found, "vehicleType")),
            box=_box(found, "plateRect"),
            vehicle_box=_box(found, "vehicelRect") or _box(found, "vehicleRect"),
            device_at=at,
        )

    reads, fault = fields.reads_of(root.findall("ANPR"), read)
    return [Push(reads, pictures_of(parts), at, fault, _place(root.find("DeviceGPSInfo")))]


def _place(found: ElementTree.Element | None) -> Place | None:
    """Return the place of the device's receiver; None without one, and at 0, 0, its place without a fix."""
    if found is None:
        return None
    try:
        north = _degrees(found, "Latitude", "S")
        return valid(north, _degrees(found, "Longitude", "W"))
    except (TypeError, ValueError):
        return None


def _degrees(found: ElementTree.Element, name: str, negative: str) -> float:
    parts = [fields.text(found, f"{name}/{one}") for one in ("degree", "minute", "sec")]
    return decimal(fields.text(found, f"{name.lower()}Type") or "", *parts, negative=negative)


def _characters(listed: str | None, seen: str) -> list[float] | None:
    """Return the confidences of the characters, if there is one for each."""
    found = [fields.share(one, 100) for one in (listed or "").split(",")[:20]]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) == len(seen) else None


def _box(found: ElementTree.Element, name: str) -> Box | None:
    rect = next(found.iter(name), None)
    sides = ("X", "Y", "width", "height")
    return fields.box(*(fields.text(rect, side) or fields.text(rect, side.lower()) for side in sides))


FORMAT = Format("hikvision", "Hikvision ISAPI", parse)
