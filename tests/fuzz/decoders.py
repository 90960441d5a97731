"""The product's decoders as functions of bytes: pictures, frames and records of topics."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.cameras.capture_times import camera_time
from platestream.operators.decode import Bounds, admit, decode_image
from platestream.schemas.message import Message
from platestream.schemas.topics import FRAMES, Topic
from tests.fuzz.watch import Decode

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
ZONE = ZoneInfo("America/Phoenix")
SMALL = Bounds(bytes=100_000, pixels=1_000_000)
"""So that a picture within bounds needs less memory than what counts as growth."""
KEY = b"k" * 32
SIGNER = Ed25519PrivateKey.from_private_bytes(KEY)
BETWEEN = b"\n--\n"
AGENCY = "apache-county-so"


def plain(decode: Decode) -> Callable[[Path], Decode]:
    """A decoder that needs no folder."""

    def opened(_folder: Path) -> Decode:
        return decode

    return opened


def of_file(name: str, read: Callable[[Path], object]) -> Callable[[Path], Decode]:
    """A decoder of a file of this name, for its owner alone."""

    def opened(folder: Path) -> Decode:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        (folder / "secret").write_text("camera:secret")
        (folder / "secret").chmod(0o600)

        def decode(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        return decode

    return opened


def picture(data: bytes) -> None:
    decode_image(data, SMALL)


def taken_at(data: bytes) -> None:
    """Headers, an empty line, a picture."""
    head, _blank, image = data.partition(b"\n\n")
    camera_time(image, headers(head), ZONE)


def headers(head: bytes) -> dict[str, str]:
    """As a broker hands them over: bytes of any kind."""
    more = (line.partition(b":") for line in head.split(b"\n"))
    return {
        name.decode("latin-1").strip(): value.strip().decode(errors="replace") for name, _colon, value in more
    }


def frame(data: bytes) -> None:
    """Headers, an empty line, a picture."""
    head, _blank, image = data.partition(b"\n\n")
    read = FRAMES.decode(Message(b"camera", image, headers(head)))
    admit(read, NOW, Bounds())
    FRAMES.encode(read)


def record(topic: Topic[Any]) -> Decode:
    """Key and value of a message, an empty line between them. What is decoded is encoded again."""

    def decode(data: bytes) -> None:
        key, _blank, value = data.partition(b"\n\n")
        topic.encode(topic.decode(Message(key, value)))

    return decode
