"""Encrypted form of a piece of a table: one picture, or one signed answer of another agency.

    4 bytes   MAGIC
    4 bytes   the hour, in hours since 1970, big-endian; 0 under the key of a hold
    8 bytes   begin of the fingerprint of the key of the hour, or of the hold
    12 bytes  nonce
    32 bytes  SHA-256 of the content
    then      ciphertext (AES-256-GCM) and the tag of 16 bytes, which also covers all that stands before

Each piece has a key of its own, derived from the key of its hour. So evidence can retain the keys of its
pictures (`platestream.keys.hold_keys`) when the hour's key is destroyed, and of nothing else. The hash in the
head names a held picture in the ledger without opening it.
"""

import hmac
import struct
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag

from platestream.keys.envelope import SealError, cipher_of
from platestream.keys.key_folder import Sealer

MAGIC = b"\xc1PSP"
HEAD = struct.Struct(">4sI8s12s32s")
_PURPOSE = "piece"


def is_piece(content: bytes) -> bool:
    """Return whether `content` is an encrypted piece. What an older release wrote is none."""
    return content.startswith(MAGIC)


def picture_name(detection_id: UUID | str, kind: str) -> str:
    """Return the name of the picture of a detection, of which its key depends."""
    return f"{detection_id} {kind}"


def answer_name(number: int) -> str:
    """Return the name of a signed answer of a hold, counted from 1."""
    return f"answer {number}"


def seal_picture(keys: Sealer, detection_id: UUID, kind: str, at: datetime, jpeg: bytes) -> bytes:
    """Return the encrypted picture of a detection that was captured `at`: the same bytes each time.

    Without keys it is returned unchanged. Raises KeysError.
    """
    hourly = keys.key_at(at)
    if hourly is None:
        return jpeg
    return seal_piece(
        hourly.piece_key(picture_name(detection_id, kind)), hourly.hour, hourly.fingerprint, jpeg
    )


def seal_piece(key: bytes, hour: int, fingerprint: str, content: bytes) -> bytes:
    """Return a piece encrypted under its own key; `hour` and `fingerprint` name the key above that."""
    cipher, nonces = cipher_of(key, _PURPOSE)
    nonce = hmac.digest(nonces, content, "sha256")[:12]
    head = HEAD.pack(MAGIC, hour, bytes.fromhex(fingerprint[:16]), nonce, sha256(content).digest())
    return head + cipher.encrypt(nonce, content, head)


def open_piece(key: bytes, stored: bytes) -> bytes:
    """Return the content of an encrypted piece. Raises SealError."""
    _hour, _named, _digest = parse_head(stored)
    head = stored[: HEAD.size]
    cipher, _nonces = cipher_of(key, _PURPOSE)
    try:
        return cipher.decrypt(HEAD.unpack(head)[3], stored[HEAD.size :], head)
    except InvalidTag:
        raise SealError("an encrypted piece was altered, or is another one") from None


def open_picture(keys: Sealer, detection_id: UUID, kind: str, stored: bytes) -> bytes:
    """Return the picture of a detection; one that is not encrypted is returned unchanged.

    Raises KeyDestroyedError, SealError, and KeysError if the key is not there.
    """
    return open_piece(picture_key(keys, detection_id, kind, stored), stored) if is_piece(stored) else stored


def picture_key(keys: Sealer, detection_id: UUID, kind: str, head: bytes) -> bytes:
    """Return the key of an encrypted picture, of which only the head is needed. Raises as `open_picture`."""
    hour, named, _digest = parse_head(head)
    return keys.key_named(hour, named).piece_key(picture_name(detection_id, kind))


def parse_head(stored: bytes) -> tuple[int, str, str]:
    """Return hour, begin of the fingerprint, and SHA-256 of the content, in hex. Raises SealError."""
    if len(stored) < HEAD.size or not is_piece(stored):
        raise SealError("an encrypted piece is cut off")
    _magic, hour, named, _nonce, digest = HEAD.unpack_from(stored)
    return hour, named.hex(), digest.hex()
