"""Place of the vehicle that carries the gateway, from gpsd, which knows receivers by NMEA and others.

Each fix counts for a few seconds: without a new one the place is unknown, and what a camera sees then is not
stored, because its place decides what the rules allow.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from platestream.cameras.picture_places import Place, valid
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)

FRESH_SECONDS = 3.0
"""Age of a fix at most; at 50 m/s this is 150 m."""
SILENT_SECONDS = 10.0
AGAIN_SECONDS = 2.0
TWO_DIMENSIONS = 2
LONGEST = 65_536
"""Bytes of a line of gpsd at most."""
WATCH = b'?WATCH={"enable":true,"json":true};\n'


class _Report(msgspec.Struct, frozen=True):
    """A line of gpsd; a TPV has the place where `mode` is at least 2."""

    kind: str = msgspec.field(default="", name="class")
    mode: int = 0
    lat: float | None = None
    lon: float | None = None


class VehiclePlace:
    """The newest fix of gpsd at `address` (host, port). `run` is a thread of its own, until `stop`."""

    def __init__(
        self, address: tuple[str, int], stop: threading.Event, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._address, self._stop, self._seconds = address, stop, seconds
        self._fix: tuple[Place, float] | None = None
        self._fault = ""

    @property
    def now(self) -> Place:
        """The place now. Raises RefusedError without a fix of the last seconds."""
        found = self._fix
        if found is None or self._seconds() - found[1] > FRESH_SECONDS:
            raise RefusedError("place", self._fault or "the vehicle's receiver (gpsd) has no place now")
        return found[0]

    def run(self) -> None:
        """Follow gpsd, and connect again where it is not there or silent."""
        while not self._stop.is_set():
            try:
                with socket.create_connection(self._address, SILENT_SECONDS) as connection:
                    connection.settimeout(SILENT_SECONDS)
                    connection.sendall(WATCH)
                    for line in self._lines(connection):
                        self._take(line)
                self._fault = "gpsd ended the connection"
            except OSError as error:
                self._fault = f"gpsd is not to be reached: {error.strerror or 'no answer'}"
            self._stop.wait(AGAIN_SECONDS)

    def _lines(self, connection: socket.socket) -> Iterator[bytes]:
        rest = b""
        while not self._stop.is_set():
            received = connection.recv(4096)
            if not received:
                return
            *lines, rest = (rest + received).split(b"\n")
            yield from lines
            if len(rest) > LONGEST:
                log.warning("gpsd sent a line of more than %d bytes", LONGEST)
                return

    def _take(self, line: bytes) -> None:
        try:
            report = msgspec.json.decode(line, type=_Report)
        except NOT_JSON:
            log.warning("gpsd sent a line that cannot be read")
            return
        if report.kind != "TPV":
            return
        place = None
        if report.mode >= TWO_DIMENSIONS and report.lat is not None and report.lon is not None:
            place = valid(report.lat, report.lon)
        self._fault = ""
        self._fix = None if place is None else (place, self._seconds())
