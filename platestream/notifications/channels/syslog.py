"""Syslog over TLS, TCP or UDP (RFC 5425, 6587, 5426), to a SIEM.

Syslog has no acknowledgment. Over TLS and TCP each batch therefore goes over a connection of its own, which
the sender ends first: the server closes its side after it has read everything. By UDP, a message counts as
delivered when it was sent.
"""

import contextlib
import socket
import ssl

from platestream.notifications.channels.connection import Target, target
from platestream.notifications.senders import Letter, Send, Unreachable
from platestream.operators.notify.cef import frame
from platestream.operators.notify.rules import NotifyRules, Receiver

SECONDS = 10.0
REFUSAL_SECONDS = 0.3  # within which a server refuses a certificate; measured with rsyslog: 1 to 8 ms


def open_sender(one: Receiver, _rules: NotifyRules) -> Send:
    """Return the sender of a receiver. Raises RefusedError."""
    return Syslog(target(one, (6514, 514)))


class Syslog:
    """Sender of the messages that are the lines of a letter's body."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, letter: Letter) -> None:
        messages = letter.body.decode().splitlines()
        try:
            if self._target.scheme == "syslog+udp":
                self._send(messages)
            else:
                self._stream(b"".join(map(frame, messages)))
        except TimeoutError:
            raise Unreachable("timeout") from None
        except OSError:  # of TLS, too
            raise Unreachable("connection") from None

    def _send(self, messages: list[str]) -> None:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            self._target.host, self._target.port, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind, protocol) as sender:
            sender.connect(address)
            for message in messages:
                sender.send(message.encode())

    def _stream(self, data: bytes) -> None:
        with socket.create_connection((self._target.host, self._target.port), SECONDS) as plain:
            if self._target.tls is None:
                plain.sendall(data)
                _end(plain)
                return
            with self._target.tls.wrap_socket(plain, server_hostname=self._target.host) as secured:
                secured.sendall(data)
                _stays_open(secured)
                with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    secured.unwrap()  # many servers end without a close_notify of their own


def _stays_open(stream: ssl.SSLSocket) -> None:
    """Raise Unreachable if the server ends first: it refuses our certificate after the handshake."""
    stream.settimeout(REFUSAL_SECONDS)
    with contextlib.suppress(TimeoutError):
        stream.recv(1)
        raise Unreachable("connection")
    stream.settimeout(SECONDS)


def _end(stream: socket.socket) -> None:
    """End our side, and wait until the server has read it all and ends its own."""
    stream.shutdown(socket.SHUT_WR)
    while stream.recv(4096):
        pass
