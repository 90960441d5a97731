"""Export of the sealed inquiry log to a file, and its verification with only a hash function.

A line is a seal as JSON: `seal`, `previous`, `hash` and `inquiry`. `hash` is SHA-256, in hex, of `previous`,
a line feed and the exact bytes of `inquiry` in the line. A published seal also has `salt`, with which the
entry of the published log can be computed (docs/explanation/proof.md). The last line names the last seal and
its hash. A person who can rewrite the whole file can also forge that line, so a truncated file is detected by
the head noted from an earlier export or memorandum, or by a published one.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import BinaryIO

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import run
from platestream.edges.inquiry_log import LOG, read_seals
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.inquiry import FIRST
from platestream.transparency_log import leaves
from platestream.transparency_log.log_integrity import KEPT, LATE

PAGE = 5000


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last seal of an export; `seals` counts the lines before it."""

    last_seal: int
    last_hash: str
    seals: int

    def __str__(self) -> str:
        return f"{self.last_seal}:{self.last_hash}"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A seal; the inquiry is the bytes that were hashed, and null where the database had none."""

    seal: int
    previous: str
    hash: str
    inquiry: msgspec.Raw
    salt: str = ""


class _When(msgspec.Struct):
    at: datetime


def write(client: Client, file: BinaryIO, log: str = LOG) -> Head:
    """Write all seals with their inquiries, one line each; return the head.

    `client` needs the auditor's role, and `log` an act of that person
    (`platestream.edges.inquiry_log.readable_log`).
    """
    head = Head(0, FIRST, 0)
    while page := run("exporting", partial(read_seals, client, head.last_seal + 1, PAGE, log)):
        salts = leaves.salts(client, page[0][0].seal, page[-1][0].seal)
        for seal, rows in page:
            inquiry = msgspec.Raw(rows[0].to_json() if rows else b"null")
            salt = salts.get(seal.seal, b"").hex()
            line = Line(seal.seal, seal.previous, seal.hash, inquiry, salt)
            file.write(msgspec.json.encode(line) + b"\n")
            head = Head(seal.seal, seal.hash, head.seals + 1)
    file.write(msgspec.json.encode(head) + b"\n")
    return head


def verify(
    lines: Iterable[bytes], now: datetime, expected: str = "", heads: list[Head] | None = None
) -> Iterator[str]:
    """Verify an export; yield each fault in a sentence with its line, and nothing when it is intact.

    `expected` is a head, `seal:hash`, noted earlier: the export must reach it and have that hash there. The
    head that was reached is appended to `heads`. Seals over 7 years old may be missing at the beginning.
    """
    head: Head | None = None
    last, last_hash, count, number = 0, FIRST, 0, 0
    expected_seal, _colon, wanted_hash = expected.partition(":")
    for number, text in enumerate(lines, 1):
        if head is not None:
            yield f"line {number}: behind the end of the export"
        item = _parse(text)
        if isinstance(item, Head):
            head = item
            continue
        if item is None:
            yield f"line {number}: not a seal"
            continue
        if item.seal != last + 1 and not (count == 0 and _expired(item, now)):
            yield f"line {number}: seal {last + 1} is missing or out of order (found {item.seal})"
        elif item.previous != last_hash and count:
            yield f"line {number}: seal {item.seal} does not follow from seal {last}"
        if bytes(item.inquiry) == b"null":
            yield f"line {number}: seal {item.seal}: its inquiry was gone from the log"
        elif item.hash != hashlib.sha256(item.previous.encode() + b"\n" + bytes(item.inquiry)).hexdigest():
            yield f"line {number}: seal {item.seal}: the inquiry is not what was sealed"
        last, last_hash, count = item.seal, item.hash, count + 1
        if str(last) == expected_seal and last_hash != wanted_hash:
            yield f"line {number}: seal {last} is not the one that was noted"
    reached = Head(last, last_hash, count)
    if head is None:
        yield f"line {number}: the export ends without its head: it is cut off"
    elif head != reached:
        yield f"line {number}: the head names seal {head.last_seal} of {head.seals}, found {last} of {count}"
    if expected_seal.isdecimal() and int(expected_seal) > last:
        yield (
            f"line {number}: ends at seal {last}, though seal {expected_seal} was noted: the tail is cut off"
        )
    if heads is not None:
        heads.append(reached)


def _parse(text: bytes) -> Line | Head | None:
    with suppress(*NOT_JSON):
        return msgspec.json.decode(text, type=Line)
    with suppress(*NOT_JSON):
        return msgspec.json.decode(text, type=Head)
    return None


def _expired(line: Line, now: datetime) -> bool:
    """Return whether the seals before this first line may have expired."""
    with suppress(*NOT_JSON):
        return msgspec.json.decode(line.inquiry, type=_When).at < now - KEPT + LATE
    return False
