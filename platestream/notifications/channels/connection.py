"""Host, account and encryption of a receiver's connection; delivery over streams without acknowledgment."""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from platestream.notifications.senders import Unreachable, read_secret
from platestream.operators.notify.channels import CHANNELS
from platestream.operators.notify.rules import Receiver
from platestream.schemas.message import RefusedError

SECONDS = 10.0
REFUSAL_SECONDS = 0.3  # within which a server refuses a certificate; measured with rsyslog: 1 to 8 ms


@dataclass(frozen=True)
class Target:
    """Address of a receiver. `path` has no slash before it; `tls` is None without encryption."""

    scheme: str
    host: str
    port: int
    path: str
    user: str
    password: str
    tls: ssl.SSLContext | None


def target(one: Receiver, default_ports: tuple[int, int]) -> Target:
    """Return the target of a receiver; `default_ports` are those with and without encryption.

    Raises RefusedError for an unusable file.
    """
    url = urlsplit(getattr(one, one.kind))
    encrypted = url.scheme == CHANNELS[one.kind].schemes[0]
    return Target(
        url.scheme,
        str(url.hostname),
        url.port or default_ports[0 if encrypted else 1],
        url.path.removeprefix("/"),
        one.user,
        read_secret(one.password_file) if one.password_file else "",
        _context(one) if encrypted else None,
    )


def _context(one: Receiver) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=one.ca_file or None)
        if one.cert_file:
            context.load_cert_chain(one.cert_file, one.key_file or None)
    except (OSError, ssl.SSLError):  # its text may contain a path inside a bundle, but never a name of ours
        raise RefusedError(
            "rules", f"receiver {one.name}: `ca_file`, `cert_file`, `key_file`: unusable"
        ) from None
    return context


def deliver(to: Target, data: bytes) -> None:
    """Send `data` over a connection of its own, and return when the server, too, has ended it.

    We end first; the server ends its side after it has read everything. Raises Unreachable.
    """
    try:
        with socket.create_connection((to.host, to.port), SECONDS) as plain:
            if to.tls is None:
                plain.sendall(data)
                plain.shutdown(socket.SHUT_WR)
                while plain.recv(4096):
                    pass
                return
            with to.tls.wrap_socket(plain, server_hostname=to.host) as secured:
                secured.sendall(data)
                _stays_open(secured)
                try:
                    secured.unwrap()
                except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    pass  # many servers end without a close_notify of their own
                except ssl.SSLError as error:
                    if (
                        error.reason != "APPLICATION_DATA_AFTER_CLOSE_NOTIFY"
                    ):  # events of others, from a TAK server
                        raise
    except TimeoutError:
        raise Unreachable("timeout") from None
    except OSError:  # of TLS, too
        raise Unreachable("connection") from None


def _stays_open(stream: ssl.SSLSocket) -> None:
    """Raise Unreachable if the server ends first: it refuses our certificate after the handshake."""
    end = time.monotonic() + REFUSAL_SECONDS
    with contextlib.suppress(TimeoutError):
        while (left := end - time.monotonic()) > 0:
            stream.settimeout(left)
            if not stream.recv(4096):
                raise Unreachable("connection")
    stream.settimeout(SECONDS)
