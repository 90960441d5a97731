"""Source of pictures from a folder that cameras or their recorder write to; accepted pictures are deleted.

The folder is scanned each second, because network file systems, where such folders often are, do not report
changes.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from platestream.cameras.capture import Capture
from platestream.cameras.capture_times import exif_time
from platestream.runtime.clock import Clock, utc_now

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
SETTLED = 1.0
"""Seconds without a change after which a file is considered complete."""


def pictures(
    folder: Path, largest: int, stop: Callable[[], bool], zone: tzinfo = UTC, now: Clock = utc_now
) -> Iterator[tuple[Path, Capture]]:
    """Yield each file, oldest first, when it no longer grows. The caller deletes accepted files.

    Raises OSError.
    """
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
                taken_at = exif_time(image, zone) or datetime.fromtimestamp(changed, UTC)
                yield path, Capture(now(), image, camera_time=taken_at)
        seen = found
        time.sleep(SETTLED)
