"""Is the inquiry log whole? Compares the log with its seals, and both with the copy that left the database.

Without the copy, a cut-off tail (the last seals and their rows both gone) cannot show: nothing that is left
tells of it. Whoever can write both tables and the topic can forge all three; an export kept elsewhere cannot.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from connectors.inquiry_log import Seal, read_seals
from schemas.inquiry import Inquiry, SealedInquiry, broken

PAGE = 5000
KEPT = timedelta(days=7 * 365)
GRACE = timedelta(minutes=1)

_NEVER_SEALED = """
SELECT toString(inquiry_id), toString(at)
FROM platestream.inquiry_log AS log
WHERE at < {before:DateTime64(6, 'UTC')} AND entry NOT IN (SELECT entry FROM platestream.inquiry_seals)
ORDER BY at LIMIT 100
"""
_COPIES_OF_A_ROW = """
SELECT toString(any(inquiry_id)), count()
FROM platestream.inquiry_log GROUP BY entry HAVING count() > 1 LIMIT 100
"""


def verify(
    client: Client,
    copy: Iterable[SealedInquiry] | None = None,
    *,
    now: datetime | None = None,
    grace: timedelta = GRACE,
) -> list[str]:
    """What is wrong with the log, a sentence a fault; empty when it is whole.

    `client` needs the auditor's role. `copy` is the `inquiries` topic in its order, in which a record may
    come twice. Rows younger than `grace` need no seal yet. Raises DatabaseError.
    """
    now = now or datetime.now(UTC)
    hashes: dict[int, str] = {}
    faults = list(_chain_faults(client, hashes, now))
    before = {"before": now - grace}
    for inquiry, at in run("verifying", lambda: client.query(_NEVER_SEALED, parameters=before)).result_rows:
        faults.append(f"inquiry {inquiry} of {at}: never sealed")
    for inquiry, count in run("verifying", lambda: client.query(_COPIES_OF_A_ROW)).result_rows:
        faults.append(f"inquiry {inquiry}: {count} rows of one entry")
    if copy is not None:
        faults += _copy_faults(copy, hashes)
    return faults


def _chain_faults(client: Client, hashes: dict[int, str], now: datetime) -> Iterator[str]:
    """Faults of the chain and of the rows under it; fills `hashes` by seal."""
    gone: list[str] = []
    first: list[Seal] = []

    def sealed() -> Iterator[SealedInquiry]:
        for seal, rows in _pages(client):
            first[:] = first or [seal]
            hashes[seal.seal] = seal.hash
            if not rows:
                gone.append(f"seal {seal.seal}: inquiry {seal.inquiry_id} is gone from the log")
            inquiry = rows[0] if rows else _nothing(seal)
            yield SealedInquiry(seal=seal.seal, previous=seal.previous, hash=seal.hash, inquiry=inquiry)

    for fault in broken(sealed()):
        expired = len(hashes) == 1 and first[0].seal > 1 and first[0].at < now - KEPT + timedelta(days=62)
        if not (expired and "missing or out of order" in fault):
            yield fault
    yield from gone


def _pages(client: Client) -> Iterator[tuple[Seal, list[Inquiry]]]:
    last = -1
    while page := run("verifying", lambda: read_seals(client, last + 1, PAGE)):  # noqa: B023
        yield from page
        last = page[-1][0].seal


def _copy_faults(copy: Iterable[SealedInquiry], hashes: dict[int, str]) -> Iterator[str]:
    """Faults of the copy itself, and where the table's seals differ from it."""
    copied: dict[int, str] = {}
    again: list[str] = []

    def once() -> Iterator[SealedInquiry]:
        for one in copy:
            if copied.setdefault(one.seal, one.hash) != one.hash:
                again.append(f"copy: seal {one.seal}: twice, with different hashes")
            elif len(copied) == 1 or one.seal > max_seen[0]:
                max_seen[0] = one.seal
                yield one

    max_seen = [0]
    for fault in broken(once()):
        yield f"copy: {fault}"
    yield from again
    for seal in sorted(copied):
        if seal not in hashes:
            yield f"seal {seal}: in the copy, not in the database"
        elif hashes[seal] != copied[seal]:
            yield f"seal {seal}: database and copy differ"


def _nothing(seal: Seal) -> Inquiry:
    """Stands for a row that is gone; no seal fits it."""
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
