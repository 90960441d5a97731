"""MQTT 5: a notice is delivered when the broker has acknowledged it (QoS 1) and a subscriber gets it.

MQTT 3 acknowledges a message that the broker's rules then discard; version 5 says why it was not accepted.
"""

import queue
from datetime import timedelta
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from platestream.notifications.channels.connection import Target, target
from platestream.notifications.senders import Rejected, Send, Unreachable, json_of
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, Receiver, span

ANSWER_SECONDS = 10.0
KEEP_ALIVE = 30  # seconds
NO_SUBSCRIBER = 16  # accepted by the broker, and sent to nobody
LASTING = frozenset(
    {135, 144, 149, 153}
)  # not authorized, topic, too large, format: as they will be next time


def open_sender(one: Receiver, rules: NotifyRules) -> Send:
    """Return the sender of a receiver. Raises RefusedError."""
    return Mqtt(target(one, (8883, 1883)), span(rules.oldest))


class Mqtt:
    """Sender of JSON to a topic over one connection, which is made again after a failure.

    The broker discards a message that nobody fetched within `expiry`. The delivery's id is the correlation
    data, so that a subscriber accepts each once.
    """

    def __init__(self, target: Target, expiry: timedelta) -> None:
        self._target, self._expiry = target, int(expiry.total_seconds())
        self._client: Client | None = None
        self._answers: queue.SimpleQueue[ReasonCode | None] = queue.SimpleQueue()

    def __call__(self, notice: Notice) -> None:
        try:
            if self._client is None or not self._client.is_connected():
                self._connect()
            self._publish(notice)
        except Exception:
            self._close()  # with whatever it would send by itself later
            raise

    def _connect(self) -> None:
        self._close()
        answers: queue.SimpleQueue[ReasonCode | None] = queue.SimpleQueue()
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5,
                        reconnect_on_failure=False)  # fmt: skip
        if self._target.user:
            client.username_pw_set(self._target.user, self._target.password)
        if self._target.tls is not None:
            client.tls_set_context(self._target.tls)
        client.on_connect = lambda _client, _data, _flags, code, _more: answers.put(code)
        client.on_publish = lambda _client, _data, _number, code, _more: answers.put(code)
        client.on_disconnect = lambda _client, _data, flags, code, _more: answers.put(
            code if flags.is_disconnect_packet_from_server else None
        )
        self._client, self._answers = client, answers
        try:
            client.connect(self._target.host, self._target.port, KEEP_ALIVE)
        except OSError:
            raise Unreachable("connection") from None
        client.loop_start()
        code = self._answer()
        if code.is_failure:
            raise Unreachable(f"mqtt_{code.value}")

    def _publish(self, notice: Notice) -> None:
        assert self._client is not None
        about: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        about.ContentType = "application/json"
        about.CorrelationData = str(notice.delivery_id).encode()
        about.MessageExpiryInterval = self._expiry
        self._client.publish(  # one at a time, so that the next answer is its own
            self._target.path, json_of(notice), qos=1, retain=False, properties=about
        )
        code = self._answer()
        if code.value == NO_SUBSCRIBER or code.is_failure:
            raise (Rejected if code.value in LASTING else Unreachable)(f"mqtt_{code.value}")

    def _answer(self) -> ReasonCode:
        try:
            code = self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise Unreachable("timeout") from None
        if code is None:
            raise Unreachable("connection")
        return code

    def _close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None
