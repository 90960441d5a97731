"""Keys that identify agencies to each other: our own private keys, and public ones.

A public key is written as the one line of its PEM: base64 of the DER of an Ed25519 key (RFC 8410), which
`openssl pkey` can read and make. Its fingerprint, SHA-256 of the 32 bytes of the key, is compared by two
people by telephone, and identifies the key in signatures.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant

MOST = 2
"""Limit of keys: one, and another during an exchange of keys."""
_PEM = "PUBLIC KEY-----"


class WrongKey(ValueError):  # noqa: N818
    """A text that is no public key of the required type."""


class OwnKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private key (32 bytes, base64), its creation time, and whether it is the signing key."""

    private: str
    made_at: Instant
    signs: bool

    @property
    def key(self) -> Ed25519PrivateKey:
        """The key object for signing."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.private))

    @property
    def public(self) -> str:
        """The public key as one line, for other agencies."""
        return public_text(self.key.public_key())

    @property
    def fingerprint(self) -> str:
        """The fingerprint, 64 hex digits."""
        return fingerprint(self.key.public_key())


class OwnKeys:
    """The file at `path`. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, OwnKey, "keys of this agency")

    def all(self) -> list[OwnKey]:
        """Return all keys, the oldest first."""
        return sorted(self._file.read().values(), key=lambda one: one.made_at)

    def signing(self) -> OwnKey | None:
        """Return the current signing key, or None if there is none."""
        return next((one for one in self.all() if one.signs), None)

    def make(self, now: datetime, act: Callable[[OwnKey], object] = lambda _made: None) -> OwnKey:
        """Make a new key. The first one signs; a second waits until `use` is called.

        `act` is called with it before it is stored; if that raises, nothing is stored.
        """
        raw = Ed25519PrivateKey.generate().private_bytes_raw()
        with self._file.writing() as stored:
            made = OwnKey(base64.b64encode(raw).decode(), now, not any(one.signs for one in stored.values()))
            act(made)
            stored[made.fingerprint] = made
        return made

    def use(self, which: str) -> None:
        """Make this key the only signing key from now on."""
        with self._file.writing() as stored:
            for name, one in stored.items():
                stored[name] = msgspec.structs.replace(one, signs=name == which)

    def end(self, which: str) -> None:
        """Remove a key."""
        with self._file.writing() as stored:
            stored.pop(which, None)


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as one line."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """Return the key of a line or a whole PEM. Raises WrongKey."""
    inner = text.partition(_PEM)[2].partition("-----END")[0] if _PEM in text else text
    try:
        der = base64.b64decode("".join(inner.split()), validate=True)
        key = serialization.load_der_public_key(der)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise WrongKey("no public key: it is the line that `partners key` shows, or a PEM of it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise WrongKey("the key is not of Ed25519")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return the fingerprint of a key, 64 hex digits."""
    return sha256(key.public_bytes_raw()).hexdigest()


def grouped(which: str) -> str:
    """Return a fingerprint in groups of four, for reading aloud.

    >>> grouped("0123456789abcdef")
    '0123 4567 89ab cdef'
    """
    return " ".join(which[start : start + 4] for start in range(0, len(which), 4))
