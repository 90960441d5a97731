"""ONVIF (Profile M): frames of a `MetadataStream` with `LicensePlateInfo`, and events of recognized plates.

The likelihood is an attribute of the plate's number, an element or an item beside it, or missing. An event
has a `LicensePlateInfo`, or items with names that makers chose (Axis, Hikvision).
"""

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from xml.etree import ElementTree

from platestream.cameras.pushes import fields
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of, with_read
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box, Vehicle
from platestream.schemas.message import RefusedError

MOST_FRAMES = 16
ROOTS = ("MetadataStream", "NotificationMessage", "Notify", "Envelope")
PAST = ("Initialized", "Deleted")
"""Operations of events about a plate that was read before."""
_ABOUT_PLATES = re.compile(r"licen[sc]eplate|lpr|anpr|vehicle", re.IGNORECASE)
_PLATE_ITEMS = ("PlateNumber", "plateNumber", "LicensePlate", "licensePlate", "Plate", "plate", "text")
Element = ElementTree.Element


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return a push for each frame of metadata and each event that has plates; others are health."""
    root = fields.decode_xml(texts_of(parts)[0])
    if root.tag not in ROOTS:
        raise RefusedError("push", "XML that is no MetadataStream and no NotificationMessage")
    events = [one for one in root.iter("NotificationMessage") if _is_read(one)]
    frames = [one for one in root.iter("Frame") if next(one.iter("LicensePlateInfo"), None) is not None]
    if len(events) > MOST_FRAMES:
        raise RefusedError("push", f"more than {MOST_FRAMES} events with plates")
    if len(frames) > MOST_FRAMES:
        raise RefusedError("push", f"more than {MOST_FRAMES} frames with plates")
    pictures = pictures_of(parts)
    return [
        *(_frame(one, zone, pictures) for one in frames),
        *(_event(one, zone, pictures) for one in events),
    ]


def _is_read(event: Element) -> bool:
    """Return whether an event says that a plate was read now."""
    message = event.find(".//Message[@UtcTime]")
    if message is not None and message.get("PropertyOperation") in PAST:
        return False
    if event.find(".//LicensePlateInfo") is not None:
        return True
    return (
        bool(_ABOUT_PLATES.search(event.findtext("Topic") or "")) and _plate_item(_items(event)) is not None
    )


def _items(event: Element) -> dict[str, str]:
    return {one.get("Name", ""): one.get("Value", "") for one in event.iterfind(".//Data/SimpleItem")}


def _plate_item(items: dict[str, str]) -> str | None:
    return fields.first(items.get(name) or None for name in _PLATE_ITEMS)


def _event(event: Element, zone: tzinfo, pictures: tuple[bytes, ...]) -> Push:
    message, items = event.find(".//Message[@UtcTime]"), _items(event)
    sent = None if message is None else fields.moment(message.get("UtcTime"), zone)
    at = fields.since_1970(items.get("capture_timestamp")) or sent
    info, car = event.find(".//LicensePlateInfo"), event.find(".//VehicleInfo")
    named = None if info is None else info.find("PlateNumber")
    given = None if named is None else named.get("Likelihood")
    likelihood = fields.text(info, "Likelihood") if given is None else given
    images = (one.text for one in event.iterfind(".//Image"))
    return with_read(
        Push(pictures=(*pictures, *(data for one in images for data in fields.picture(one))), at=at),
        FORMAT.name,
        _plate_item(items) if named is None else named.text,
        confidence=_likelihood(likelihood or items.get("Likelihood")),
        country=fields.word(fields.text(info, "CountryCode") or items.get("country")),
        direction=fields.word(items.get("carMoveDirection", items.get("direction"))),
        track=fields.word(items.get("carID", items.get("ObjectId"))),
        vehicle=Vehicle() if car is None else _vehicle(car),
    )


def _likelihood(value: str | None) -> float | None:
    """Return a likelihood from 0 to 1, also where a maker gives percent."""
    found = fields.number(value)
    return fields.share(value, 100 if found is not None and found > 1 else 1)


def _frame(frame: Element, zone: tzinfo, pictures: tuple[bytes, ...]) -> Push:
    at = fields.moment(frame.get("UtcTime"), zone)
    plates = [one for one in frame.iter("Object") if next(one.iter("LicensePlateInfo"), None) is not None]
    cars = list(frame.iter("VehicleInfo"))
    reads, fault = fields.reads_of(plates, lambda one: _read(one, cars, at))
    images = (
        one for path in (".//VehicleInfo/Image", ".//LicensePlateInfo/Image") for one in frame.iterfind(path)
    )
    return Push(reads, (*pictures, *(data for one in images for data in fields.picture(one.text))), at, fault)


def _read(found: Element, cars: list[Element], at: datetime | None) -> CameraRead | None:
    info = next(found.iter("LicensePlateInfo"))
    named, likelihood = info.find("PlateNumber"), fields.text(info, "Likelihood")
    seen = fields.plate(None if named is None else named.text)
    if seen is None or named is None:
        return None
    car = next(found.iter("VehicleInfo"), None)
    if car is None and len(cars) == 1:
        car = cars[0]
    return fields.camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=fields.first(map(fields.share, (named.get("Likelihood"), likelihood))),
        country=fields.word(fields.text(info, "CountryCode")),
        track=fields.word(found.get("ObjectId")),
        vehicle=Vehicle() if car is None else _vehicle(car),
        box=_box(next(found.iter("BoundingBox"), None)),
        device_at=at,
    )


def _vehicle(car: Element) -> Vehicle:
    make, model, color, kind = (fields.text(car, name) for name in ("Brand", "Model", "Color", "Type"))
    return fields.vehicle(make, model, color, kind)


def _box(found: Element | None) -> Box | None:
    sides = ("left", "top", "right", "bottom")
    return None if found is None else fields.corners([found.get(side) for side in sides])


FORMAT = Format("onvif", "ONVIF metadata and events", parse)
