"""Evidence of long ago: the database takes entries of the present alone; a test makes them older."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from platestream.edges.clickhouse_client import AUDITOR
from platestream.ledger import store as ledger
from platestream.schemas.acts import WRITES
from platestream.schemas.ledger import FIRST, LedgerEntry
from tests.support.database import Database

TIMES = ("held_at", "release_at", "schedule_ends", "released_before")


def age(database: Database, by: timedelta) -> None:
    """Make all entries about evidence, their acts and the holds so much older."""
    rewrite(database, by)


def rewrite(
    database: Database,
    by: timedelta = timedelta(0),
    ends: datetime | None = None,
    without: Sequence[str] = (),
) -> None:
    """Write all entries about evidence again: so much older, with this end of their holds, or without these
    fields.
    """
    entries, previous = [], FIRST
    for entry, _hash in ledger.read(database.client(AUDITOR), "evidence"):
        record = json.loads(entry.record)
        if ends is not None:
            record |= {"release_at": ends.isoformat(), "schedule_ends": ends.isoformat()}
        for part in (record, *record.get("pictures", ())):
            for name in without:
                part.pop(name, None)
        for name in TIMES:
            if record.get(name):
                record[name] = (datetime.fromisoformat(record[name]) - by).isoformat()
        entries.append(
            msgspec.structs.replace(
                entry, at=entry.at - by, record=msgspec.json.encode(record).decode(), previous=previous
            )
        )
        previous = entries[-1].hash
    client, wait = database.client(), {"mutations_sync": 2}
    for table in ("ledger", "inquiry_log"):
        column = "chain" if table == "ledger" else "kind"
        where = f"WHERE {column} LIKE 'evidence%'"
        client.command(f"ALTER TABLE platestream.{table} DELETE {where}", settings=wait)
    for one in entries:
        put(database, one)
    client.command(
        f"ALTER TABLE platestream.evidence_holds UPDATE held_at = held_at - {by.total_seconds():.0f},"
        f" release_at = release_at - {by.total_seconds():.0f} WHERE 1",
        settings=wait,
    )


def put(database: Database, entry: LedgerEntry) -> None:
    """An entry and its act, as the owner of the database can write them."""
    database.entry(entry)
    row = {"entry": uuid4(), "inquiry_id": uuid4(), "at": datetime.now(UTC), "who": entry.who}
    row |= {"kind": WRITES[f"{entry.chain}/{entry.kind}"], "outcome": "allowed", "effect": entry.hash}
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
