"""Decoders of hot lists and of messages that list vehicles, as functions of bytes."""

import io
from itertools import count
from pathlib import Path
from typing import Any

from platestream.hotlist import bolos
from platestream.hotlist import http_server as bolo_server
from platestream.hotlist.entry import make_entry
from platestream.hotlist.files.lines import Parser, TextLines
from platestream.notifications import webhook_signature as signed
from platestream.schemas.hotlist import BOLO_SOURCE
from platestream.schemas.message import RefusedError
from tests.fuzz.decoders import AGENCY, KEY, NOW, ZONE, headers
from tests.fuzz.doors import Door
from tests.fuzz.watch import Decode


def hot_list(parser: Parser) -> Decode:
    """A file of a layout, and an entry of each of its lines."""

    def decode(data: bytes) -> None:
        for _number, result in parser(TextLines(io.BytesIO(data))):
            if not isinstance(result, RefusedError):
                _entered("ncic", result)

    return decode


def _entered(source: str, result: Any) -> None:
    try:
        make_entry(source, result, ZONE)
    except RefusedError:
        return


def bolo_file(layout: str) -> Decode:
    def decode(data: bytes) -> None:
        for _number, result in bolos.read_file(io.BytesIO(data), layout):
            if not isinstance(result, RefusedError):
                _take(AGENCY, result)

    return decode


def _receive(agency: str, _ident: str, body: bytes) -> bolos.BoloResult:
    """`bolos.receive` without a database."""
    return _take(agency, bolos.fields_of(body))


def _take(agency: str, result: Any) -> bolos.BoloResult:
    """The entry that would be made."""
    if not bolos.missing_fields(result):
        _entered(BOLO_SOURCE, dict(bolos._fields(result, agency, "the sheriff")))
    return bolos.BoloResult("bolo:1", "added")


def bolo_door() -> Door:
    return Door(bolo_server.application({AGENCY: KEY}, _receive, lambda _agency, _why: None, lambda: NOW))


def bolo_webhook(_folder: Path) -> Decode:
    return bolo_door()


def bolo_body(_folder: Path) -> Decode:
    """The same, where the body is signed as the agency does it."""
    door, numbers = bolo_door(), count()

    def decode(data: bytes) -> None:
        result = signed.headers(KEY, str(next(numbers)), NOW, data)
        lines = [f"{name}: {value}" for name, value in result.items()]
        start = f"POST /bolo/{AGENCY} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(data)}\r\n"
        door((start + "\r\n".join(lines) + "\r\n\r\n").encode() + data)

    return decode


def webhook_signature(data: bytes) -> None:
    """Headers, an empty line, a body."""
    head, _blank, body = data.partition(b"\n\n")
    result = {
        name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers(head).items()
    }
    signed.verify(KEY, result, body, NOW)
