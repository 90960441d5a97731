"""Health of the cameras by MQTT: a retained message for each camera, and one for the gateway.

The gateway's message lies at the topic itself, each camera's below it. A message says what changed, comes
again after `every` seconds, and expires after three times that; the broker reports a gateway that is gone.
It holds no plate and no picture.
"""

import logging
import random
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from paho.mqtt.client import Client
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from platestream.cameras.capture import CameraError
from platestream.cameras.sources.mqtt import Broker, turn
from platestream.cameras.state import CameraHealth, GatewayHealth

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
_SECONDS = re.compile(r" for \d+ s$")
"""Seconds of silence, which would change a message each second."""


class HealthPublisher:
    """Publisher of what `health` returns to a broker, until `stop` is set."""

    def __init__(
        self, broker: Broker, every: float, health: Callable[[], GatewayHealth], stop: threading.Event
    ) -> None:
        self._broker, self._every, self._health, self._stop = broker, every, health, stop
        self._sent: dict[str, tuple[bytes, float]] = {}

    def run(self) -> None:
        """Publish; connect again after 1, 2, 4 … 60 seconds."""
        wait = FIRST_WAIT
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._publish()
            except CameraError as error:
                log.warning("health of the cameras: %s", error)
            if time.monotonic() - began > LONGEST_WAIT:
                wait = FIRST_WAIT
            self._stop.wait(wait * random.uniform(0.8, 1.2))
            wait = min(2 * wait, LONGEST_WAIT)

    def _publish(self) -> None:
        refused: list[int] = []
        # A broker ends the connection of a client when another with its name connects.
        client = self._broker.client(f"platestream-health-{socket.gethostname()}-{self._broker.topic}")
        client.on_connect = lambda _client, _data, _flags, code, _more: refused.extend(
            [code.value] if code.is_failure else []
        )
        client.on_publish = lambda _client, _data, _number, code, _more: refused.extend(
            [code.value] if code.is_failure else []
        )
        client.will_set(self._broker.topic, msgspec.json.encode({"up": False}), qos=1, retain=True)
        self._broker.connect(client, 0)
        self._sent.clear()
        while not self._stop.is_set():
            turn(client)
            if refused:
                raise CameraError(f"the broker {self._broker.host} refuses it (code {refused[0]})")
            if client.is_connected():
                self._send(client)
        self._put(client, "", {"up": False})
        turn(client)
        client.disconnect()

    def _send(self, client: Client) -> None:
        found = self._health()
        state = {"up": True, "waiting": found.waiting, "sending": found.sending or "well"}
        self._put(client, "", state)
        for one in found.cameras:
            self._put(client, f"/{one.name}", _fields(one))

    def _put(self, client: Client, below: str, fields: dict[str, Any]) -> None:
        """Publish a message if it differs from the last one, or that is `every` seconds old."""
        body, now = msgspec.json.encode(fields), time.monotonic()
        before = self._sent.get(below)
        if before is not None and before[0] == body and now - before[1] < self._every:
            return
        about: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        about.ContentType = "application/json"
        about.MessageExpiryInterval = max(1, int(3 * self._every))
        client.publish(f"{self._broker.topic}{below}", body, qos=1, retain=True, properties=about)
        self._sent[below] = body, now


def _fields(one: CameraHealth) -> dict[str, Any]:
    """Return the published state of a camera, without counts and times, which change with each frame."""
    return {
        "camera": one.name,
        "up": one.up,
        "fault": _SECONDS.sub("", one.fault),
        "picture": one.picture,
        "picture_since": one.picture_since,
        "clock_behind": None if one.drift is None else round(one.drift),
    }
