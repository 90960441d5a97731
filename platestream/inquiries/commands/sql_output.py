"""Results of `platestream sql`: as a table, CSV or JSON, with times in the agency's time zone.

A table names the zone in each time (`MST`, `EDT`); CSV and JSON have the offset (ISO 8601).
"""

import struct
import sys
from codecs import getincrementaldecoder
from collections.abc import Iterable
from datetime import datetime, tzinfo
from itertools import chain, islice
from typing import Any

import msgspec

from platestream.cli.output import err, out, table, write_json
from platestream.inquiries.sql.session import Rows
from platestream.schemas.csv_cells import csv_line
from platestream.schemas.escape_invisible import escape_invisible

MOST = 1000  # most rows of a table


def write(rows: Rows, written_as: str, zone: tzinfo) -> None:
    """Write all of `rows` to stdout as `table`, `csv` or `json`; as a table at most the first MOST."""
    {"table": _table, "csv": _csv, "json": _json}[written_as](rows, zone)


def write_pieces(pieces: Iterable[bytes]) -> None:
    """Write a result in a ClickHouse format: unchanged to a file or program, as text to a terminal."""
    if not sys.stdout.isatty():
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    decoder = getincrementaldecoder("utf-8")("backslashreplace")
    for piece in pieces:
        sys.stdout.write(escape_invisible(decoder.decode(piece), keep="\n\t"))
    sys.stdout.flush()


def _table(rows: Rows, zone: tzinfo) -> None:
    shown = table(*rows.columns)
    every = chain.from_iterable(rows.blocks)
    for row in islice(every, MOST):
        shown.add_row(*(_shown(value, zone) for value in row))
    out.print(shown)
    if next(every, None) is not None:
        err.print(f"the first {MOST} rows; --format csv returns all")
    else:
        err.print("1 row" if shown.row_count == 1 else f"{shown.row_count} rows")


def _csv(rows: Rows, zone: tzinfo) -> None:
    sys.stdout.write(csv_line(rows.columns))
    for row in chain.from_iterable(rows.blocks):
        sys.stdout.write(csv_line(_cell(_placed(value, zone)) for value in row))


def _json(rows: Rows, zone: tzinfo) -> None:
    for row in chain.from_iterable(rows.blocks):
        fields = {name: _placed(value, zone) for name, value in zip(rows.columns, row, strict=True)}
        write_json(msgspec.json.encode(fields, enc_hook=str).decode())


def _placed(value: Any, zone: tzinfo) -> Any:
    """Return the value with its times in `zone`."""
    if isinstance(value, datetime):
        return value.astimezone(zone) if value.tzinfo else value
    if isinstance(value, dict):
        return {str(key): _placed(one, zone) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_placed(one, zone) for one in value]
    if isinstance(value, float):
        return _short(value)
    return value.hex() if isinstance(value, bytes) else value


def _short(value: float) -> float:
    """Return the shortest Float32 text: 0.97 for 0.9700000286102295."""
    short = float(f"{value:.7g}")
    try:
        return short if struct.pack("f", short) == struct.pack("f", value) and _is_single(value) else value
    except OverflowError:
        return value


def _is_single(value: float) -> bool:
    return bool(struct.unpack("f", struct.pack("f", value))[0] == value)


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict | bool):
        return msgspec.json.encode(value, enc_hook=str).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def _shown(value: Any, zone: tzinfo) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime) and value.tzinfo:
        at = value.astimezone(zone)
        milliseconds = f".{at.microsecond // 1000:03}" if at.microsecond else ""
        return f"{at:%Y-%m-%d %H:%M:%S}{milliseconds} {at:%Z}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(one, zone)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(one, zone) for one in value) + "]"
    return value.hex() if isinstance(value, bytes) else str(_placed(value, zone))
