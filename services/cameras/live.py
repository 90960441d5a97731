"""A camera's picture of now, for a person who looks at it: handed over while somebody asks, and gone after.

Asking is a file beside the gateway's spool, and the answer is another one: gateway and console, on one
machine, need no port and no secret for it. The gateway deletes both when nobody has asked for `ASKED_S`.
"""

import hashlib
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from schemas.message import RefusedError

FOLDER = "live"
ASKED_S = 10.0
"""How long one asking counts."""
BETWEEN_S = 0.2
"""Seconds between two pictures at least: a person sees no more, and writing them costs."""


class Picture(NamedTuple):
    """The newest one, as the camera sent it or as it is cut for the reader."""

    image: bytes
    at: datetime


class Live:
    """The gateway's side, for the spool in `folder`. For use by many threads, one for each camera."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._handed: dict[str, float] = {}
        self.clear()

    def offer(self, camera: str, image: Callable[[], bytes]) -> None:
        """A picture came: it is handed over where somebody asks. Nothing of the frame's own way depends on
        it, so a disk that takes none is not told here.
        """
        if time.monotonic() - self._handed.get(camera, float("-inf")) < BETWEEN_S:
            return
        asked, answer = _files(self._folder, camera)
        if not _fresh(asked):
            return
        self._handed[camera] = time.monotonic()
        making = answer.with_suffix(".making")
        try:
            making.touch(mode=0o600)
            making.write_bytes(image())
            making.replace(answer)
        except OSError:
            making.unlink(missing_ok=True)

    def forget(self) -> None:
        """What nobody asks for any more goes."""
        if self._folder.is_dir():
            for asked in self._folder.glob("*.asked"):
                if not _fresh(asked):
                    asked.with_suffix(".picture").unlink(missing_ok=True)
                    asked.unlink(missing_ok=True)

    def clear(self) -> None:
        """All of it goes."""
        shutil.rmtree(self._folder, ignore_errors=True)


def ask(folder: Path, camera: str) -> None:
    """Ask the gateway of the spool in `folder` for pictures. Raises RefusedError where it is not ours."""
    asked, _answer = _files(folder / FOLDER, camera)
    try:
        asked.parent.mkdir(mode=0o700, exist_ok=True)
        asked.touch(mode=0o600)
    except OSError as error:
        raise RefusedError("camera", f"the gateway cannot be asked for a picture: {error.strerror}") from None


def newest(folder: Path, camera: str) -> Picture | None:
    """The newest picture that the gateway handed over; None where none came."""
    _asked, answer = _files(folder / FOLDER, camera)
    try:
        with answer.open("rb") as file:
            at = datetime.fromtimestamp(answer.stat().st_mtime, UTC)
            return Picture(file.read(), at)
    except FileNotFoundError:
        return None


def _fresh(asked: Path) -> bool:
    try:
        return abs(time.time() - asked.stat().st_mtime) < ASKED_S
    except FileNotFoundError:
        return False


def _files(folder: Path, camera: str) -> tuple[Path, Path]:
    """The asking and the answer: a camera's name may hold what no file's name may."""
    name = hashlib.sha256(camera.encode()).hexdigest()[:32]
    return folder / f"{name}.asked", folder / f"{name}.picture"
