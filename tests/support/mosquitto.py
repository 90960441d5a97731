"""Mosquitto, the MQTT broker of Debian, on this machine; and a subscriber to it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.conftest import skip_unless_ci
from tests.support.kafka_broker import free_port
from tests.support.waiting import port_open

USER, PASSWORD = "platestream", "correct horse"
_low: list[int] = []
"""Descriptors below 1024 that are kept for the clients: paho-mqtt waits by select(2), which takes no others,
and the embedded engine leaves more than a thousand open in the process of many tests.
"""


def keep_low_descriptors() -> None:
    """Take some of the lowest that are free; called when tests are collected, before any has run."""
    _low.extend(os.open(os.devnull, os.O_RDONLY) for _one in range(64 - len(_low)))


def free_low_descriptors() -> None:
    while _low:
        os.close(_low.pop())


keep_low_descriptors()


@dataclass
class Mosquitto:
    """A broker with three users: one may publish below `alpr/` and read what Frigate publishes, one may read
    all below `alpr/`, and one is Frigate.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    tls_port: int = field(default_factory=free_port)
    lines: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    def url(self, topic: str = "alpr/hits") -> str:
        return f"mqtt://127.0.0.1:{self.port}/{topic}"

    def start(self, *more: str) -> None:
        self.password_file.write_text(PASSWORD + "\n")
        passwords = self.folder / "passwords"
        for flag, user in (("-c", USER), ("", "desk"), ("", "frigate")):
            words = ["mosquitto_passwd", *([flag] if flag else []), "-b", str(passwords), user, PASSWORD]
            subprocess.run(words, check=True, capture_output=True, timeout=60)
        (self.folder / "rights").write_text(
            f"user {USER}\ntopic write alpr/hits\ntopic write alpr/nobody\ntopic write alpr/health/#\n"
            "topic read frigate/#\nuser desk\ntopic read alpr/#\nuser frigate\ntopic write frigate/#\n"
        )
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {self.folder / 'rights'}\nuser root\n" + "\n".join((*self.lines, *more)) + "\n"
        )
        command = ["mosquitto", "-c", str(self.folder / "mosquitto.conf")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        port_open(self.port, "Mosquitto")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    if shutil.which("mosquitto") is None:
        skip_unless_ci("Mosquitto is needed: apt-get install mosquitto")
    folder.mkdir()
    broker = Mosquitto(folder, lines=lines)
    broker.start()
    free_low_descriptors()
    try:
        yield broker
    finally:
        broker.stop()
        keep_low_descriptors()


@dataclass
class Subscriber:
    """A client that remembers what it gets; `wait` returns once it has so many messages."""

    messages: list[MQTTMessage] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int) -> list[MQTTMessage]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.messages) >= count, 60), "messages of the broker"
            return list(self.messages)


def delivery_of(message: MQTTMessage) -> str:
    """Return the id that a message has as its correlation data."""
    ident: bytes = getattr(message.properties, "CorrelationData", b"")
    return ident.decode()


@contextmanager
def subscriber(broker: Mosquitto, topic: str = "alpr/hits") -> Iterator[Subscriber]:
    made, ready = Subscriber(), threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set("desk", PASSWORD)

    def take(_client: Client, _data: Any, message: MQTTMessage) -> None:
        with made.changed:
            made.messages.append(message)
            made.changed.notify_all()

    client.on_subscribe = lambda *_told: ready.set()
    client.on_message = take
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe(topic, qos=1)
    assert ready.wait(60), "the broker's answer to a subscription"
    try:
        yield made
    finally:
        client.disconnect()
        client.loop_stop()
