"""Entries of the ledger and the documents that they name, each written by its act.

The inquiry log has the hash of an entry before the entry is written, and the database accepts the entry only
with the act that names it (`clickhouse/views/ledger.sql`). An entry that is deleted later, or a draw that is
repeated until it suits, is therefore detected by the inquiry log, its seals and its external copy.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Unpack

from platestream.access.door import Documentation, Door, Permit
from platestream.edges.clickhouse_client import AUDITOR, CUSTODIAN, RETENTION, run
from platestream.ledger import store as ledger
from platestream.schemas.acts import BY_NAME
from platestream.schemas.ledger import Chain, LedgerEntry

WRITERS: dict[Chain, str] = {"audit": AUDITOR, "evidence": CUSTODIAN, "retention": RETENTION}


class LedgerAct(NamedTuple):
    """An entry of the ledger, and the act that allowed it."""

    entry: LedgerEntry
    permit: Permit


def put(door: Door, act: str, record: Any, *, change: str = "", **why: Unpack[Documentation]) -> LedgerAct:
    """Record `act` with the hash of its entry, then write the entry; `record` becomes its JSON.

    Raises RefusedInquiry where the gate refuses the act, and DatabaseError, also where another entry of the
    chain was written at the same time.
    """
    chain, kind = _writes(act)
    # The retention job also purges evidence, and has only the role of retention.
    client = door.writer(RETENTION if act == "evidence_purge" else WRITERS[chain])
    entry = ledger.following(client, chain, kind, door.who, record)
    permit = door.enter(act, entry.hash, change=change, effect=entry.hash, **why)
    ledger.append(client, permit.inquiry_id, entry)
    return LedgerAct(entry, permit)


def store(permit: Permit, door: Door, documents: Mapping[str, bytes]) -> None:
    """Store documents by name, whose hashes the entry of that act has. Raises DatabaseError."""
    client = door.writer(AUDITOR)
    rows = [(permit.inquiry_id, name, content) for name, content in documents.items()]
    run(
        "storing documents",
        lambda: client.insert(
            "platestream.document_append",
            rows,
            column_names=["act", "name", "content"],
            settings={"async_insert": 0},
        ),
    )


def _writes(act: str) -> tuple[Chain, str]:
    chain, _slash, kind = BY_NAME[act].entry.partition("/")
    return chain, kind  # type: ignore[return-value]
