"""The sample frames and the sample hot list as files; `python -m samples.demo_files` draws them anew.

Everything in them is invented: no photograph, real plate, person or record.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from schemas.fields import rfc3339
from schemas.message import Message
from services.reading.media import frame_message

FOLDER = Path(__file__).parent
FRAMES, MANIFEST, HOT_LIST = FOLDER / "frames", FOLDER / "frames.json", FOLDER / "hotlist.json"
SPAN = timedelta(minutes=30)  # the frames lie within this time


class FrameFile(msgspec.Struct, frozen=True):
    """A frame: its file, when it was captured after the start of the set, and its other headers."""

    file: str
    after_ms: int
    headers: dict[str, str]


def sample_messages(now: datetime) -> Iterator[Message]:
    """The sample frames in the order of their capture, the last of them captured before `now`."""
    start = now - SPAN
    for frame in msgspec.json.decode(MANIFEST.read_bytes(), type=list[FrameFile]):
        at = rfc3339(start + timedelta(milliseconds=frame.after_ms))
        jpeg = (FRAMES / frame.file).read_bytes()
        yield frame_message(jpeg, {**frame.headers, "captured-at": at})


def sample_hot_list(now: datetime) -> list[dict[str, str]]:
    """The sample hot list as lines of a file: text by name of field."""
    return [_line(entry, now) for entry in msgspec.json.decode(HOT_LIST.read_bytes())]


def _line(entry: dict[str, Any], now: datetime) -> dict[str, str]:
    # Whole days, so that a second demo on the same day changes nothing on the list.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expires = midnight + timedelta(days=entry.pop("expires_in_days"))
    return {**entry, **entry.pop("vehicle"), "expires_at": expires.isoformat()}
