"""The encrypted form of a message (platestream/keys/envelope.py), read by code of its own."""

import struct
from datetime import UTC, datetime
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
    (hour,) = struct.unpack(">I", value[4:8])
    name = f"{datetime.fromtimestamp(3600 * hour, UTC):%Y-%m-%dT%H}.key"
    key = aes_key_unwrap_with_padding((keys / "master.key").read_bytes(), (keys / name).read_bytes())
    cipher = AESGCM(HKDF(SHA256(), 64, salt=None, info=topic.encode()).derive(key)[:32])
    shown, hidden = msgspec.msgpack.decode(cipher.decrypt(value[16:28], value[28:], value[:28]))
    return shown, {**headers, **hidden}
