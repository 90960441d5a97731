"""Dahua: ITSAPI (`/NotificationInfo/TollgateInfo`, with `KeepAlive`), and TrafficJunction events."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of, with_read
from platestream.schemas.fields import Box
from platestream.schemas.message import RefusedError

ANSWER = {"Result": True, "Response": {"Status": 0, "Message": "Success"}}
"""Both answers that firmwares expect, in one."""
EVENTS = ("TrafficJunction", "TrafficTollGate", "TrafficSnapEventInfo")


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return the reads of all events of a body; a heartbeat and the device's registration have none."""
    document = fields.table(fields.decode_json(_document(texts_of(parts)[0])))
    if picture_of := fields.table(document.get("Picture")):
        return [_tollgate(picture_of, zone, pictures_of(parts))]
    events = list(_events(document))
    if not events and not {"Active", "DeviceID", "DeviceInfo", "Code", "method"} & document.keys():
        raise RefusedError("push", "JSON that is neither ITSAPI nor an event")
    return [_junction(one, pictures_of(parts)) for one in events]


def _document(text: bytes) -> bytes:
    """Return the JSON of an event line, which begins with `Code=…;action=…;index=…;data=`."""
    head, mark, data = text.partition(b"data=")
    return data if mark and head.lstrip().startswith(b"Code=") else text


def _events(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a notification of the event stream, or the event itself."""
    listed = fields.tables(fields.table(document.get("params")).get("eventList")) or [document]
    for one in listed:
        data = fields.table(one.get("Data")) or one
        if data.get("TrafficCar") is not None or data.get("Code") in EVENTS:
            yield data


def _tollgate(document: Mapping[str, Any], zone: tzinfo, more: tuple[bytes, ...]) -> Push:
    found, car, snap = (fields.table(document.get(name)) for name in ("Plate", "Vehicle", "SnapInfo"))
    at = fields.first(fields.moment(snap.get(name), zone) for name in ("AccurateTime", "SnapTime"))
    names = ("NormalPic", "VehiclePic", "CutoutPic")
    contents = (fields.table(document.get(name)).get("Content") for name in names)
    pictures = (*more, *(one for content in contents for one in fields.picture(content)))
    return with_read(
        Push(pictures=pictures, at=at),
        FORMAT.name,
        found.get("PlateNumber"),
        confidence=fields.share(found.get("Confidence"), 100),
        direction=fields.word(snap.get("Direction")),
        lane=fields.word(snap.get("LanNo")),
        speed_kmh=fields.speed(snap.get("Speed", car.get("Speed"))),
        vehicle=fields.vehicle(car.get("VehicleSign"), None, car.get("VehicleColor"), car.get("VehicleType")),
        box=fields.corners(found.get("BoundingBox")),
        vehicle_box=fields.corners(car.get("BoundingBox")),
    )


def _junction(document: Mapping[str, Any], pictures: tuple[bytes, ...]) -> Push:
    found, car, seen = (fields.table(document.get(name)) for name in ("Object", "TrafficCar", "Vehicle"))
    heading = car.get("DrivingDirection")
    at = fields.first(map(fields.since_1970, (car.get("CapTime"), _utc(document), car.get("UTC"))))
    there = fields.table(fields.table(document.get("CommInfo")).get("GPSInfo"))
    return with_read(
        Push(pictures=pictures, at=at, place=fields.place(there.get("Latitude"), there.get("Longitude"))),
        FORMAT.name,
        fields.first(one for one in (car.get("PlateNumber"), found.get("Text")) if one),
        confidence=fields.share(found.get("Confidence"), 100),
        country=fields.word(found.get("Country", car.get("Country"))),
        direction=fields.word(heading[0] if isinstance(heading, list) and heading else None),
        lane=fields.word(car.get("Lane", document.get("Lane"))),
        speed_kmh=fields.speed(car.get("Speed", seen.get("Speed"))),
        vehicle=fields.vehicle(
            car.get("VehicleSign"), None, car.get("VehicleColor"), car.get("Category", seen.get("Category"))
        ),
        box=_box(found),
        vehicle_box=_box(seen),
    )


def _box(found: Mapping[str, Any]) -> Box | None:
    return fields.first(fields.corners(found.get(name)) for name in ("OriginalBoundingBox", "BoundingBox"))


def _utc(document: Mapping[str, Any]) -> float | None:
    seconds, milliseconds = fields.number(document.get("UTC")), fields.number(document.get("UTCMS"))
    return None if seconds is None else seconds + (milliseconds or 0.0) / 1000


FORMAT = Format("dahua", "Dahua ITSAPI and events", parse, ANSWER)
