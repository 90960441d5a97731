"""Acts and entries of the ledger that a person writes by SQL, past the programs."""

import json
from typing import Any
from uuid import UUID

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.access.gate import THROWN
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    AUDITOR,
    DOOR,
)
from platestream.ledger import store as ledger
from platestream.schemas.ledger import Chain, LedgerEntry
from tests.support.database import Database

WHO = "vale"


def act(database: Database, kind: str, entry: LedgerEntry | None = None, **changes: Any) -> UUID:
    """An act by SQL, that names the hash of an entry as its effect; allowed unless `changes` differ."""
    effect = entry.hash if entry else ""
    said = {"kind": kind, "case_number": "26-001234", "pattern": "", "on_behalf_of": WHO, "effect": effect}
    return database.ask(DOOR, **{**said, **changes})


def following(database: Database, chain: Chain, kind: str, record: Any = None, who: str = WHO) -> LedgerEntry:
    return ledger.following(database.client(AUDITOR), chain, kind, who, record or {"forged": True})


def refused(
    database: Database, allowed: UUID, entry: LedgerEntry | str, role: str = AUDITOR, **settings: Any
) -> bool:
    """Whether the database throws at an entry, written by SQL."""
    text = entry if isinstance(entry, str) else entry.to_json().decode()
    try:
        database.client(role).insert(
            "platestream.ledger_append", [[allowed, text]], column_names=["act", "entry"], settings=settings
        )
    except DatabaseError as error:
        return error.code == THROWN
    return False


def denied(database: Database, role: str, sql: str) -> bool:
    with pytest.raises(DatabaseError) as error:
        database.client(role).command(sql)
    return error.value.code == ACCESS_DENIED


def speaking_as(account: str) -> dict[str, str]:
    """Settings by which the embedded engine takes a statement for this account's."""
    return {"log_comment": json.dumps({"account": account})}
