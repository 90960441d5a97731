"""Syslog over TLS, TCP or UDP (RFC 5425, 6587, 5426), to a SIEM.

Syslog has no acknowledgment. Over TLS and TCP each batch therefore goes over a connection of its own, which
the sender ends first: the server closes its side after it has read everything. By UDP, a message counts as
delivered when it was sent.
"""

import socket

from platestream.notifications.channels.connection import Target, deliver, target
from platestream.notifications.senders import Send, Unreachable
from platestream.operators.notify.cef import frame
from platestream.operators.notify.message import Notice
from platestream.operators.notify.rules import NotifyRules, Receiver


def open_sender(one: Receiver, _rules: NotifyRules) -> Send:
    """Return the sender of a receiver. Raises RefusedError."""
    return Syslog(target(one, (6514, 514)))


class Syslog:
    """Sender of the messages that are the lines of a notice's body."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, notice: Notice) -> None:
        messages = notice.body.decode().splitlines()
        if self._target.scheme == "syslog+udp":
            self._send(messages)
        else:
            deliver(self._target, b"".join(map(frame, messages)))

    def _send(self, messages: list[str]) -> None:
        try:
            family, kind, protocol, _name, address = socket.getaddrinfo(
                self._target.host, self._target.port, type=socket.SOCK_DGRAM
            )[0]
            with socket.socket(family, kind, protocol) as sender:
                sender.connect(address)
                for message in messages:
                    sender.send(message.encode())
        except OSError:
            raise Unreachable("connection") from None
