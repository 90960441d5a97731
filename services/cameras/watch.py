"""One thread for each camera that is watched: it opens the camera, and again after each failure."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from connectors.cameras.capture import CameraError, Capture
from connectors.cameras.check import sentence
from connectors.cameras.folder import pictures
from connectors.cameras.video import played, rtsp
from connectors.cameras.web import Asker
from schemas.message import RefusedError
from services.cameras.config import Camera, credentials
from services.cameras.intake import Intake
from services.cameras.state import CameraState

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Watcher:
    """Watches one camera until `stop` is set."""

    def __init__(
        self, camera: Camera, intake: Intake, state: CameraState, largest: int, stop: threading.Event
    ) -> None:
        self._camera, self._intake, self._state = camera, intake, state
        self._largest, self._stop = largest, stop

    def run(self) -> None:
        """Reconnects after 1, 2, 4 … 60 seconds, less or more by chance: cameras do not come all at once."""
        wait = FIRST_WAIT
        while not self._stop.is_set():
            try:
                for capture in self._captures():
                    wait = FIRST_WAIT
                    self._take(capture)
                if self._camera.kind == "video":
                    return
            except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._failed(sentence(error))
            except Exception as error:  # what one camera sends must not stop the others
                log.exception("camera %s", self._state.name)
                self._failed(f"a fault of the program: {type(error).__name__}")
            self._stop.wait(wait * random.uniform(0.8, 1.2))
            wait = min(2 * wait, LONGEST_WAIT)

    def _failed(self, fault: str) -> None:
        log.warning("camera %s: %s", self._state.name, fault)
        self._state.failed(fault)

    def _due(self) -> bool:
        return self._intake.due(time.monotonic())

    def _captures(self) -> Iterator[Capture]:
        camera, stopped, secret = self._camera, self._stop.is_set, credentials(self._camera)
        if camera.kind == "rtsp":
            return rtsp(camera.url, secret, camera.longest_silence, self._due, stopped)
        if camera.kind == "video":
            return played(_path(camera), camera.repeat, self._due, stopped)
        if camera.kind == "folder":
            return self._files()
        asker = Asker(camera.url, secret, camera.longest_silence, self._largest)
        if camera.kind == "snapshot":
            return asker.snapshots(1 / camera.rate, stopped, camera.zone)
        return (one for one in asker.mjpeg(stopped, camera.zone) if self._due())

    def _files(self) -> Iterator[Capture]:
        """Takes files itself: one is deleted when its frame is in the spool, or when it is none."""
        camera = self._camera
        for path, capture in pictures(_path(camera), self._largest, self._stop.is_set, camera.zone):
            if not self._take(capture):
                self._state.failed("the spool takes no frame: files stay in the folder")
                self._stop.wait(FIRST_WAIT)
                continue
            path.unlink(missing_ok=True)
        yield from ()

    def _take(self, capture: Capture) -> bool:
        """Whether the frame was dealt with: only a spool that is full leaves it."""
        try:
            self._intake.take(capture, time.monotonic())
        except RefusedError as error:
            return error.reason != "spool"
        return True


def _path(camera: Camera) -> Path:
    if camera.path is None:
        raise CameraError("the camera has no `path`")
    return camera.path
