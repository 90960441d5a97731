"""Encrypted form of a text of bytes: AES-256-GCM under a key that is derived from the key of one hour.

    4 bytes   MAGIC, with which neither JSON, MessagePack nor a picture begins
    4 bytes   the hour, in hours since 1970, big-endian
    8 bytes   begin of the key's fingerprint
    12 bytes  nonce
    then      ciphertext and the tag of 16 bytes, which also covers all that stands before

The derived key depends on a purpose, such as the name of a topic, so a text is of use nowhere else. The nonce
is an HMAC of the plaintext: what is written again after a crash has the same bytes, by which a repetition is
known.
"""

import hmac
import struct
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"\xc1PSK"
KEY_BYTES = 32
_HEAD = struct.Struct(">4sI8s12s")


class SealError(ValueError):
    """An encrypted text that is damaged, or was encrypted for another purpose."""


def is_sealed(content: bytes) -> bool:
    """Return whether `content` is an encrypted text. What an older release wrote is none."""
    return content.startswith(MAGIC)


def fingerprint(key: bytes) -> str:
    """Return 64 hex digits by which a key can be named without showing it."""
    return sha256(b"platestream hourly key\n" + key).hexdigest()


def named_key(sealed: bytes) -> tuple[int, str]:
    """Return the hour and the begin of the fingerprint (16 hex digits) of the key that opens a text.

    Raises SealError.
    """
    if len(sealed) < _HEAD.size:
        raise SealError("an encrypted text is cut off")
    _magic, hour, named, _nonce = _HEAD.unpack_from(sealed)
    return hour, named.hex()


class HourKey:
    """The key of an hour since 1970, with the keys derived from it."""

    def __init__(self, hour: int, key: bytes) -> None:
        self.hour, self._key = hour, key
        self.fingerprint = fingerprint(key)
        self._derived: dict[str, tuple[AESGCM, bytes]] = {}

    def seal(self, purpose: str, content: bytes) -> bytes:
        """Return `content` encrypted."""
        cipher, nonces = self._of(purpose)
        nonce = hmac.digest(nonces, content, "sha256")[:12]
        head = _HEAD.pack(MAGIC, self.hour, bytes.fromhex(self.fingerprint[:16]), nonce)
        return head + cipher.encrypt(nonce, content, head)

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """Return the content of a text that `seal` made with this purpose. Raises SealError."""
        _magic, _hour, _named, nonce = _HEAD.unpack_from(sealed)
        cipher, _nonces = self._of(purpose)
        try:
            return cipher.decrypt(nonce, sealed[_HEAD.size :], sealed[: _HEAD.size])
        except InvalidTag:
            raise SealError(f"an encrypted text was altered, or is not of {purpose}") from None

    def piece_key(self, name: str) -> bytes:
        """Return the key of one piece (`platestream.keys.pieces`), 32 bytes."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"piece\n" + name.encode()).derive(self._key)

    def _of(self, purpose: str) -> tuple[AESGCM, bytes]:
        found = self._derived.get(purpose)
        if found is None:
            found = self._derived[purpose] = cipher_of(self._key, purpose)
        return found


def cipher_of(key: bytes, purpose: str) -> tuple[AESGCM, bytes]:
    """Return the cipher of a key for a purpose, and the key of its nonces."""
    both = HKDF(SHA256(), 2 * KEY_BYTES, salt=None, info=purpose.encode()).derive(key)
    return AESGCM(both[:KEY_BYTES]), both[KEY_BYTES:]
