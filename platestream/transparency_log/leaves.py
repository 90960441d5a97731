"""Entries of the published log: SHA-256 of a salt and a sealed inquiry, 32 bytes.

The input of the hash is the salt's 32 bytes and then the inquiry as JSON, exactly as in an export. Without
both, an entry reveals nothing and cannot be guessed, even if there are few possible inquiries: the salt is
random, one for each seal, and on the disk before its entry is published. An inquiry that is missing or
altered at that time has the entry of `null`: nothing is certified about it.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run
from platestream.edges.inquiry_log import LOG, Seal, read_seals
from platestream.schemas.inquiry import Inquiry, seal_hash

PAGE = 5000
SALT = 32
GONE = b"null"

# The time is compared, too: after a restore another inquiry may have the number of one that was lost.
_SALTS = """
SELECT seal, groupUniqArray(salt) FROM (
    SELECT seal, at, salt FROM platestream.inquiry_salts
    WHERE seal BETWEEN {first:UInt64} AND {last:UInt64}
) AS salts INNER JOIN (
    SELECT seal, at FROM platestream.inquiry_seals WHERE seal BETWEEN {first:UInt64} AND {last:UInt64}
) AS seals USING (seal, at)
GROUP BY seal
"""
_ENDS = """
SELECT count(), min(seal), max(seal), min(at) FROM platestream.inquiry_seals
"""
_LINK = "SELECT previous, hash FROM platestream.inquiry_seals WHERE seal = {seal:UInt64}"
_FIND = """
SELECT seal FROM platestream.inquiry_seals WHERE inquiry_id = {inquiry:UUID} ORDER BY seal
"""


class LeavesError(ValueError):
    """Seals or salts from which no entry can be made; the message names the seal."""


class Leaf(NamedTuple):
    """An entry of the log with its seal. `content` is the text that was hashed after the salt.

    `whole` is False if the inquiry is missing or differs from the sealed one.
    """

    seal: int
    hash: str
    previous: str
    salt: bytes
    content: bytes
    whole: bool

    @property
    def entry(self) -> bytes:
        """The entry as in the log."""
        return commitment(self.salt, self.content)


@dataclass(frozen=True)
class SealRange:
    """The range of the seals; `since` is the time of the oldest inquiry."""

    count: int
    first: int
    last: int
    since: datetime


def commitment(salt: bytes, content: bytes) -> bytes:
    """Return the hash of salt and content, 32 bytes."""
    return sha256(salt + content).digest()


def seal_range(client: Client) -> SealRange:
    """Return the range of the seals. Raises DatabaseError."""
    ((count, first, last, since),) = read_rows(client, "reading the seals", _ENDS)
    return SealRange(count, first, last, since.replace(tzinfo=UTC) if since.tzinfo is None else since)


def link(client: Client, seal: int) -> tuple[str, str] | None:
    """Return the hash before a seal's and its own, or None if it does not exist. Raises DatabaseError."""
    rows = read_rows(client, "reading a seal", _LINK, seal=seal)
    return (rows[0][0], rows[0][1]) if rows else None


def salts(client: Client, first: int, last: int) -> dict[int, bytes]:
    """Return the salts of published seals, by seal. Raises LeavesError and DatabaseError."""
    rows = read_rows(client, "reading salts", _SALTS, first=first, last=last)
    for seal, found in rows:
        if len(found) != 1 or len(found[0]) != 2 * SALT:
            raise LeavesError(f"seal {seal} has {len(found)} salts: two processes published at once")
    return {seal: bytes.fromhex(found[0]) for seal, found in rows}


def seals_of(client: Client, inquiry: str) -> list[int]:
    """Return the seal numbers of an inquiry: one, unless its id was reused. Raises DatabaseError."""
    return [seal for seal, *_rest in read_rows(client, "looking for a seal", _FIND, inquiry=inquiry)]


def read(client: Client, first: int, count: int = PAGE, log: str = LOG) -> list[Leaf]:
    """Return at most `count` leaves from seal `first`, without a gap.

    Needs the sealer's role, or the auditor's with a `log` that an act opens. Raises LeavesError for a gap or
    a seal without a salt, and DatabaseError.
    """
    return _leaves(client, run("reading seals", partial(read_seals, client, first, count, log)), first)


def salted(client: Client, first: int) -> list[Leaf]:
    """Return leaves as `read` does; seals without a salt get one first. Needs the sealer's role."""
    found = run("reading seals", partial(read_seals, client, first, PAGE))
    if found:
        there = salts(client, found[0][0].seal, found[-1][0].seal)
        missing = [seal for seal, _rows in found if seal.seal not in there]
        if missing:
            _make(client, missing)
    return _leaves(client, found, first)


def between(client: Client, first: int, last: int, log: str = LOG) -> Iterator[Leaf]:
    """Yield leaves as `read` does, up to the seal `last`."""
    while first <= last and (page := read(client, first, min(PAGE, last - first + 1), log)):
        yield from page
        first = page[-1].seal + 1


def _leaves(client: Client, found: Sequence[tuple[Seal, list[Inquiry]]], first: int) -> list[Leaf]:
    known = salts(client, found[0][0].seal, found[-1][0].seal) if found else {}
    leaves = []
    for number, (seal, rows) in enumerate(found, first):
        if seal.seal != number:
            raise LeavesError(f"seal {number} is not in the database (seal {seal.seal} follows)")
        if seal.seal not in known:
            raise LeavesError(f"seal {number} has no salt: it was never published")
        inquiry = rows[0] if rows and seal_hash(seal.previous, rows[0]) == seal.hash else None
        content = GONE if inquiry is None else inquiry.to_json()
        leaves.append(
            Leaf(seal.seal, seal.hash, seal.previous, known[seal.seal], content, inquiry is not None)
        )
    return leaves


def _make(client: Client, seals: Sequence[Seal]) -> None:
    """Store salts for seals in one block, which is written completely or not at all."""
    rows = [(seal.seal, seal.at, secrets.token_hex(SALT)) for seal in seals]
    run(
        "keeping salts",
        partial(
            client.insert,
            "platestream.inquiry_salts",
            rows,
            column_names=["seal", "at", "salt"],
            column_type_names=["UInt64", "DateTime64(6, 'UTC')", "String"],
            settings={"async_insert": 0},
        ),
    )
