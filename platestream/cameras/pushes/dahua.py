"""Dahua: ITSAPI (`/NotificationInfo/TollgateInfo`, with `KeepAlive`), and TrafficJunction events."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from platestream.cameras.picture_places import Place, valid
from platestream.cameras.pushes.fields import (
    camera_read,
    corners,
    decode_json,
    first,
    moment,
    number,
    picture,
    plate,
    share,
    since_1970,
    speed,
    table,
    tables,
    vehicle,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.message import RefusedError

ANSWER = {"Result": True, "Response": {"Status": 0, "Message": "Success"}}
"""Both answers that firmwares expect, in one."""
EVENTS = ("TrafficJunction", "TrafficTollGate", "TrafficSnapEventInfo")


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return the reads of all events of a body; a heartbeat and the device's registration have none."""
    document = table(decode_json(_document(texts_of(parts)[0])))
    if picture_of := table(document.get("Picture")):
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
    listed = tables(table(document.get("params")).get("eventList")) or [document]
    for one in listed:
        data = table(one.get("Data")) or one
        if data.get("TrafficCar") is not None or data.get("Code") in EVENTS:
            yield data


def _tollgate(document: Mapping[str, Any], zone: tzinfo, more: tuple[bytes, ...]) -> Push:
    found, car, snap = (table(document.get(name)) for name in ("Plate", "Vehicle", "SnapInfo"))
    at = first(moment(snap.get(name), zone) for name in ("AccurateTime", "SnapTime"))
    names = ("NormalPic", "VehiclePic", "CutoutPic")
    pictures = (*more, *(one for name in names for one in picture(table(document.get(name)).get("Content"))))
    return _push(
        pictures,
        at,
        found.get("PlateNumber"),
        confidence=share(found.get("Confidence"), 100),
        direction=word(snap.get("Direction")),
        lane=word(snap.get("LanNo")),
        speed_kmh=speed(snap.get("Speed", car.get("Speed"))),
        vehicle=vehicle(car.get("VehicleSign"), None, car.get("VehicleColor"), car.get("VehicleType")),
        box=corners(found.get("BoundingBox")),
        vehicle_box=corners(car.get("BoundingBox")),
    )


def _junction(document: Mapping[str, Any], pictures: tuple[bytes, ...]) -> Push:
    found, car, seen = (table(document.get(name)) for name in ("Object", "TrafficCar", "Vehicle"))
    heading = car.get("DrivingDirection")
    at = first((since_1970(car.get("CapTime")), since_1970(_utc(document)), since_1970(car.get("UTC"))))
    return _push(
        pictures,
        at,
        first(one for one in (car.get("PlateNumber"), found.get("Text")) if one),
        _place(table(table(document.get("CommInfo")).get("GPSInfo"))),
        confidence=share(found.get("Confidence"), 100),
        country=word(found.get("Country", car.get("Country"))),
        direction=word(heading[0] if isinstance(heading, list) and heading else None),
        lane=word(car.get("Lane", document.get("Lane"))),
        speed_kmh=speed(car.get("Speed", seen.get("Speed"))),
        vehicle=vehicle(
            car.get("VehicleSign"), None, car.get("VehicleColor"), car.get("Category", seen.get("Category"))
        ),
        box=corners(found.get("OriginalBoundingBox")) or corners(found.get("BoundingBox")),
        vehicle_box=corners(seen.get("OriginalBoundingBox")) or corners(seen.get("BoundingBox")),
    )


def _utc(document: Mapping[str, Any]) -> float | None:
    seconds, milliseconds = number(document.get("UTC")), number(document.get("UTCMS"))
    return None if seconds is None else seconds + (milliseconds or 0.0) / 1000


def _place(found: Mapping[str, Any]) -> Place | None:
    """Return the place of the device's receiver in degrees; None without one, and at 0, 0."""
    north, east = number(found.get("Latitude")), number(found.get("Longitude"))
    return None if north is None or east is None else valid(north, east)


def _push(
    pictures: tuple[bytes, ...], at: datetime | None, text: Any, place: Place | None = None, **fields: Any
) -> Push:
    try:
        seen = plate(text)
        read = None if seen is None else camera_read(format=FORMAT.name, plate=seen, device_at=at, **fields)
    except RefusedError as error:
        return Push((), pictures, at, error.detail, place)
    return Push(() if read is None else (read,), pictures, at, place=place)


FORMAT = Format("dahua", "Dahua ITSAPI and events", parse, ANSWER)
