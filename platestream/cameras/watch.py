"""Watcher of one camera: a thread that opens the camera, and opens it again after each failure."""

import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from platestream.cameras.address_check import sentence
from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.config import Camera
from platestream.cameras.config_checks import credentials
from platestream.cameras.intake import Intake
from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.push import Format, Part, Push
from platestream.cameras.sources.events import NewReads, events, parsed
from platestream.cameras.sources.folder import pictures
from platestream.cameras.sources.frigate import FrigateCamera, batches
from platestream.cameras.sources.http import HttpCamera
from platestream.cameras.sources.mqtt import Broker, EndedError
from platestream.cameras.sources.onvif_events import PullPoint
from platestream.cameras.sources.onvif_metadata import documents
from platestream.cameras.sources.streams import PROTOCOLS, Stream
from platestream.cameras.sources.video import play_file
from platestream.cameras.state import CameraState
from platestream.operators.decode import Bounds, decode_image
from platestream.runtime.clock import utc_now
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
STANDBY_WAIT = 60.0
"""Time for which a gateway leaves an MQTT camera to another one. The broker keeps the messages of their one
session, so the other one may end meanwhile.
"""
ENDED_SOON = 2
"""Connections that a broker may end soon one after the other before another gateway is suspected."""
REPEATED_SECONDS = 10.0
"""Time for which a read that an ONVIF camera repeats is not taken again."""


