"""Host, account and encryption of a receiver's connection, from the fields that all channels share."""

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from platestream.notifications.senders import read_secret
from platestream.operators.notify.channels import CHANNELS
from platestream.operators.notify.rules import Receiver
from platestream.schemas.message import RefusedError


@dataclass(frozen=True)
class Target:
    """Where a receiver listens. `path` has no slash before it; `tls` is None without encryption."""

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
