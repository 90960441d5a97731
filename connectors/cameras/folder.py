"""A folder that cameras or their recorder write pictures into; what was taken in is deleted.

It is looked at each second: file systems over a network, where such folders lie, tell of no change.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from connectors.cameras.capture import Capture
from connectors.cameras.times import exif_time
from connectors.clock import Clock, utc_now

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
SETTLED = 1.0
"""Seconds for which a file must not have changed to be whole."""


def pictures(
    folder: Path, largest: int, stop: Callable[[], bool], zone: tzinfo = UTC, now: Clock = utc_now
) -> Iterator[tuple[Path, Capture]]:
    """Each file, oldest first, when it no longer grows; whoever took it in deletes it. Raises OSError."""
    seen: dict[Path, tuple[int, float]] = {}
    while not stop():
        found: dict[Path, tuple[int, float]] = {}
        for path in folder.rglob("*"):
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
                about = path.stat()
                found[path] = (about.st_size, about.st_mtime)
        for path, (size, changed) in sorted(found.items(), key=lambda one: (one[1][1], one[0])):
            if stop():
                return
            if size and seen.get(path) == (size, changed):
                with path.open("rb") as file:
                    image = file.read(largest + 1)
                told = exif_time(image, zone) or datetime.fromtimestamp(changed, UTC)
                yield path, Capture(now(), image, told_at=told)
        seen = found
        time.sleep(SETTLED)
