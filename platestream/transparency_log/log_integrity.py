"""Verification of the inquiry log against its seals, and of both against the copy outside the database.

Without the copy, a truncated tail (the last seals and their rows both gone) cannot be detected. Somebody who
can write both tables and the topic can forge all three; an export stored elsewhere cannot be forged.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run
from platestream.edges.inquiry_log import LOG, Seal, read_seals
from platestream.schemas.inquiry import Inquiry, SealedInquiry, chain_faults, seal_hash

PAGE = 5000
KEPT = timedelta(days=7 * 365)
LATE = timedelta(days=62)  # partitions of a month are dropped together, and merges are delayed
GRACE = timedelta(minutes=2)

_UNSEALED = """
WITH (SELECT count() FROM platestream.inquiry_seals) = 0 AS none_sealed
SELECT
    groupArraySortedIf(100)(
        (toString(at), toString(inquiry_id)), at < {before:DateTime64(6, 'UTC')} AND NOT none_sealed),
    countIf(at >= {before:DateTime64(6, 'UTC')} OR none_sealed)
FROM platestream.inquiry_log WHERE entry NOT IN (SELECT entry FROM platestream.inquiry_seals)
"""
_SETTLED = """
SELECT max(seal) FROM platestream.inquiry_seals
WHERE sealed_at < {before:DateTime64(6, 'UTC')} AND at > {since:DateTime64(6, 'UTC')}
"""
_COPIES_OF_A_ROW = """
SELECT toString(any(inquiry_id)), count()
FROM platestream.inquiry_log GROUP BY entry HAVING count() > 1 LIMIT 100
"""


class Verified(NamedTuple):
    """Faults of the log, one sentence each; the number of rows that wait for the audit flow to seal them,
    which is no fault; and the last seal with its hash, `seal:hash`, empty where nothing is sealed.
    """

    faults: list[str]
    waiting: int
    head: str


def verify(
    client: Client,
    copy: Iterable[SealedInquiry] | None = None,
    *,
    log: str = LOG,
    now: datetime | None = None,
    grace: timedelta = GRACE,
) -> Verified:
    """Verify the log; no faults mean that it is intact.

    `client` needs the auditor's role, and `log` an act of that person
    (`platestream.edges.inquiry_log.readable_log`). `copy` is the `inquiries` topic in order, in which a
    record may occur twice. Rows younger than `grace` need no seal yet, and none does before an audit flow
    has run for the first time. Raises DatabaseError.
    """
    now = now or datetime.now(UTC)
    hashes: dict[int, str] = {}
    faults = list(_chain_faults(client, log, hashes, now))
    ((late, waiting),) = read_rows(client, "verifying", _UNSEALED, before=now - grace)
    for at, inquiry in late:
        faults.append(f"inquiry {inquiry} of {at}: never sealed; does the audit flow run (`platestream up`)?")
    for inquiry, count in read_rows(client, "verifying", _COPIES_OF_A_ROW):
        faults.append(f"inquiry {inquiry}: {count} rows of one entry")
    if copy is not None:
        between = {"before": now - grace, "since": now - KEPT + LATE}
        ((settled,),) = read_rows(client, "verifying", _SETTLED, **between)
        faults += _copy_faults(copy, hashes, settled, now)
    last = max(hashes, default=0)
    return Verified(faults, int(waiting), f"{last}:{hashes[last]}" if hashes else "")


def waiting_sentence(count: int) -> str:
    """Return a sentence about waiting rows; empty if there are none."""
    return "" if not count else f"{count} {'row waits' if count == 1 else 'rows wait'} to be sealed"


def _chain_faults(client: Client, log: str, hashes: dict[int, str], now: datetime) -> Iterator[str]:
    """Yield the faults of the chain and its rows; fills `hashes` by seal."""
    gone: list[str] = []

    def sealed() -> Iterator[SealedInquiry]:
        for seal, rows in _pages(client, log):
            hashes[seal.seal] = seal.hash
            if not rows:
                gone.append(f"seal {seal.seal}: inquiry {seal.inquiry_id} is gone from the log")
            inquiry = rows[0] if rows else _nothing(seal)
            yield SealedInquiry(seal=seal.seal, previous=seal.previous, hash=seal.hash, inquiry=inquiry)

    yield from _broken(sealed(), now)
    yield from gone


def _broken(sealed: Iterator[SealedInquiry], now: datetime) -> Iterator[str]:
    """Check a chain as `platestream.schemas.inquiry.chain_faults` does, but allow a missing beginning that is
    7 years old.
    """
    first = next(sealed, None)
    if first is None:
        return
    faults = chain_faults(chain([first], sealed))
    if first.seal > 1 and first.inquiry.at < now - KEPT + LATE:
        next(faults)
    yield from faults


def _pages(client: Client, log: str) -> Iterator[tuple[Seal, list[Inquiry]]]:
    following = 0
    while page := run("verifying", partial(read_seals, client, following, PAGE, log)):
        yield from page
        if len(page) < PAGE:
            return
        following = page[-1][0].seal + 1


def _copy_faults(
    copy: Iterable[SealedInquiry], hashes: dict[int, str], settled: int, now: datetime
) -> Iterator[str]:
    """Yield the faults of the copy itself, and the seals of the table that differ from it.

    The copy has the seals up to `settled` at least, unless its end was deleted, or all of it. A record with
    findings is a remark on a seal: it may follow at any time and is no link of the chain.
    """
    copied: dict[int, str] = {}
    remarks: list[SealedInquiry] = []
    again: list[str] = []

    def once() -> Iterator[SealedInquiry]:
        for one in copy:
            if one.findings:
                remarks.append(one)
            elif one.seal not in copied:
                copied[one.seal] = one.hash
                yield one
            elif copied[one.seal] != one.hash:
                again.append(f"seal {one.seal}: twice, with different hashes")

    for fault in chain(_broken(once(), now), again):
        yield f"copy: {fault}"
    for one in remarks:
        if copied.get(one.seal) != one.hash or one.hash != seal_hash(one.previous, one.inquiry):
            yield f"copy: seal {one.seal}: findings on another inquiry than the one that was sealed"
    if (last := max(copied, default=0)) < settled:
        yield f"seals {last + 1} to {settled}: in the database, not in the copy"
    for seal in sorted(copied):
        if seal not in hashes:
            yield f"seal {seal}: in the copy, not in the database"
        elif hashes[seal] != copied[seal]:
            yield f"seal {seal}: database and copy differ"


def _nothing(seal: Seal) -> Inquiry:
    """Return a placeholder for a missing row; no seal matches it."""
    return Inquiry(
        inquiry_id=seal.inquiry_id,
        at=seal.at,
        who="",
        agency="",
        tool="",
        query_id="",
        kind="",
        outcome="refused",
        since=seal.at,
        until=seal.at,
    )
