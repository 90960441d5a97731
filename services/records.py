"""What is put on record: an entry of the ledger, whose hash the inquiry log has before the entry is written.

So an entry that is taken away later, or a draw that is made again until it pleases, is missed in the inquiry
log, in its seals and in its copy outside the database.
"""

from typing import Any, Unpack

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, CUSTODIAN, RETENTION
from schemas.ledger import Chain, LedgerEntry
from services.door import Door, Why

WRITERS: dict[Chain, str] = {"audit": AUDITOR, "evidence": CUSTODIAN, "retention": RETENTION}


def put(
    door: Door,
    act: str,
    chain: Chain,
    kind: str,
    record: Any,
    *,
    change: str = "",
    **why: Unpack[Why],
) -> LedgerEntry:
    """Put `act` on record with the hash of its entry, then write the entry; `record` becomes its JSON.

    Raises RefusedInquiry where the gate refuses the act, and DatabaseError.
    """
    # The job purges evidence, too, and has the role of retention only.
    client = door.writer(RETENTION if act == "evidence_purge" else WRITERS[chain])
    entry = ledger.following(client, chain, kind, door.who, record)
    door.enter(act, entry.hash, change=change, effect=entry.hash, **why)
    ledger.append(client, entry)
    return entry
