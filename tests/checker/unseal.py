"""The encrypted forms of a message and of a picture (platestream/keys), read by code of its own."""

import struct
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding


def unseal(keys: Path, topic: str, headers: dict[str, str], value: bytes | None) -> tuple[Any, Any]:
    """The value and all headers of a message; as they are where it is not encrypted."""
    if value is None or value[:4] != b"\xc1PSK":
        return value, headers
    cipher = AESGCM(_derived(_hourly(keys, value), topic.encode(), 64)[:32])
    shown, hidden = msgspec.msgpack.decode(cipher.decrypt(value[16:28], value[28:], value[:28]))
    return shown, {**headers, **hidden}


def unseal_picture(keys: Path, detection_id: str, kind: str, stored: bytes) -> bytes:
    """A picture; as it is where it is not encrypted. Raises if it does not open or differs from its head."""
    if stored[:4] != b"\xc1PSP":
        return stored
    own = _derived(_hourly(keys, stored), f"piece\n{detection_id} {kind}".encode(), 32)
    picture = AESGCM(_derived(own, b"piece", 64)[:32]).decrypt(stored[16:28], stored[60:], stored[:60])
    if sha256(picture).digest() != stored[28:60]:
        raise ValueError("the head has another hash than the picture")
    return picture


def _hourly(keys: Path, sealed: bytes) -> bytes:
    (hour,) = struct.unpack(">I", sealed[4:8])
    name = f"{datetime.fromtimestamp(3600 * hour, UTC):%Y-%m-%dT%H}.key"
    return aes_key_unwrap_with_padding((keys / "master.key").read_bytes(), (keys / name).read_bytes())


def _derived(key: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=info).derive(key)