class Watcher:
    """Watcher of one camera, until `stop` is set."""

    def __init__(
        self, camera: Camera, intake: Intake, state: CameraState, largest: int, stop: threading.Event
    ) -> None:
        self._camera, self._intake, self._state = camera, intake, state
        self._largest, self._stop = largest, stop

    def run(self) -> None:
        """Watch the camera; reconnect after 1, 2, 4 … 60 seconds, varied at random so that cameras do not
        return all at the same time.
        """
        wait, soon = FIRST_WAIT, 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                for capture in self._captures():
                    wait = FIRST_WAIT
                    self._take(capture)
                if self._camera.kind == "video":
                    return
            except EndedError as error:
                soon = soon + 1 if time.monotonic() - began < 2 * STANDBY_WAIT else 1
                self._ended(error, error.taken_over or soon > ENDED_SOON)
            except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
                self._failed(sentence(error))
            except Exception as error:  # a fault of one camera must not stop the others
                log.exception("camera %s", self._state.name)
                self._failed(f"a fault of the program: {type(error).__name__}")
            if time.monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            self._stop.wait(wait * random.uniform(0.8, 1.2))
            wait = min(2 * wait, LONGEST_WAIT)

    def _failed(self, fault: str) -> None:
        log.warning("camera %s: %s", self._state.name, fault)
        self._state.failed(fault)

    def _ended(self, error: EndedError, taken_over: bool) -> None:
        """Leave the camera to another gateway for a while if one took over its session at the broker."""
        if not taken_over:
            self._failed(sentence(error))
            return
        client = f"platestream-{self._state.name}"
        self._failed(f"{sentence(error)}; another gateway seems to have this camera, as {client}")
        self._stop.wait(STANDBY_WAIT)

    def _due(self, waited: float) -> bool:
        return self._intake.due(time.monotonic() - waited)

    def _captures(self) -> Iterator[Capture]:
        camera, stopped, secret = self._camera, self._stop.is_set, credentials(self._camera)
        if camera.kind == "video":
            return play_file(_path(camera), camera.repeat, self._due, stopped)
        if camera.kind == "folder":
            return self._files()
        if camera.kind == "mqtt":
            return self._messages(secret)
        if camera.kind == "onvif":
            return self._onvif(secret)
        if camera.format is not None:
            return self._events(FORMATS[camera.format], secret)
        silent, every = camera.longest_silence, 1 / camera.rate
        stream = Stream(camera.url, secret, every, silent, self._largest, self._due, stopped, camera.zone)
        return PROTOCOLS[camera.kind](stream)

    def _events(self, form: Format, secret: str) -> Iterator[Capture]:
        """Take the reads of an attached event stream; those that cannot be used become dead letters."""
        camera = self._camera
        client = HttpCamera(camera.url, secret, camera.longest_silence, self._largest)
        for event in events(client.parts(self._stop.is_set), form, camera.zone):
            if event is None:
                self._intake.alive(utc_now())
            elif isinstance(event, Push):
                yield from self._captures_of(event)
            else:
                self._refuse(*event)

    def _onvif(self, secret: str) -> Iterator[Capture]:
        """Take the reads among the events of an ONVIF camera, or in its metadata track."""
        camera, stopped = self._camera, self._stop.is_set
        bodies = (
            documents(camera.url, secret, self._largest, camera.longest_silence, stopped)
            if camera.url.startswith("rtsp")
            else PullPoint(camera.url, secret, self._largest).events(stopped)
        )
        new = NewReads(REPEATED_SECONDS)
        for body in bodies:
            if body is None:
                self._intake.alive(utc_now())
                continue
            for event in parsed([Part(data=body)], FORMATS["onvif"], camera.zone):
                if event is not None and not isinstance(event, Push):
                    self._refuse(*event)
                elif event is None or (event.reads and not (event := new.of(event)).reads):
                    self._intake.alive(utc_now())
                else:
                    yield from self._captures_of(event)

    def _messages(self, secret: str) -> Iterator[Capture]:
        """Take the reads of a camera of Frigate; a message is acknowledged when they are in the spool."""
        camera = self._camera
        broker = Broker.of(camera.url, secret, camera.ca, camera.certificate, camera.key)
        client = f"platestream-{self._state.name}"
        of = FrigateCamera(broker, client, camera.source, camera.pictures, self._largest, camera.zone)
        for batch in batches(of, self._stop.is_set):
            if batch.fault:
                self._failed(batch.fault)
            for event in batch.events:
                if event is None:
                    self._intake.alive(utc_now())
                elif not isinstance(event, Push):
                    self._refuse(*event)
                elif not all(self._take_or_wait(one) for one in self._captures_of(event)):
                    return
            batch.done()
        yield from ()

    def _take_or_wait(self, capture: Capture) -> bool:
        """Take a capture, again while the spool is full; return False where the gateway ends first."""
        while not self._take(capture):
            self._state.failed("the spool takes no frame: messages stay on the broker")
            if self._stop.wait(FIRST_WAIT):
                return False
        return True

    def _captures_of(self, push: Push) -> Iterator[Capture]:
        """Yield the capture of a push: its first picture that can be decoded, or none."""
        at = utc_now()
        for image in push.pictures:
            try:
                decode_image(image, Bounds(bytes=self._largest))
            except RefusedError as error:
                self._refuse(image, error)
            else:
                yield Capture(at, image, camera_time=push.at, reads=push.reads)
                return
        if push.reads:
            yield Capture(at, camera_time=push.at, reads=push.reads)

    def _refuse(self, body: bytes, error: RefusedError) -> None:
        with suppress(RefusedError):  # too many, or the spool is full: a stream cannot wait
            self._intake.refuse(body, error, utc_now(), time.monotonic())

    def _files(self) -> Iterator[Capture]:
        """Take files; each is deleted when its frame is in the spool, or when it is no picture."""
        camera = self._camera
        for path, capture in pictures(_path(camera), self._largest, self._stop.is_set, camera.zone):
            if not self._take(capture):
                self._state.failed("the spool takes no frame: files stay in the folder")
                self._stop.wait(FIRST_WAIT)
                continue
            path.unlink(missing_ok=True)
        yield from ()

    def _take(self, capture: Capture) -> bool:
        """Take a capture; return False where the spool is full, and True otherwise."""
        try:
            self._intake.take(capture, time.monotonic())
        except RefusedError as error:
            return error.reason != "spool"
        return True


def _path(camera: Camera) -> Path:
    if camera.path is None:
        raise CameraError("the camera has no `path`")
    return camera.path
