"""Limits of chDB in process, as docs/explanation/engine.md and SECURITY.md name them."""

from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.edges.clickhouse_client import (
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    DOOR,
    INGEST,
    RETENTION,
    SEALER,
    SUPERVISOR,
)
from tests.support.database import Database

ROLES = (ANALYST, AUDITOR, CUSTODIAN, DASHBOARD, DOOR, INGEST, RETENTION, SEALER, SUPERVISOR)


def code(client: Client, sql: str) -> int | None:
    try:
        client.command(sql)
    except DatabaseError as error:
        return error.code
    return None


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("SECRET")
    return path


def test_in_a_role_grants_hold_and_nothing_is_fetched(database: Database, secret: Path) -> None:
    refused = [
        f"SELECT * FROM file('{secret}', 'LineAsString')",
        f"SELECT * FROM url('file://{secret}', 'LineAsString')",
        "SELECT * FROM executable('cat', 'TSV', 'a String', (SELECT 1))",
        "SELECT plate FROM platestream.detections",
        "INSERT INTO platestream.inquiry_log (who) VALUES ('x')",
        "SELECT * FROM platestream.caller",
        "SELECT * FROM system.users",
        "CREATE USER x",
        "CREATE DICTIONARY platestream.d (id UInt64) PRIMARY KEY id SOURCE(NULL()) LAYOUT(FLAT())",
    ]
    for role in ROLES:
        client = database.client(role)
        assert {sql: code(client, sql) for sql in refused} == dict.fromkeys(refused, 497), role


def test_whoever_opens_the_folder_can_do_what_the_page_names(own_database: Database, secret: Path) -> None:
    client = own_database.client(ANALYST)
    assert client.command(f"SELECT file('{secret}')") == "SECRET"
    client.command(f"SELECT 1 INTO OUTFILE '{secret}.out'")
    assert Path(f"{secret}.out").exists()
    assert code(client, "SELECT count() FROM system.processes") is None
    assert code(client, "SET max_memory_usage = 0") is None
    client.command('SET log_comment = \'{"account": "somebody else"}\'')
    inquiry = own_database.ask(ANALYST)
    assert own_database.logged(inquiry)["account"] == "somebody else"
    client.command("SET ROLE platestream_owner")
    assert code(client, "SELECT plate FROM platestream.detections") is None


def test_the_page_names_each_of_these() -> None:
    page = (Path(__file__).parents[3] / "docs/explanation/engine.md").read_text()
    for one in ("SET ROLE platestream_owner", "SET log_comment", "file('/path')", "INTO OUTFILE"):
        assert f"{one}" in page.partition("### In process")[2]
