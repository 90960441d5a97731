"""Attempts to have an entry of the ledger, or a document, without the act that allows it."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.access.gate import THROWN
from platestream.edges.clickhouse_client import (
    AUDITOR,
    CUSTODIAN,
    RETENTION,
)
from platestream.ledger import store as ledger
from tests.support.acts_by_sql import WHO, act, denied, following, refused, speaking_as
from tests.support.database import Database
from tests.support.door import person, staffed

RECEIPT = {"period_s": 1, "cutoff": "2026-01-01T00:00:00Z"}


def test_an_entry_is_written_by_the_act_that_names_it_and_by_no_other_way(database: Database) -> None:
    for role in (AUDITOR, CUSTODIAN, RETENTION):
        assert denied(database, role, "INSERT INTO platestream.ledger (chain) VALUES ('audit')")
        assert denied(database, role, "ALTER TABLE platestream.ledger DELETE WHERE 1")
        assert denied(database, role, "ALTER TABLE platestream.ledger UPDATE record = '' WHERE 1")
    entry = following(database, "audit", "draw")
    assert not refused(database, act(database, "audit_draw", entry), entry)
    ((stored, hash_),) = ledger.read(database.client(AUDITOR), "audit")
    assert (stored, hash_) == (entry, entry.hash)
    assert ledger.verify(database.client(AUDITOR)) == []


def test_a_receipt_is_not_forged_by_an_auditor(database: Database) -> None:
    """Row 3: covered by an `audit_show` that names the receipt's hash."""
    entry = following(database, "retention", "run", RECEIPT, "retention")
    shown = act(database, "audit_show", other=entry.hash)
    assert refused(database, shown, entry)
    assert refused(database, act(database, "audit_show", entry), entry)
    database.entry(entry)
    assert ledger.verify(database.client(AUDITOR)) == ["retention 1: not in the inquiry log"]


def test_a_receipt_is_written_by_the_retention_jobs_account_alone(database: Database) -> None:
    entry = following(database, "retention", "run", RECEIPT)
    own = act(database, "retention", entry)
    assert refused(database, own, entry, RETENTION, **speaking_as("vale"))
    assert refused(database, own, entry, RETENTION, **speaking_as("platestream_console"))
    assert not refused(database, own, entry, RETENTION, **speaking_as("platestream_retention_job"))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("audit_draw", {"on_behalf_of": "other"}),
        ("audit_draw", {"effect": "0" * 64}),
        ("audit_draw", {"effect": ""}),
        ("audit_finding", {}),
        ("audit_show", {}),
        ("evidence_hold", {}),
        ("audit_draw", {"refuse": "a rule of the order"}),
    ],
    ids=str,
)
def test_an_act_of_another_person_kind_or_hash_or_a_refused_one_writes_no_entry(
    database: Database, kind: str, fields: dict[str, str]
) -> None:
    entry = following(database, "audit", "draw")
    assert refused(database, act(database, kind, entry, **fields), entry)
    assert database.value("SELECT count() FROM platestream.ledger") == 0


def test_another_accounts_act_writes_no_entry(database: Database) -> None:
    entry = following(database, "audit", "draw")
    assert refused(database, act(database, "audit_draw", entry), entry, **speaking_as("smith"))


def test_an_act_writes_one_entry_and_an_id_that_stands_twice_none(database: Database) -> None:
    entry = following(database, "audit", "draw")
    allowed = act(database, "audit_draw", entry)
    assert not refused(database, allowed, entry)
    assert refused(database, allowed, entry), "once"
    again = following(database, "audit", "draw", {"seed": "that pleases"})
    assert refused(database, allowed, again)
    act(database, "audit_draw", again, inquiry_id=allowed)
    assert refused(database, allowed, again), "two rows have this id"


BLOCKS = {"max_block_size": 1, "min_insert_block_size_rows": 1, "min_insert_block_size_bytes": 0}


def test_two_entries_at_once_are_refused_also_in_blocks_of_one_row(database: Database) -> None:
    entry = following(database, "audit", "draw")
    other = msgspec.structs.replace(entry, record="{}")
    insert = (
        "INSERT INTO platestream.ledger_append"
        " SELECT {act:UUID}, if(number = 0, {entry:String}, {other:String}) FROM numbers(2)"
    )
    fields: dict[str, Any] = {"act": act(database, "audit_draw", entry)}
    fields |= {"entry": entry.to_json().decode(), "other": other.to_json().decode()}
    for settings in ({}, BLOCKS):
        with pytest.raises(DatabaseError):
            database.client(AUDITOR).command(insert, parameters=fields, settings=settings)
        assert database.value("SELECT count() FROM platestream.ledger") == 0


def test_an_entry_that_its_own_person_doubles_in_one_statement_is_found(database: Database) -> None:
    entry = following(database, "audit", "draw")
    fields = {"act": act(database, "audit_draw", entry), "entry": entry.to_json().decode()}
    database.client(AUDITOR).command(
        "INSERT INTO platestream.ledger_append SELECT {act:UUID}, {entry:String} FROM numbers(2)",
        parameters=fields,
        settings=BLOCKS,
    )
    assert database.rows("SELECT DISTINCT hash FROM platestream.ledger") == [(entry.hash,)]
    assert "doubled" in ledger.verify(database.client(AUDITOR))[0]


