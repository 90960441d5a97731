"""Plates that people's roles read by SQL without an inquiry, an act or a row of the log."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    SUPERVISOR,
)
from services.inquiries.gate import THROWN
from tests.support.database import Database

PEOPLE = (ANALYST, SUPERVISOR, AUDITOR, CUSTODIAN, DASHBOARD)
PLATE = "GHN5162"


def code(database: Database, role: str, sql: str, **asked: Any) -> int | None:
    try:
        database.client(role).query(sql, parameters=asked)
    except DatabaseError as error:
        return error.code
    return None


def logged(database: Database, role: str, act: UUID, columns: str = "*") -> list[Any]:
    sql = f"SELECT {columns} FROM platestream.logged(inquiry = {{act:UUID}})"
    return list(database.client(role).query(sql, parameters={"act": act}).result_rows)


@pytest.fixture
def searched(database: Database) -> UUID:
    """A search for a plate, and one for two plates that met."""
    database.ask(kind="cotravel", pattern=PLATE, other="MATE456", within_s=60)
    return database.ask(pattern=PLATE)


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pattern FROM platestream.inquiry_log",
        "SELECT other FROM platestream.inquiry_log",
        "SELECT * FROM platestream.inquiry_log",
        "SELECT count() FROM platestream.inquiry_log WHERE pattern LIKE 'GHN%'",
        "SELECT uniq(other) FROM platestream.inquiry_log PREWHERE other != ''",
        "SELECT content FROM platestream.documents",
        "SELECT count() FROM platestream.documents WHERE content LIKE '%GHN%'",
    ],
)
def test_nobody_reads_what_was_searched_or_held_from_the_tables(
    database: Database, searched: UUID, role: str, sql: str
) -> None:
    assert code(database, role, sql) == ACCESS_DENIED


def test_an_auditor_reads_whole_inquiries_by_an_act_that_is_logged(
    database: Database, searched: UUID
) -> None:
    act = database.ask(AUDITOR, kind="audit_show", other="inquiries")
    assert (PLATE,) in logged(database, AUDITOR, act, "pattern")
    assert database.logged(act)["kind"] == "audit_show"


def test_a_second_plate_is_not_in_what_auditors_read_freely(database: Database, searched: UUID) -> None:
    rows = database.client(AUDITOR).query("SELECT about FROM platestream.inquiry_log").result_rows
    assert {about for (about,) in rows} == {""}


@pytest.mark.parametrize("view", ["logged", "document"])
def test_no_other_id_opens_the_log_or_a_document(database: Database, searched: UUID, view: str) -> None:
    refused = database.ask(AUDITOR, kind="audit_show", refuse="a rule of the service")
    other_kind = database.ask(kind="search")
    by_another = database.ask(AUDITOR, kind="audit_show", other="of another account")
    twice = database.ask(AUDITOR, kind="audit_show")
    own = database.client()
    for change, act in (("who = 'x', account = 'smith'", by_another), ("at = at - INTERVAL 61 MINUTE", None)):
        if act is not None:
            own.command(
                f"ALTER TABLE platestream.inquiry_log UPDATE {change} WHERE inquiry_id = '{act}'",
                settings={"mutations_sync": 2},
            )
    own.command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE (generateUUIDv4() AS entry)"
        f" FROM (SELECT * FROM platestream.inquiry_log WHERE inquiry_id = '{twice}')"
    )
    old = uuid4()
    own.command(
        "INSERT INTO platestream.inquiry_log SELECT * REPLACE"
        f" (generateUUIDv4() AS entry, toUUID('{old}') AS inquiry_id, at - INTERVAL 61 MINUTE AS at)"
        f" FROM (SELECT * FROM platestream.inquiry_log WHERE inquiry_id = '{twice}' LIMIT 1)"
    )
    for act in (uuid4(), refused, other_kind, by_another, twice, old):
        for what in ("*", "count()"):
            sql = f"SELECT {what} FROM platestream.{view}(inquiry = {{act:UUID}}) LIMIT 0"
            assert code(database, AUDITOR, sql, act=act) == THROWN


def test_side_doors_of_the_view_stay_shut(database: Database, searched: UUID) -> None:
    nobody = uuid4()
    for sql in (
        f"EXPLAIN SELECT * FROM platestream.logged(inquiry = '{nobody}')",
        f"DESCRIBE platestream.logged(inquiry = '{nobody}')",
        f"SELECT * FROM platestream.logged(inquiry = '{nobody}') WHERE 0",
        f"SELECT throwIf(pattern = '{PLATE}') FROM platestream.logged(inquiry = '{nobody}')",
    ):
        assert code(database, AUDITOR, sql) == THROWN, sql


def test_a_custodian_reads_whole_inquiries_by_an_act_on_evidence_alone(
    database: Database, searched: UUID
) -> None:
    assert logged(database, CUSTODIAN, database.ask(CUSTODIAN, kind="evidence_show"), "pattern")
    act = database.ask(CUSTODIAN, kind="shift_show")
    assert code(database, CUSTODIAN, f"SELECT * FROM platestream.logged(inquiry = '{act}')") == THROWN
