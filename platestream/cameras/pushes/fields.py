"""Conversion of the fields of pushes: plates, confidences, times, boxes and pictures."""

import math
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar
from xml.etree import ElementTree

import msgspec

from platestream.cameras.picture_places import Place, valid
from platestream.schemas.camera_read import MOST_READS, CameraRead
from platestream.schemas.fields import NOT_JSON, STATES, Box, Vehicle
from platestream.schemas.message import RefusedError
from platestream.schemas.plates import LONGEST

T = TypeVar("T")
MISSING = {"", "-", "unknown", "unknow", "none", "null", "n/a", "noplate", "no plate", "other"}
"""Words by which devices say that they do not know."""
BETWEEN = str.maketrans("", "", " \t-.·•")
"""Characters that separate the groups of a plate."""


def plate(value: Any) -> str | None:
    """Return the plate, or None where the device has none.

    Text that is no plate is rejected and not reduced to its letters: markup would become a plate. Raises
    RefusedError.
    """
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
        return None
    text = value.upper().translate(BETWEEN) if isinstance(value, str) and len(value) <= 64 else ""
    if not (0 < len(text) <= LONGEST and text.isascii() and text.isalnum()):
        raise RefusedError("push", f"a plate that is not 1 to {LONGEST} letters and digits")
    return text


def number(value: Any) -> float | None:
    """Return a finite number, also from text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(str(value)) > 40:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def share(value: Any, of: float = 1.0) -> float | None:
    """Return a confidence from 0 to 1, given from 0 to `of`; None where it is missing or out of range."""
    found = number(value)
    return round(found / of, 4) if found is not None and 0 <= found <= of else None


def speed(value: Any, unit: float = 1.0) -> float | None:
    """Return a speed in km/h, given in `unit` km/h; None where it is missing or 0, which devices without a
    radar send.
    """
    found = number(value)
    return round(found * unit, 1) if found is not None and 0 < found * unit <= 1000 else None


def word(value: Any) -> str | None:
    """Return a short text without control characters, or None where it is missing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}"
    if not isinstance(value, str):
        return None
    text = "".join(char for char in value[:256] if char.isprintable()).strip()[:64].strip()
    return None if text.lower() in MISSING else text


def degrees(value: Any) -> str | None:
    """Return a direction given in degrees of the picture."""
    found = number(value)
    return None if found is None or not 0 <= found <= 360 else f"{found:.0f}°"


def region(value: Any) -> tuple[str | None, str | None]:
    """Return country and state of a region such as `us-mo`."""
    country, _dash, state = (word(value) or "").lower().partition("-")
    known = state.upper() if country in ("us", "ca", "mx") and state.upper() in STATES else None
    return country.upper() or None, known


def box(left: Any, top: Any, width: Any, height: Any) -> Box | None:
    """Return a box, or None if the device has none."""
    found = [number(one) for one in (left, top, width, height)]
    numbers = [round(one) for one in found if one is not None and abs(one) < 1e6]
    if len(numbers) < 4 or min(numbers[:2]) < 0 or min(numbers[2:]) < 1:
        return None
    return Box(*numbers)


def corners(found: Any) -> Box | None:
    """Return the box of a list of left, top, right and bottom."""
    sides = [number(one) for one in found] if isinstance(found, list) and len(found) == 4 else []
    known = [one for one in sides if one is not None]
    return None if len(known) < 4 else box(known[0], known[1], known[2] - known[0], known[3] - known[1])


def moment(value: Any, zone: tzinfo) -> datetime | None:
    """Return an ISO time; one without an offset is in `zone`. None where it is missing or invalid."""
    try:
        at = datetime.fromisoformat(str(value).strip())
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        at.astimezone(UTC)  # OverflowError for the first and the last day of all
        return at
    except (ValueError, OverflowError):
        return None


def since_1970(value: Any) -> datetime | None:
    """Return a time given in seconds, ms, µs or ns since 1970, by its size."""
    found = number(value)
    if found is None or found <= 0:
        return None
    while found > 1e11:
        found /= 1000
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(found, 3))


def place(latitude: Any, longitude: Any) -> Place | None:
    """Return a place in degrees; None where it is missing, and at 0, 0, as without a fix."""
    north, east = number(latitude), number(longitude)
    return None if north is None or east is None else valid(north, east)


def picture(value: Any) -> tuple[bytes, ...]:
    """Return a picture in base64, with or without a `data:` prefix; none where it is missing or invalid."""
    if not isinstance(value, str) or not value:
        return ()
    try:
        return (b64decode(value.rpartition(",")[2], validate=False),)
    except ValueError:
        return (b"no base64",)


def decode_json(data: bytes) -> Any:
    """Return a JSON document. Raises RefusedError."""
    try:
        return msgspec.json.decode(data)
    except NOT_JSON as error:
        raise RefusedError("not_json", "a push that is not JSON") from error


def table(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one: devices leave objects out or send null."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def best(value: Any, name: str) -> str | None:
    """Return the first word of a list of candidates that begins with the likeliest."""
    return word(next((one.get(name) for one in tables(value)), None))


def vehicle(make: Any = None, model: Any = None, colour: Any = None, body: Any = None) -> Vehicle:
    """Return the description of a vehicle; words that are no description are left out."""
    return Vehicle(make=word(make), model=word(model), colour=word(colour), body=word(body))


def camera_read(**fields: Any) -> CameraRead:
    """Return a read of these fields; those that are None are left out. Raises RefusedError."""
    try:
        return msgspec.convert(
            {name: value for name, value in fields.items() if value is not None}, CameraRead
        )
    except msgspec.ValidationError as error:
        raise RefusedError("push", f"a read that cannot be used: {error}") from error


def reads_of(
    items: Sequence[T], read: Callable[[T], CameraRead | None]
) -> tuple[tuple[CameraRead, ...], str]:
    """Return the reads of all items, and the first fault; an item with a fault does not stop the others."""
    found, faults = [], []
    for item in items[:MOST_READS]:
        try:
            one = read(item)
        except RefusedError as error:
            faults.append(error.detail)
            continue
        if one is not None:
            found.append(one)
    if len(items) > MOST_READS:
        faults.append(f"more than {MOST_READS} plates in one push")
    return tuple(found), next(iter(faults), "")


class _NoDoctype(ElementTree.TreeBuilder):
    """Builder that rejects a document type, and so every entity."""

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise RefusedError("push", "XML with a document type")


def decode_xml(data: bytes) -> ElementTree.Element:
    """Return an XML document whose tags have no namespace, because firmwares use several for one format.

    Raises RefusedError.
    """
    try:
        root = ElementTree.fromstring(data.strip(), ElementTree.XMLParser(target=_NoDoctype()))  # noqa: S314
    except RefusedError:
        raise
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise RefusedError("push", "a push that is not XML") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in list(element.attrib):
            element.attrib[name.rpartition("}")[2]] = element.attrib[name]
    return root


def text(element: ElementTree.Element | None, path: str) -> str | None:
    """Return the text of an element below `element`, or None."""
    return None if element is None else element.findtext(path)


def first(values: Iterable[T | None]) -> T | None:
    """Return the first value that is not None."""
    return next((one for one in values if one is not None), None)
