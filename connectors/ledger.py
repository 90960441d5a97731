"""The ledger in the database: entries appended behind the last one of their chain, and read back."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from schemas.ledger import CHAINS, FIRST, Chain, LedgerEntry, broken

_COLUMNS = ("chain", "number", "kind", "at", "who", "record", "previous")
_TYPES = ("String", "UInt64", "String", "DateTime64(6, 'UTC')", "String", "String", "String", "String")
_HEAD = """
SELECT number, hash FROM platestream.ledger
WHERE chain = {chain:String} ORDER BY number DESC, hash LIMIT 1
"""
_ENTRIES = """
SELECT chain, number, kind, at, who, record, previous, hash FROM platestream.ledger
WHERE chain = {chain:String} AND ({kind:String} = '' OR kind = {kind:String})
  AND at > {after:DateTime64(6, 'UTC')} ORDER BY number, hash
"""
_LAST = """
SELECT chain, number, kind, at, who, record, previous FROM platestream.ledger
WHERE chain = {chain:String} AND kind = {kind:String} ORDER BY number DESC, hash LIMIT 1
"""
# What the inquiry log was told of, and what is there: both ways, or an entry was taken away or slipped in. An
# entry may be known by any kind of act. Only these kinds always tell of an entry where they name a hash; the
# last four are of logs that were begun before acts were declared.
_UNTOLD = """
SELECT chain, number FROM platestream.ledger
WHERE hash NOT IN (SELECT about FROM platestream.inquiry_log WHERE outcome = 'allowed')
ORDER BY chain, number LIMIT 100
"""
_GONE = """
SELECT kind, toString(at) FROM platestream.inquiry_log
WHERE (kind IN ('retention', 'tally', 'audit', 'evidence', 'export')
    OR startsWith(kind, 'audit_') OR startsWith(kind, 'evidence_'))
  AND outcome = 'allowed'
  AND match(about, '^[0-9a-f]{64}$') AND about NOT IN (SELECT hash FROM platestream.ledger)
ORDER BY at LIMIT 100
"""


EVER = datetime(1970, 1, 1, tzinfo=UTC)


def following(client: Client, chain: Chain, kind: str, who: str, record: Any) -> LedgerEntry:
    """The entry that would come next in `chain`; nothing is written yet. `record` becomes JSON."""
    head = run("reading the ledger", lambda: client.query(_HEAD, parameters={"chain": chain})).result_rows
    number, last = head[0] if head else (0, FIRST)
    return LedgerEntry(
        chain=chain,
        number=number + 1,
        kind=kind,
        at=datetime.now(UTC),
        who=who,
        record=msgspec.json.encode(record).decode(),
        previous=last,
    )


def append(client: Client, entry: LedgerEntry) -> None:
    """Write `entry`. Two writers at once would fork the chain, and verifying says so."""
    row = [*(getattr(entry, name) for name in _COLUMNS), entry.hash]
    run(
        "writing the ledger",
        lambda: client.insert(
            "platestream.ledger",
            [row],
            column_names=[*_COLUMNS, "hash"],
            column_type_names=list(_TYPES),
            settings={"async_insert": 0},
        ),
    )


def read(
    client: Client, chain: Chain, kind: str = "", *, after: datetime = EVER
) -> list[tuple[LedgerEntry, str]]:
    """Entries of `chain`, of one kind or all, in order, each with the hash that was recorded."""
    asked = {"chain": chain, "kind": kind, "after": after}
    rows = run("reading the ledger", lambda: client.query(_ENTRIES, parameters=asked)).result_rows
    return [(LedgerEntry(**dict(zip(_COLUMNS, row[:-1], strict=True))), row[-1]) for row in rows]


def last(client: Client, chain: Chain, kind: str) -> LedgerEntry | None:
    """Return the newest entry of one kind in `chain`; None where there is none."""
    asked = {"chain": chain, "kind": kind}
    rows = run("reading the ledger", lambda: client.query(_LAST, parameters=asked)).result_rows
    return LedgerEntry(**dict(zip(_COLUMNS, rows[0], strict=True))) if rows else None


def verify(client: Client) -> list[str]:
    """What is wrong with the ledger, one sentence for each fault; `client` needs the auditor's role.

    A hash is told to the inquiry log before its entry is written: one that is told and not there was taken
    away, or its writer was interrupted between the two.
    """
    faults = [fault for chain in CHAINS for fault in broken(read(client, chain))]
    for chain, number in run("verifying", lambda: client.query(_UNTOLD)).result_rows:
        faults.append(f"{chain} {number}: not in the inquiry log")
    for kind, at in run("verifying", lambda: client.query(_GONE)).result_rows:
        faults.append(f"{kind} of {at}: in the inquiry log, not in the ledger")
    return faults
