"""Keys by which agencies know each other: our own private ones, for their owner alone, and public ones.

A public key is written as the one line of its PEM: base64 of the DER that RFC 8410 gives an Ed25519 key, so
that `openssl pkey` reads and makes it, too. Its fingerprint, SHA-256 of the 32 bytes of the key, is what two
people compare by telephone, and what signatures name it by.
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

from connectors.private_file import PrivateFile
from schemas.fields import Instant

MOST = 2
"""Keys at once: one, and another while they are exchanged."""
_PEM = "PUBLIC KEY-----"


class WrongKey(ValueError):  # noqa: N818
    """Not a public key of the kind that is used."""


class OwnKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private key (32 bytes, base64), when it was made, and whether it is the one that signs."""

    private: str
    made_at: Instant
    signs: bool

    @property
    def key(self) -> Ed25519PrivateKey:
        """To sign with."""
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.private))

    @property
    def public(self) -> str:
        """As it is given to others."""
        return public_text(self.key.public_key())

    @property
    def fingerprint(self) -> str:
        """64 hex digits."""
        return fingerprint(self.key.public_key())


class OwnKeys:
    """The file at `path`. Each method raises PrivateFileError for a file that is damaged, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, OwnKey, "keys of this agency")

    def all(self) -> list[OwnKey]:
        """The oldest first."""
        return sorted(self._file.read().values(), key=lambda one: one.made_at)

    def signing(self) -> OwnKey | None:
        """The one that signs now; None where none was made."""
        return next((one for one in self.all() if one.signs), None)

    def make(self, now: datetime, act: Callable[[OwnKey], object] = lambda _made: None) -> OwnKey:
        """A new one. The first one signs; a second waits until it is put to use.

        `act` is done with it before it is stored, and where that raises nothing is.
        """
        raw = Ed25519PrivateKey.generate().private_bytes_raw()
        with self._file.writing() as kept:
            made = OwnKey(base64.b64encode(raw).decode(), now, not any(one.signs for one in kept.values()))
            act(made)
            kept[made.fingerprint] = made
        return made

    def use(self, which: str) -> None:
        """This one signs from now on, and no other."""
        with self._file.writing() as kept:
            for name, one in kept.items():
                kept[name] = msgspec.structs.replace(one, signs=name == which)

    def end(self, which: str) -> None:
        """Take one away."""
        with self._file.writing() as kept:
            kept.pop(which, None)


def public_text(key: Ed25519PublicKey) -> str:
    """A public key in one line."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def read_public(text: str) -> Ed25519PublicKey:
    """The key of a line, or of a whole PEM. Raises WrongKey."""
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
    """64 hex digits."""
    return sha256(key.public_bytes_raw()).hexdigest()


def spoken(which: str) -> str:
    """A fingerprint in groups of four, to be read aloud.

    >>> spoken("0123456789abcdef")
    '0123 4567 89ab cdef'
    """
    return " ".join(which[start : start + 4] for start in range(0, len(which), 4))