def test_an_act_of_more_than_ten_minutes_ago_writes_no_entry(database: Database) -> None:
    entry = following(database, "audit", "draw")
    long_ago = uuid4()
    old = {"inquiry_id": long_ago, "entry": uuid4(), "at": datetime.now(UTC) - timedelta(minutes=11)}
    row = {**old, "who": WHO, "account": "default", "kind": "audit_draw", "outcome": "allowed"}
    row["effect"] = entry.hash
    database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
    assert refused(database, long_ago, entry)


@pytest.mark.parametrize(
    "forged",
    [
        {"number": 2},
        {"previous": "1" * 64},
        {"at": datetime.now(UTC) - timedelta(hours=1)},
        {"at": datetime.now(UTC) + timedelta(hours=1)},
        {"who": "other"},
    ],
    ids=["number", "previous", "earlier", "later", "who"],
)
def test_an_entry_out_of_order_or_time_or_of_another_is_refused(
    database: Database, forged: dict[str, Any]
) -> None:
    entry = msgspec.structs.replace(following(database, "audit", "draw"), **forged)
    assert refused(database, act(database, "audit_draw", entry), entry)


def test_an_entry_in_other_words_has_no_act(database: Database) -> None:
    """Two fields of one name: the database and a program could read another one of them."""
    entry = following(database, "audit", "draw")
    text = entry.to_json().decode().replace('"who":', '"who":"other","who":')
    digest = sha256(f"{entry.previous}\n{text}".encode()).hexdigest()
    assert refused(database, act(database, "audit_draw", effect=digest, on_behalf_of="vale"), text) or any(
        "is not what was written" in fault for fault in ledger.verify(database.client(AUDITOR))
    )


def test_settings_of_the_caller_leave_no_judgement_out(database: Database) -> None:
    entry = following(database, "audit", "draw")
    for settings in (
        {"materialized_views_ignore_errors": 1},
        {"limit": 1, "offset": 0},
        {"max_rows_to_read": 1, "read_overflow_mode": "break"},
        {"enable_analyzer": 0},
        {"short_circuit_function_evaluation": "force_enable"},
    ):
        refused(database, uuid4(), entry, **settings)
        assert database.value("SELECT count() FROM platestream.ledger") == 0, settings


def test_a_document_is_stored_by_the_act_whose_entry_names_it(database: Database) -> None:
    assert denied(database, AUDITOR, "INSERT INTO platestream.documents (name) VALUES ('memo.md')")
    content = b"memorandum"
    record = {"markdown_sha256": sha256(content).hexdigest()}
    entry = following(database, "audit", "memorandum", record)
    allowed = act(database, "audit_memo", entry)
    assert not stored(database, allowed, content), "the entry is not there yet"
    assert not refused(database, allowed, entry)
    assert not stored(database, allowed, b"another memorandum")
    assert not stored(
        database, act(database, "audit_show", entry, effect=sha256(content).hexdigest()), content
    )
    assert not stored(database, allowed, content, **speaking_as("smith"))
    assert stored(database, allowed, content)
    two = (
        "INSERT INTO platestream.document_append"
        " SELECT {act:UUID}, '', if(number = 0, {content:String}, 'another') FROM numbers(2)"
    )
    with pytest.raises(DatabaseError):
        database.client(AUDITOR).command(
            two, parameters={"act": allowed, "content": content.decode()}, settings=BLOCKS
        )
    assert database.rows("SELECT DISTINCT content FROM platestream.documents") == [(content.decode(),)]


def stored(database: Database, allowed: UUID, content: bytes, **settings: Any) -> bool:
    rows, names = [[allowed, "memo.md", content]], ["act", "name", "content"]
    try:
        database.client(AUDITOR).insert(
            "platestream.document_append", rows, column_names=names, settings=settings
        )
    except DatabaseError as error:
        return error.code != THROWN
    return True


def test_an_entry_counts_by_one_act_of_its_kind_by_its_person(database: Database) -> None:
    """As the owner of the database does it, past all grants."""
    staffed(database, person())
    said = {"outcome": "allowed", "at": datetime.now(UTC), "account": "default"}
    entry = following(database, "audit", "draw")
    database.entry(entry)

    def faults(**changes: Any) -> list[str]:
        database.client().command("TRUNCATE TABLE platestream.inquiry_log")
        for one in changes.pop("rows", [{}]):
            row = {"entry": uuid4(), "inquiry_id": uuid4(), **said, "who": WHO, "kind": "audit_draw"}
            row |= {"effect": entry.hash, **changes, **one}
            database.client().insert("platestream.inquiry_log", [list(row.values())], column_names=list(row))
        return ledger.verify(database.client(AUDITOR))

    assert faults() == []
    assert faults(who="other") == ["audit 1: not in the inquiry log"]
    assert faults(kind="audit_finding") == ["audit 1: not in the inquiry log"]
    assert faults(outcome="refused", refusal="a rule") == ["audit 1: not in the inquiry log"]
    assert faults(rows=[{}, {}]) == ["audit 1: 2 acts in the inquiry log name it"]
    assert faults(effect="", other=entry.hash) == ["audit 1: not in the inquiry log"]
    before = datetime.now(UTC) - timedelta(days=100)
    assert faults(effect="", other=entry.hash, at=before) == [], "as it was up to the migration"
    assert faults(effect="", other=entry.hash, at=before, kind="audit_show") == [
        "audit 1: not in the inquiry log"
    ]
