"""Files of the sample frames and the sample hot list; `python -m models.samples.demo_files` draws them again.

Everything in them is invented: no photograph, real plate, person or record.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from platestream.reading.media import frame_message
from platestream.schemas.fields import rfc3339
from platestream.schemas.message import Message

FOLDER = Path(__file__).parent
FRAMES, MANIFEST, HOT_LIST = FOLDER / "frames", FOLDER / "frames.json", FOLDER / "hotlist.json"
SPAN = timedelta(minutes=30)  # the frames are spread over this time


class FrameFile(msgspec.Struct, frozen=True):
    """Sample frame: its file, the time of its capture after the start of the set, and its other headers."""

    file: str
    after_ms: int
    headers: dict[str, str]


def sample_messages(now: datetime) -> Iterator[Message]:
    """Return the sample frames in the order of capture, the last of them captured before `now`."""
    start = now - SPAN
    for frame in msgspec.json.decode(MANIFEST.read_bytes(), type=list[FrameFile]):
        at = rfc3339(start + timedelta(milliseconds=frame.after_ms))
        jpeg = (FRAMES / frame.file).read_bytes()
        yield frame_message(jpeg, {**frame.headers, "captured-at": at})


def sample_hot_list(now: datetime) -> list[dict[str, str]]:
    """Return the sample hot list as lines of a file: text by field name."""
    return [_line(entry, now) for entry in msgspec.json.decode(HOT_LIST.read_bytes())]


def _line(entry: dict[str, Any], now: datetime) -> dict[str, str]:
    # Whole days, so that a second demo on the same day changes nothing.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expires = midnight + timedelta(days=entry.pop("expires_in_days"))
    return {**entry, **entry.pop("vehicle"), "expires_at": expires.isoformat()}
