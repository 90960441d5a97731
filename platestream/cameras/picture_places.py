"""Place of a picture of a camera that moves: from EXIF, or from headers of its upload."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image as Header

Place = tuple[float, float]
"""Latitude and longitude in degrees, WGS 84."""
GPS_PART, STATUS = 0x8825, 9
LATITUDE, LONGITUDE = (1, 2), (3, 4)
"""Tags of the hemisphere, and of degrees, minutes and seconds."""
HEADERS = (("latitude", "longitude"), ("x-latitude", "x-longitude"))


def exif_place(image: bytes) -> Place | None:
    """Return the place in EXIF; None if it is missing, invalid, or marked as no fix."""
    try:
        with Header.open(io.BytesIO(image), formats=("JPEG", "PNG", "WEBP")) as header:
            found = header.getexif().get_ifd(GPS_PART)
        if str(found.get(STATUS, "A")).strip("\0 ").upper() == "V":  # void: the receiver has no fix
            return None
        return valid(_degrees(found, LATITUDE, "S"), _degrees(found, LONGITUDE, "W"))
    except Exception:  # Pillow's parsers raise many types on malformed bytes
        return None


def headers_place(headers: Mapping[str, str]) -> Place | None:
    """Return the place in the headers of an upload, in decimal degrees; None without a valid one."""
    for north, east in HEADERS:
        try:
            if found := valid(float(headers.get(north, "")), float(headers.get(east, ""))):
                return found
        except ValueError:
            continue
    return None


def valid(latitude: float, longitude: float) -> Place | None:
    """Return the place where both are degrees; None also at 0, 0, as receivers without a fix report it."""
    known = math.isfinite(latitude) and math.isfinite(longitude) and (latitude, longitude) != (0, 0)
    return (latitude, longitude) if known and abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _degrees(found: Mapping[int, Any], tags: tuple[int, int], negative: str) -> float:
    """Return the degrees of a latitude or longitude. Raises KeyError, TypeError, ValueError."""
    parts: Sequence[Any] = found[tags[1]]
    return decimal(str(found[tags[0]]).strip("\0 "), *(*parts, 0, 0, 0)[:3], negative=negative)


def decimal(hemisphere: str, degrees: Any, minutes: Any, seconds: Any, *, negative: str) -> float:
    """Return decimal degrees, below 0 in the hemisphere `negative`. Raises TypeError and ValueError."""
    side = hemisphere.strip().upper()
    whole, minute, second = float(degrees), float(minutes), float(seconds)
    if side not in ("N", "S", "E", "W") or not (0 <= minute <= 60 and 0 <= second <= 60 and whole >= 0):
        raise ValueError("no degrees, minutes and seconds")
    return (whole + minute / 60 + second / 3600) * (-1 if side == negative else 1)
