"""A camera's live picture, handed over while a person requests it and deleted afterwards.

A request is a file beside the gateway's spool, and the picture is another one: gateway and console, on one
machine, need no port and no secret for it but the hourly keys. The gateway deletes both when there was no
request for `REQUEST_SECONDS`.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from platestream.keys.envelope import SealError
from platestream.keys.key_folder import UNSEALED, KeyDestroyedError, Sealer
from platestream.keys.master import KeysError
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)

FOLDER = "live"
REQUEST_SECONDS = 10.0
"""Seconds for which one request counts."""
INTERVAL_SECONDS = 0.2
"""Least seconds between two pictures, because a person sees no more and writing them costs time."""


class Picture(NamedTuple):
    """The newest picture, as sent by the camera or cropped for the reader."""

    image: bytes
    at: datetime


class Live:
    """The gateway's side, for the spool in `folder`, encrypted by `keys`. For use by many threads, one for
    each camera.
    """

    def __init__(self, folder: Path, keys: Sealer = UNSEALED) -> None:
        self._folder, self._keys = folder / FOLDER, keys
        self._handed: dict[str, float] = {}
        self.clear()

    def offer(self, camera: str, image: Callable[[], bytes]) -> None:
        """Hand over a picture where somebody requests it. Reading the frame does not depend on this, so
        errors of the disk are ignored.
        """
        if time.monotonic() - self._handed.get(camera, float("-inf")) < INTERVAL_SECONDS:
            return
        request, answer = _files(self._folder, camera)
        if not _is_recent(request):
            return
        self._handed[camera] = time.monotonic()
        making = answer.with_suffix(".making")
        try:
            making.touch(mode=0o600)
            making.write_bytes(self._keys.seal(_purpose(camera), None, image()))
            making.replace(answer)
        except OSError:
            making.unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete the pictures that nobody requests any more."""
        if self._folder.is_dir():
            for request in self._folder.glob("*.asked"):
                if not _is_recent(request):
                    request.with_suffix(".picture").unlink(missing_ok=True)
                    request.unlink(missing_ok=True)

    def clear(self) -> None:
        """Delete all requests and pictures."""
        shutil.rmtree(self._folder, ignore_errors=True)


def ask(folder: Path, camera: str) -> None:
    """Request pictures from the gateway of the spool in `folder`. Raises RefusedError where the folder cannot
    be written.
    """
    request, _answer = _files(folder / FOLDER, camera)
    try:
        request.parent.mkdir(mode=0o700, exist_ok=True)
        request.touch(mode=0o600)
    except OSError as error:
        raise RefusedError("camera", f"the gateway cannot be asked for a picture: {error.strerror}") from None


def newest(folder: Path, camera: str, keys: Sealer = UNSEALED) -> Picture | None:
    """Return the newest picture that the gateway handed over; None where there is none, or it cannot be
    opened, which is logged.
    """
    _asked, answer = _files(folder / FOLDER, camera)
    try:
        with answer.open("rb") as file:
            at = datetime.fromtimestamp(answer.stat().st_mtime, UTC)
            return Picture(keys.open(_purpose(camera), file.read()), at)
    except FileNotFoundError:
        return None
    except (KeyDestroyedError, KeysError, SealError) as error:
        log.warning("the live picture of a camera cannot be shown: %s", error)
        return None


def uncropped(camera: str) -> str:
    """Return the name by which the complete picture of a camera is requested, masked and not cropped."""
    return f"{camera}\0complete"


def _purpose(camera: str) -> str:
    return f"live picture of {camera}"


def _is_recent(request: Path) -> bool:
    try:
        return abs(time.time() - request.stat().st_mtime) < REQUEST_SECONDS
    except FileNotFoundError:
        return False


@lru_cache(maxsize=1024)
def _files(folder: Path, camera: str) -> tuple[Path, Path]:
    """Return the paths of request and picture; hashed, because a camera's name may hold characters that a
    file's name may not.
    """
    name = hashlib.sha256(camera.encode()).hexdigest()[:32]
    return folder / f"{name}.asked", folder / f"{name}.picture"
