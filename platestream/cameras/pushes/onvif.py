"""ONVIF analytics metadata (Profile M): a `MetadataStream` with `LicensePlateInfo`, posted by HTTP.

The likelihood is an attribute of the plate's number, an element beside it, or missing.
"""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from xml.etree import ElementTree

from platestream.cameras.pushes.fields import (
    camera_read,
    corners,
    decode_xml,
    first,
    moment,
    picture,
    plate,
    reads_of,
    share,
    text,
    vehicle,
    word,
)
from platestream.cameras.pushes.push import Format, Part, Push, pictures_of, texts_of
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.fields import Box, Vehicle
from platestream.schemas.message import RefusedError

MOST_FRAMES = 16
Element = ElementTree.Element


def parse(parts: Sequence[Part], zone: tzinfo) -> list[Push]:
    """Return a push for each frame of metadata that has plates; frames without one are health."""
    root = decode_xml(texts_of(parts)[0])
    if root.tag != "MetadataStream":
        raise RefusedError("push", "XML that is no MetadataStream")
    frames = [one for one in root.iter("Frame") if next(one.iter("LicensePlateInfo"), None) is not None]
    if len(frames) > MOST_FRAMES:
        raise RefusedError("push", f"more than {MOST_FRAMES} frames with plates")
    return [_frame(one, zone, pictures_of(parts)) for one in frames]


def _frame(frame: Element, zone: tzinfo, pictures: tuple[bytes, ...]) -> Push:
    at = moment(frame.get("UtcTime"), zone)
    plates = [one for one in frame.iter("Object") if next(one.iter("LicensePlateInfo"), None) is not None]
    cars = list(frame.iter("VehicleInfo"))
    reads, fault = reads_of(plates, lambda one: _read(one, cars, at))
    images = (
        one for path in (".//VehicleInfo/Image", ".//LicensePlateInfo/Image") for one in frame.iterfind(path)
    )
    return Push(reads, (*pictures, *(data for one in images for data in picture(one.text))), at, fault)


def _read(found: Element, cars: list[Element], at: datetime | None) -> CameraRead | None:
    info = next(found.iter("LicensePlateInfo"))
    named = info.find("PlateNumber")
    seen = plate(None if named is None else named.text)
    if seen is None or named is None:
        return None
    car = next(found.iter("VehicleInfo"), None)
    if car is None and len(cars) == 1:
        car = cars[0]
    return camera_read(
        format=FORMAT.name,
        plate=seen,
        confidence=first((share(named.get("Likelihood")), share(text(info, "Likelihood")))),
        country=word(text(info, "CountryCode")),
        vehicle=Vehicle() if car is None else _vehicle(car),
        box=_box(next(found.iter("BoundingBox"), None)),
        device_at=at,
    )


def _vehicle(car: Element) -> Vehicle:
    make, model, color, kind = (text(car, name) for name in ("Brand", "Model", "Color", "Type"))
    return vehicle(make, model, color, kind)


def _box(found: Element | None) -> Box | None:
    return (
        None if found is None else corners([found.get(side) for side in ("left", "top", "right", "bottom")])
    )


FORMAT = Format("onvif", "ONVIF metadata", parse)
