"""Ledger in the database: entries are appended after the last one of their chain, and read back."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import DatabaseError, read_rows, run
from platestream.schemas.acts import WRITES
from platestream.schemas.ledger import CHAINS, FIRST, Chain, LedgerEntry, chain_faults, decoded

T = TypeVar("T")

THROWN = 395
LAST_AT_ONCE = 1000
"""Entries that are read at once where the newest cannot be read."""
RETENTION = timedelta(days=7 * 365)
"""Retention of acts in the inquiry log."""
_COLUMNS = ("chain", "number", "kind", "at", "who", "record", "previous")
_HEAD = """
SELECT max(number), argMax(hash, number), now64(6) FROM platestream.ledger WHERE chain = {chain:String}
"""
_ENTRIES = """
SELECT chain, number, kind, at, who, record, previous, hash FROM platestream.ledger
WHERE chain = {chain:String} AND (empty({kinds:Array(String)}) OR has({kinds:Array(String)}, kind))
  AND at > {after:DateTime64(6, 'UTC')} ORDER BY number, hash
"""
_LAST = """
SELECT chain, number, kind, at, who, record, previous FROM platestream.ledger
WHERE chain = {chain:String} AND kind = {kind:String} ORDER BY number DESC, hash
LIMIT {most:UInt32} OFFSET {passed:UInt32}
"""
# Acts that name an entry. Before the migration that added `effect` they named it in `other`.
_ACTS = """
WITH (SELECT min(applied_at) FROM platestream.schema_migrations WHERE version = 161) AS bound
SELECT if(effect != '', effect, about), kind, who, at, effect = ''
FROM platestream.inquiry_log
WHERE outcome = 'allowed' AND kind IN {kinds:Array(String)}
  AND (effect != '' OR (at < bound AND match(about, '^[0-9a-f]{64}$')))
ORDER BY at
"""
# Kinds of logs from before acts were declared.
_OLD = {
    "retention": ("retention",),
    "audit": ("audit",),
    "evidence": ("evidence", "export"),
}


class _Act(NamedTuple):
    hash: str
    kind: str
    who: str
    at: Any
    old: bool


EVER = datetime(1970, 1, 1, tzinfo=UTC)


def following(client: Client, chain: Chain, kind: str, who: str, record: Any) -> LedgerEntry:
    """Return the next entry of `chain`, by the database's clock; nothing is written yet.

    `record` becomes JSON. Raises DatabaseError.
    """
    ((number, last, now),) = read_rows(client, "reading the ledger", _HEAD, chain=chain)
    return LedgerEntry(
        chain=chain,
        number=number + 1,
        kind=kind,
        at=now,
        who=who,
        record=msgspec.json.encode(record).decode(),
        previous=last or FIRST,
    )


def append(client: Client, act: UUID, entry: LedgerEntry) -> None:
    """Write `entry` by the act that names its hash.

    Raises DatabaseError, also if no act of this account names it or another entry was written just before.
    """
    row = [act, entry.to_json().decode()]
    insert = partial(
        client.insert,
        "platestream.ledger_append",
        [row],
        column_names=["act", "entry"],
        column_type_names=["UUID", "String"],
        settings={"async_insert": 0},
    )
    try:
        run("writing the ledger", insert)
    except DatabaseError as error:
        why = "refused: no act of this account allows this entry, or another entry came first"
        if error.code == THROWN:
            raise DatabaseError("writing the ledger", THROWN, passing=False, why=why) from None
        raise


def read(client: Client, chain: Chain, *kinds: str, after: datetime = EVER) -> list[tuple[LedgerEntry, str]]:
    """Return the entries of `chain`, of these kinds or all, in order, each with its recorded hash."""
    parameters = {"chain": chain, "kinds": list(kinds), "after": after}
    rows = read_rows(client, "reading the ledger", _ENTRIES, **parameters)
    return [(LedgerEntry(**dict(zip(_COLUMNS, row[:-1], strict=True))), row[-1]) for row in rows]


def read_records(
    client: Client, chain: Chain, kind: str, record: type[T], *, after: datetime = EVER
) -> list[tuple[LedgerEntry, T]]:
    """Return the entries of one kind in `chain` whose records can be read, in order."""
    return list(decoded((entry for entry, _hash in read(client, chain, kind, after=after)), record))


def last(client: Client, chain: Chain, kind: str, record: type[T]) -> tuple[LedgerEntry, T] | None:
    """Return the newest entry of one kind in `chain` whose record can be read, or None."""
    passed, most = 0, 1
    while True:
        asked = {"chain": chain, "kind": kind, "most": most, "passed": passed}
        rows = read_rows(client, "reading the ledger", _LAST, **asked)
        entries = (LedgerEntry(**dict(zip(_COLUMNS, row, strict=True))) for row in rows)
        found = next(decoded(entries, record), None)
        if found or not rows:
            return found
        passed, most = passed + most, LAST_AT_ONCE


def verify(client: Client) -> list[str]:
    """Return the faults of the ledger, one sentence each. `client` needs the auditor's role.

    A valid entry is named by exactly one allowed act of the kind that writes it, by the person of the entry
    and with its hash. If an act names a missing entry, the entry was deleted or its writer was interrupted.
    """
    chains = [read(client, chain) for chain in CHAINS]
    faults = [fault for entries in chains for fault in chain_faults(entries)]
    kinds = sorted({*WRITES.values(), *(kind for old in _OLD.values() for kind in old)})
    rows = read_rows(client, "verifying", _ACTS, kinds=kinds)
    acts = [_Act(*row) for row in rows]
    by_hash: dict[str, list[_Act]] = defaultdict(list)
    for act in acts:
        by_hash[act.hash].append(act)
    # The inquiry log stores seven years; the custody of evidence is stored longer than the evidence.
    logged = datetime.now(UTC) - RETENTION
    for entry, hash_ in (one for entries in chains for one in entries if one[0].at > logged):
        found = sum(_allows(act, entry) for act in by_hash[hash_])
        if found != 1:
            several = f"{found} acts in the inquiry log name it" if found else "not in the inquiry log"
            faults.append(f"{entry.chain} {entry.number}: {several}")
    there = {hash_ for entries in chains for _entry, hash_ in entries}
    faults += [
        f"{act.kind} of {act.at}: in the inquiry log, not in the ledger"
        for act in acts
        if act.hash not in there
    ]
    return faults


def _allows(act: _Act, entry: LedgerEntry) -> bool:
    kinds = [WRITES.get(f"{entry.chain}/{entry.kind}"), *(_OLD[entry.chain] if act.old else ())]
    return act.who == entry.who and act.kind in kinds
