"""Subscription to topics of an MQTT broker (MQTT 5, QoS 1, with a session that outlives the connection).

A message is acknowledged after it was handled. The broker sends it again otherwise, also after a crash of
this program, and keeps what comes while it does not run.
"""

import select
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from platestream.cameras.capture import CameraError

PORTS = {"mqtts": 8883, "mqtt": 1883}
KEEP_ALIVE = 30
"""Seconds after which a silent connection is checked; the broker ends it after one and a half times that."""
SESSION_SECONDS = 86_400
"""Time for which the broker keeps messages of a client that is away."""
UNACKNOWLEDGED = 20
"""Most messages that the broker sends before the first of them is acknowledged."""
SECONDS = 10.0
POLL_SECONDS = 0.5
REFUSED = frozenset({132, 133, 134, 135, 138, 140})
"""Codes by which a broker refuses a sign-in."""
TAKEN_OVER = 142
"""Code by which a broker ends a connection because another client connected with its name. Mosquitto 2.0.11
sends none.
"""


class EndedError(CameraError):
    """The broker ended a connection; `taken_over`: because another client has connected with its name."""

    def __init__(self, message: str, *, taken_over: bool) -> None:
        super().__init__(message)
        self.taken_over = taken_over


@dataclass(frozen=True)
class Broker:
    """Address of a broker and sign-in. `topic` is the path of the address, without a slash around it."""

    host: str
    port: int
    topic: str
    credentials: str = ""
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(
        cls,
        url: str,
        credentials: str,
        ca: Path | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> "Broker":
        """Return the broker of an address such as `mqtts://host:8883/topic`. Raises CameraError."""
        parts = urlsplit(url)
        try:
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError):
            raise CameraError("`url` is no address such as mqtts://host:8883/topic") from None
        made = _context(ca, certificate, key) if parts.scheme == "mqtts" else None
        return cls(parts.hostname or "", port, unquote(parts.path).strip("/"), credentials, made)

    def client(self, name: str, **more: Any) -> Client:
        """Return a client of this name that is not connected."""
        client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5,
                        reconnect_on_failure=False, **more)  # fmt: skip
        user, colon, password = self.credentials.partition(":")
        if colon:
            client.username_pw_set(user, password)
        if self.tls is not None:
            client.tls_set_context(self.tls)
        client.connect_timeout = SECONDS
        return client

    def connect(self, client: Client, session: int) -> None:
        """Connect; the broker keeps the session for so many seconds. Raises CameraError."""
        about: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        about.SessionExpiryInterval = session
        about.ReceiveMaximum = UNACKNOWLEDGED
        try:
            client.connect(self.host, self.port, KEEP_ALIVE, clean_start=session == 0, properties=about)
        except ssl.SSLCertVerificationError:
            raise CameraError(f"the certificate of the broker {self.host} is not of the `ca`") from None
        except ssl.SSLError:
            raise CameraError(f"TLS fails with the broker {self.host}") from None
        except TimeoutError:
            raise CameraError(f"the broker {self.host} does not answer on port {self.port}") from None
        except OSError as error:
            why = (error.strerror or "no connection").lower()
            raise CameraError(
                f"the broker {self.host} cannot be reached on port {self.port}: {why}"
            ) from None


@dataclass(frozen=True)
class Received:
    """A message; `acknowledge` tells the broker that it was handled."""

    topic: str
    body: bytes
    acknowledge: Callable[[], None]


def messages(
    broker: Broker, name: str, topics: Sequence[str], stop: Callable[[], bool]
) -> Iterator[Received | None]:
    """Yield the messages of topics for the client `name`, and None twice a second while there are none.

    Raises CameraError where the broker is unreachable, refuses, or ends the connection (EndedError).
    """
    client = broker.client(name, manual_ack=True)
    inbox: deque[Received] = deque()
    faults: deque[CameraError] = deque()

    def connected(_client: Client, _data: Any, _flags: Any, code: ReasonCode, _more: Any) -> None:
        if code.is_failure:
            refused = "refuses the sign-in" if code.value in REFUSED else "refuses the connection"
            faults.append(CameraError(f"the broker {broker.host} {refused} (code {code.value})"))
        else:
            client.subscribe([(topic, 1) for topic in topics])

    def subscribed(_client: Client, _data: Any, _number: int, codes: list[ReasonCode], _more: Any) -> None:
        forbidden = [topic for topic, code in zip(topics, codes, strict=False) if code.is_failure]
        faults.extend(CameraError(f"the broker {broker.host} forbids the topic {one}") for one in forbidden)

    def received(_client: Client, _data: Any, message: MQTTMessage) -> None:
        number, quality = message.mid, message.qos
        inbox.append(
            Received(message.topic, bytes(message.payload), lambda: _acknowledge(client, number, quality))
        )

    def ended(_client: Client, _data: Any, flags: Any, code: ReasonCode, _more: Any) -> None:
        by_broker = f" (code {code.value})" if flags.is_disconnect_packet_from_server else ""
        fault = f"the broker {broker.host} ended the connection{by_broker}"
        faults.append(EndedError(fault, taken_over=code.value == TAKEN_OVER))

    client.on_connect, client.on_subscribe = connected, subscribed
    client.on_message, client.on_disconnect = received, ended
    broker.connect(client, SESSION_SECONDS)
    try:
        while not stop():
            if faults:
                raise faults[0]
            turn(client)
            if not inbox:
                yield None
            while inbox and not faults:
                yield inbox.popleft()
    finally:
        client.on_disconnect = None
        if client.is_connected():
            client.disconnect()


def turn(client: Client) -> None:
    """Wait for the broker for half a second at most, and read and write what there is. Raises CameraError."""
    line: Any = client.socket()
    if line is None:
        raise CameraError("the connection to the broker ended")
    pending = line.pending() if isinstance(line, ssl.SSLSocket) else 0
    if not pending:
        waiting = select.poll()  # select.select takes no descriptors above 1023
        waiting.register(line, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        waiting.poll(1000 * POLL_SECONDS)
    client.loop_read()
    if client.want_write():
        client.loop_write()
    client.loop_misc()


def _acknowledge(client: Client, number: int, quality: int) -> None:
    if quality:
        client.ack(number, quality)


def _context(ca: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError):
        raise CameraError("`ca`, `certificate` or `key` cannot be used: PEM files are needed") from None
    return context
