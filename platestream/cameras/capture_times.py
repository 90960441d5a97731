"""Capture time of a picture from its metadata: EXIF, or a date in an HTTP header."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from PIL import Image as Header

TAKEN, TAKEN_OFFSET, TAKEN_FRACTION, CHANGED, EXIF_PART = 0x9003, 0x9011, 0x9291, 0x0132, 0x8769
HEADERS = ("captured-at", "x-captured-at", "last-modified", "date")
"""Headers with the capture time, the most exact first."""
AHEAD = timedelta(minutes=5)
"""Time by which a camera's clock may be ahead of ours in the hour that a change of the clock repeats."""


def instant(local: datetime, arrived_at: datetime) -> datetime:
    """Return a camera's time as UTC.

    A local time that occurs twice, when clocks are set back, is the later one unless that is still to come.
    """
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return second if first < second <= arrived_at + AHEAD else first


def camera_time(image: bytes, headers: Mapping[str, str], zone: tzinfo) -> datetime | None:
    """Return the camera's own time: from EXIF (in `zone` if it has no offset), else from a header."""
    return headers_time(headers, HEADERS[:2]) or exif_time(image, zone) or headers_time(headers, HEADERS[2:])


def exif_time(image: bytes, zone: tzinfo) -> datetime | None:
    """Return the capture time in EXIF, or None if it is missing or invalid."""
    try:
        with Header.open(io.BytesIO(image), formats=("JPEG", "PNG", "WEBP")) as header:
            exif = header.getexif()
            part = exif.get_ifd(EXIF_PART)
            text = str(part.get(TAKEN) or exif.get(CHANGED) or "")
            offset, fraction = str(part.get(TAKEN_OFFSET) or ""), str(part.get(TAKEN_FRACTION) or "")
        taken = datetime.strptime(text.strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=zone)
        if offset.strip("\0 "):
            taken = datetime.fromisoformat(taken.strftime("%Y-%m-%dT%H:%M:%S") + offset.strip("\0 "))
        if (digits := fraction.strip("\0 ")).isdecimal():
            taken = taken.replace(microsecond=int(f"{digits:0<6}"[:6]))
        taken.astimezone(UTC)  # OverflowError for the first and the last day of all
        return taken
    except Exception:  # Pillow's parsers raise many types on malformed bytes
        return None


def headers_time(headers: Mapping[str, str], names: tuple[str, ...] = HEADERS) -> datetime | None:
    """Return the time of the first valid header in `names`: RFC 3339 with an offset, or an HTTP date."""
    for name in names:
        if found := _moment(headers.get(name, "")):
            return found
    return None


def _moment(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(text.strip())
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):  # OverflowError: impossible years
            continue
    return None
