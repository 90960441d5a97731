"""Health of the pictures in the gateway: the memory of each camera, and the picture before and after a fault.

These files are beside the gateway's spool and are masked. Before and after are encrypted by hourly keys, and
deleted with the retention period of frames. A person may accept a picture: then the camera is learned again.
"""

import contextlib
import hashlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import msgspec

from platestream.cameras.capture import Pixels
from platestream.cameras.masks import Blackout
from platestream.cameras.picture_health import FAULTS, RULES, Memory, PictureState, PictureWatch, take_sample
from platestream.keys.envelope import SealError
from platestream.keys.key_folder import UNSEALED, KeyDestroyedError, Sealer
from platestream.keys.master import KeysError
from platestream.runtime.private_file import write_file
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)

FOLDER = "pictures"
WIDEST = 960
"""Most pixels of the width of a picture before or after a fault."""
SAVED_SECONDS = 600.0
Which = Literal["before", "after"]
Report = Callable[[PictureState, datetime | None], None]


class StoredPicture(NamedTuple):
    """A picture before or after a fault, as JPEG."""

    which: Which
    image: bytes
    at: datetime


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
        request = _path(self._folder, self._camera, "accept")
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
            write_file(_path(self._folder, self._camera, "memory"), stored)

    def _write(self, which: Which, picture: tuple[bytes, float] | None) -> None:
        path = _path(self._folder, self._camera, which)
        path.unlink(missing_ok=True)
        if picture is not None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            taken = datetime.fromtimestamp(picture[1], UTC)
            write_file(path, self._keys.seal(_purpose(self._camera, which), taken, picture[0]))
            os.utime(path, (picture[1], picture[1]))

    def _send_report(self) -> None:
        since = self._watch.memory.since
        self._report(self._watch.state, datetime.fromtimestamp(since, UTC) if since else None)

    def _remembered(self) -> Memory | None:
        """Return the stored memory; None where it is of pictures with other masks, and then it is deleted."""
        path = _path(self._folder, self._camera, "memory")
        try:
            stored = msgspec.msgpack.decode(path.read_bytes(), type=_Stored)
        except (FileNotFoundError, *NOT_JSON):
            return None
        if stored.masks == self._masks:
            return stored.memory
        _delete(self._folder, self._camera)
        return None

    def _forget(self) -> None:
        self._watch = PictureWatch()
        self._good.clear()
        _delete(self._folder, self._camera)
        self._send_report()


def accept(spool: Path, camera: str) -> None:
    """Ask the gateway of the spool to learn the camera's picture again. Raises RefusedError where the folder
    cannot be written.
    """
    request = _path(spool / FOLDER, camera, "accept")
    try:
        request.parent.mkdir(mode=0o700, exist_ok=True)
        request.touch(mode=0o600)
    except OSError as error:
        raise RefusedError("camera", f"the gateway cannot be reached: {error.strerror}") from None


def stored_pictures(spool: Path, camera: str, keys: Sealer = UNSEALED) -> list[StoredPicture]:
    """Return the pictures before and after the last fault of a camera, without those whose key is destroyed.

    Raises RefusedError where one cannot be opened.
    """
    found = []
    for which in ("before", "after"):
        path = _path(spool / FOLDER, camera, which)
        try:
            with path.open("rb") as file:
                at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                image = keys.open(_purpose(camera, which), file.read())
                found.append(StoredPicture(which, image, at))
        except (FileNotFoundError, KeyDestroyedError):
            continue
        except (KeysError, SealError) as error:
            raise RefusedError("picture", str(error)) from None
    return found


def expire(spool: Path, before: float) -> int:
    """Delete pictures that were taken before a time, in seconds since 1970; return their number."""
    gone = 0
    for which in ("before", "after"):
        for path in (spool / FOLDER).glob(f"*.{which}"):
            with contextlib.suppress(FileNotFoundError):  # gateway and retention job both delete
                if path.stat().st_mtime < before:
                    path.unlink()
                    gone += 1
    return gone


def _delete(folder: Path, camera: str) -> None:
    for suffix in ("before", "after", "memory"):
        _path(folder, camera, suffix).unlink(missing_ok=True)


def _purpose(camera: str, which: Which) -> str:
    return f"picture {which} a fault of {camera}"


def _small_jpeg(pixels: Pixels) -> bytes:
    scale = min(1.0, WIDEST / pixels.shape[1])
    small = (
        cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    )
    done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise ValueError("a picture that cannot be written as JPEG")
    return data.tobytes()


def _path(folder: Path, camera: str, suffix: str) -> Path:
    """Return the path of a file of a camera; hashed, because its name may hold characters that a file's name
    may not.
    """
    return folder / f"{hashlib.sha256(camera.encode()).hexdigest()[:32]}.{suffix}"
