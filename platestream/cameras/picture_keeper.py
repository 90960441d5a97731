"""Health of a camera's picture in the gateway: its memory, and the picture before and after a fault."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import msgspec

from platestream.cameras.blackout import Blackout
from platestream.cameras.capture import Pixels
from platestream.cameras.picture_files import FOLDER, Which, delete, file_path, purpose
from platestream.cameras.picture_health import RULES, Memory, PictureWatch, take_sample
from platestream.cameras.picture_states import FAULTS, PictureState
from platestream.keys.key_folder import UNSEALED, Sealer
from platestream.runtime.private_file import write_file
from platestream.schemas.fields import NOT_JSON

log = logging.getLogger(__name__)

WIDEST = 960
"""Most pixels of the width of a picture before or after a fault."""
SAVED_SECONDS = 600.0
Report = Callable[[PictureState, datetime | None], None]


class _Stored(msgspec.Struct, frozen=True):
    """The memory of a camera, for pictures with these masks."""

    masks: str
    memory: Memory


class PictureKeeper:
    """The gateway's side for one camera, in the folder of the spool. For use by many threads.

    `report` gets the state of the picture and since when it holds, at the start and at each change.
    """

    def __init__(
        self,
        spool: Path,
        camera: str,
        blackout: Blackout,
        masks: str,
        report: Report,
        keys: Sealer = UNSEALED,
    ) -> None:
        self._folder, self._camera, self._blackout, self._masks = spool / FOLDER, camera, blackout, masks
        self._keys = keys
        self._report, self._lock = report, threading.Lock()
        self._next = float("-inf")
        self._saved = float("-inf")
        # Of the newest good pictures some may show a change already, which the median does not have yet.
        self._good: deque[tuple[bytes, float]] = deque(maxlen=RULES.window // 2 + 1)
        self._watch = PictureWatch(self._remembered())
        self._send_report()

    def is_due(self, at: datetime) -> bool:
        """Return whether `offer` takes a picture now."""
        return at.timestamp() >= self._next

    def offer(self, pixels: Pixels, at: datetime) -> None:
        """Take a masked picture for the health where one is due.

        Reading the frame does not depend on this, so faults are logged and not raised.
        """
        seconds = at.timestamp()
        if seconds < self._next:
            return
        with self._lock:
            if seconds < self._next:
                return
            self._next = seconds + RULES.every
            try:
                self._take(pixels, seconds)
            except Exception:  # reading a frame does not depend on it
                log.exception("camera %s: the health of its picture is not known", self._camera)

    def _take(self, pixels: Pixels, at: float) -> None:
        request = file_path(self._folder, self._camera, "accept")
        if request.exists():
            self._forget()
            request.unlink(missing_ok=True)
        changed = self._watch.take(take_sample(pixels, self._blackout.visible(*pixels.shape[:2])), at)
        state = self._watch.state
        if state in ("good", "learning") and not self._watch.suspected:
            self._good.append((_small_jpeg(pixels), at))
        if changed and state in FAULTS:
            self._write("before", self._good[0] if self._good else None)
            self._write("after", (_small_jpeg(pixels), at))
            log.warning("camera %s: its picture is %s", self._camera, state)
        if changed:
            self._send_report()
        if changed or at - self._saved >= SAVED_SECONDS:
            self._saved = at
            stored = msgspec.msgpack.encode(_Stored(self._masks, self._watch.memory))
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_file(file_path(self._folder, self._camera, "memory"), stored)

    def _write(self, which: Which, picture: tuple[bytes, float] | None) -> None:
        path = file_path(self._folder, self._camera, which)
        path.unlink(missing_ok=True)
        if picture is not None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            taken = datetime.fromtimestamp(picture[1], UTC)
            write_file(path, self._keys.seal(purpose(self._camera, which), taken, picture[0]))
            os.utime(path, (picture[1], picture[1]))

    def _send_report(self) -> None:
        since = self._watch.memory.since
        self._report(self._watch.state, datetime.fromtimestamp(since, UTC) if since else None)

    def _remembered(self) -> Memory | None:
        """Return the stored memory; None where it is of pictures with other masks, and then it is deleted."""
        path = file_path(self._folder, self._camera, "memory")
        try:
            stored = msgspec.msgpack.decode(path.read_bytes(), type=_Stored)
        except (FileNotFoundError, *NOT_JSON):
            return None
        if stored.masks == self._masks:
            return stored.memory
        delete(self._folder, self._camera)
        return None

    def _forget(self) -> None:
        self._watch = PictureWatch()
        self._good.clear()
        delete(self._folder, self._camera)
        self._send_report()


def _small_jpeg(pixels: Pixels) -> bytes:
    scale = min(1.0, WIDEST / pixels.shape[1])
    small = (
        cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    )
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise ValueError("a picture that cannot be written as JPEG")
    return data.tobytes()
