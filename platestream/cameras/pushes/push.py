"""Body of a push as parts, and its content as a parser returns it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.multipart import parse_options_header

from platestream.cameras.picture_places import Place
from platestream.cameras.pushes import fields
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError

MOST_PARTS = 32
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF")


@dataclass(slots=True)
class Part:
    """One part of a body; `name` is its field or file name in lower case."""

    name: str = ""
    kind: str = ""
    data: bytearray | bytes = b""

    @property
    def is_picture(self) -> bool:
        """True for a picture, by its type or its first bytes."""
        return self.kind.startswith("image/") or bytes(self.data[:6]).startswith(PICTURES)


@dataclass(frozen=True, slots=True)
class Push:
    """One vehicle or picture of a push.

    `pictures` are those that came along, the one with the whole scene first. `at` is the device's time, and
    `place` where it was then, where it reports one.
    `fault` says what could not be used; the rest counts. `number` is the device's own number of the push.
    """

    reads: tuple[CameraRead, ...] = ()
    pictures: tuple[bytes, ...] = ()
    at: datetime | None = None
    fault: str = ""
    place: Place | None = None
    number: int | None = None


Parse = Callable[[Sequence[Part], tzinfo], list[Push]]
"""Parser of a body; `tzinfo` is the camera's time zone, for times without one.

An empty result is a heartbeat or another event. It raises RefusedError for a body of another format.
"""


@dataclass(frozen=True)
class Format:
    """A format: its name in the configuration, its title, its parser, and the answer to an accepted push."""

    name: str
    title: str
    parse: Parse
    answer: Mapping[str, Any] = field(default_factory=lambda: {"ok": True})


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a body: those of any multipart type, the fields of a form, or the body itself.

    Raises RefusedError.
    """
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(body.decode(), max_num_fields=MOST_PARTS)
        except ValueError as error:
            raise RefusedError("push", "a form that cannot be read") from error
        return [Part(name.lower(), "", text.encode()) for name, text in pairs]
    if not kind.startswith(b"multipart/"):
        return [Part("", kind.decode("latin-1"), body)]
    made = _Parts()
    try:
        parser = MultipartParser(options[b"boundary"], made.callbacks())
        parser.write(body)
        parser.finalize()
    except RefusedError:
        raise
    except Exception as error:  # the parser's own errors, and others on malformed forms
        raise RefusedError("push", "a multipart body that cannot be read") from error
    return made.parts


class _Parts:
    """Receiver of the multipart parser's callbacks."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._name, self._value = bytearray(), bytearray()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": self._data,
        }

    def _begin(self) -> None:
        if len(self.parts) >= MOST_PARTS:
            raise RefusedError("push", f"more than {MOST_PARTS} parts")
        self.parts.append(Part(data=bytearray()))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].data += data[start:end]

    def _header(self) -> None:
        name, value = bytes(self._name).lower(), bytes(self._value)
        self._name.clear()
        self._value.clear()
        first, options = parse_options_header(value)
        if name == b"content-type":
            self.parts[-1].kind = first.decode("latin-1")
        elif name == b"content-disposition":
            named = options.get(b"name") or options.get(b"filename") or b""
            self.parts[-1].name = named.decode("latin-1").lower()


def json_of(parts: Sequence[Part]) -> Mapping[str, Any]:
    """Return the object of the first text; empty where its JSON is none. Raises RefusedError."""
    return fields.table(fields.decode_json(texts_of(parts)[0]))


def with_read(push: Push, form: str, text: Any, **found: Any) -> Push:
    """Return the push with the read of its one plate, or with the fault where that cannot be used.

    `text` is the plate as the device gives it; where it has none the push stays without a read.
    """
    try:
        seen = fields.plate(text)
        if seen is None:
            return push
        return replace(push, reads=(fields.camera_read(format=form, plate=seen, device_at=push.at, **found),))
    except RefusedError as error:
        return replace(push, fault=error.detail)


def pictures_of(parts: Sequence[Part]) -> tuple[bytes, ...]:
    """Return the pictures among the parts, the largest first: it has the scene, others a part of it."""
    found = (bytes(part.data) for part in parts if part.is_picture and part.data)
    return tuple(sorted(found, key=len, reverse=True))


def texts_of(parts: Sequence[Part]) -> list[bytes]:
    """Return the parts that are no pictures and not empty, in order. Raises RefusedError if there is none."""
    found = [bytes(part.data) for part in parts if not part.is_picture and part.data.strip()]
    if not found:
        raise RefusedError("push", "a push without a document")
    return found
