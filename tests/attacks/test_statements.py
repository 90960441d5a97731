"""Data read and changed beside the gate, through the built-in engine, by accounts that have the rights."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError as ClickHouseError

from platestream.clickhouse import migrate
from platestream.clickhouse.sql_files import statements
from platestream.edges import statement_log_check
from platestream.edges.clickhouse_client import connect
from platestream.edges.query_log import QueryLogPart
from platestream.schemas.finding import Finding
from tests.support.database import put_first_rules
from tests.support.engine import Engine, password
from tests.support.nightly import nightly

HOUR = timedelta(hours=1)
WAIT = {"mutations_sync": 2}
ALL = datetime(2026, 1, 1, tzinfo=UTC)
_flushes = set[str]()
"""Queries of `flush`, which are findings themselves once they are done."""


def service(engine: Engine, name: str) -> Client:
    """A client of an account of the pipeline."""
    return connect(
        f"http://platestream_{name}:{password(name)}@127.0.0.1:{engine.port}/platestream", explain=True
    )


def found(engine: Engine) -> list[Finding]:
    client = service(engine, "flows")
    try:
        every = QueryLogPart(lambda: client, ALL, follow=False, log="system.query_log").next_batch()
    finally:
        client.close()
    return [one for one in every if one.detail.rpartition(" ")[2] not in _flushes]


def logged(engine: Engine, query_id: str) -> list[dict[str, Any]]:
    client = engine.client("check")
    sql = "SELECT * FROM platestream.statements WHERE query_id = {id:String} ORDER BY number"
    rows = [dict(row) for row in client.query(sql, parameters={"id": query_id}).named_results()]
    client.close()
    return rows


def ask(engine: Engine, sql: str, account: str = "owner", **parameters: str) -> str:
    """Run it; the id of the query."""
    query_id = str(uuid4())
    engine.ask(sql, account, params={"query_id": query_id, "database": "platestream", **parameters})
    return query_id


def flush(engine: Engine) -> None:
    """Statements that name held tables are written before they run, with those that wait."""
    _flushes.add(ask(engine, "SELECT count() FROM platestream.images WHERE 0"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("logged"))
    made.start()
    migrate.apply(service(made, "migrate"))
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        ("SELECT plate FROM platestream.detections", {}),
        ("SELECT plate FROM detections", {}),
        ("SELECT plate FROM `platestream` . `detections` LIMIT 0", {}),
        ("select plate /* from one */ from detections as d", {}),
        ("SELECT * FROM numbers(1) AS n, detections", {}),
        ("SELECT * FROM system.one AS a CROSS JOIN detections", {}),
        ("WITH seen AS (SELECT plate FROM detections) SELECT * FROM seen", {}),
        ("SELECT (SELECT any(plate) FROM detections)", {}),
        ("SELECT 1 WHERE 'A' IN (SELECT plate FROM detections)", {}),
        ("SELECT plate FROM {t:Identifier}", {"param_t": "detections"}),
        ("SELECT plate FROM platestream.{t:Identifier}", {"param_t": "detections"}),
        ("SELECT plate FROM {d:Identifier}.detections", {"param_d": "platestream"}),
        ("SELECT 1 UNION ALL SELECT count() FROM detections", {}),
        ("(SELECT count() FROM detections)", {}),
        ("CREATE TABLE platestream.copy ENGINE = Memory AS SELECT plate FROM detections", {}),
        ("CREATE VIEW platestream.aside AS SELECT plate FROM detections", {}),
        ("ALTER TABLE detections UPDATE vehicle_other = 'X' WHERE 0", {}),
        ("ALTER TABLE platestream.evidence_detections DELETE WHERE 0", {}),
        ("DELETE FROM alert_hits WHERE 0", {}),
        ("INSERT INTO evidence_detections (hold_id, record) SELECT generateUUIDv4(), 'GHN5182'", {}),
        ("INSERT INTO inquiry_log (who) SELECT 'smith' WHERE 0", {}),
        ("ALTER TABLE hit_facts UPDATE source = 'sjpd' WHERE 0", {}),
        ("INSERT INTO deliveries (hit_id) SELECT generateUUIDv4() WHERE 0", {}),
        ("DELETE FROM inquiry_shown WHERE 0", {}),
        ("ALTER TABLE inquiry_salts DELETE WHERE 0", {}),
        ("INSERT INTO gate_rules SELECT * FROM gate_rules WHERE 0", {}),
        ("TRUNCATE TABLE deployment_findings", {}),
        ("DELETE FROM camera_hours WHERE 0", {}),
        ("ALTER TABLE traffic DELETE WHERE 0", {}),
        ("ALTER TABLE schema_migrations UPDATE applied_at = now64(3) WHERE 0", {}),
        ("RENAME TABLE platestream.documents TO platestream.papers", {}),
        ("RENAME TABLE platestream.papers TO platestream.documents", {}),
    ],
)
def test_a_statement_beside_the_gate_is_found_however_it_is_written(
    run: Engine, sql: str, parameters: dict[str, str]
) -> None:
    query_id = ask(run, sql, **parameters)
    flush(run)
    said = {one.detail.rpartition(" ")[2]: one for one in found(run)}
    assert said[query_id].rule in ("unlogged", "denied"), sql
    assert said[query_id].who == "owner"


def test_the_migrations_of_a_new_database_are_no_finding(run: Engine) -> None:
    flush(run)
    assert [one.detail for one in found(run) if one.who == "platestream_migrate"] == []


DEFINITIONS = (
    "CREATE TABLE platestream.copy ENGINE = Memory AS SELECT plate FROM platestream.detections",
    "CREATE VIEW platestream.aside AS SELECT plate FROM platestream.detections",
    "CREATE OR REPLACE VIEW platestream.search AS SELECT plate FROM platestream.detections",
    "ALTER TABLE platestream.inquire_plain_to_log MODIFY QUERY SELECT kind FROM platestream.inquire_plain",
    "ALTER TABLE platestream.inquiry_log MODIFY COLUMN reason String DEFAULT 'stolen vehicle'",
    "ALTER TABLE platestream.deliveries MODIFY TTL toDateTime(at) + INTERVAL 1 DAY",
    "OPTIMIZE TABLE platestream.detections FINAL DEDUPLICATE BY captured_at, camera_id, detection_id",
    "SYSTEM STOP VIEW platestream.detections_to_traffic",
    "DROP VIEW platestream.verdict",
)


def test_the_first_rules_of_a_new_database_are_no_finding(own_engine: Engine) -> None:
    own_engine.start()
    client = service(own_engine, "migrate")
    migrate.apply(client)
    put_first_rules(client)
    client.close()
    flush(own_engine)
    assert [one.detail for one in found(own_engine)] == []


def test_what_the_account_of_migrations_defines_beside_them_is_found(own_engine: Engine) -> None:
    own_engine.start()
    client = service(own_engine, "migrate")
    migrate.apply(client)
    for statement in DEFINITIONS:
        client.command(statement)
    client.close()
    flush(own_engine)
    verbs = [one.detail.partition(" beside the gate: ")[2].partition(";")[0] for one in found(own_engine)]
    assert verbs == [statement.partition(" ")[0] for statement in DEFINITIONS]


def test_statements_of_the_release_that_are_run_again_later_are_found(own_engine: Engine) -> None:
    """First rules and first administrators are the release's own words, and no way to change either."""
    own_engine.start()
    client = service(own_engine, "migrate")
    migrate.apply(client)
    put_first_rules(client)
    again = [
        one
        for migration in migrate.load()
        for one in statements(migration.sql)
        if one.startswith(("INSERT INTO platestream.gate_rules", "INSERT INTO platestream.administrators"))
    ]
    assert len(again) == 2
    for one in again:
        client.command(one)
    client.close()
    flush(own_engine)
    assert [one.detail.partition(" ")[0].rstrip(",") for one in found(own_engine)] == [
        "gate_rules",
        "administrators",
    ]


def test_a_name_of_the_database_that_is_changed_and_changed_back_is_found(own_engine: Engine) -> None:
    own_engine.start()
    migrate.apply(service(own_engine, "migrate"))
    to = {"database": "default"}
    for sql in ("RENAME DATABASE platestream TO aside", "RENAME DATABASE aside TO platestream"):
        own_engine.ask(sql, "owner", params=to)
    flush(own_engine)
    assert [one.detail[:11] for one in found(own_engine)] == ["platestream"] * 2


def test_a_record_of_a_migration_that_there_is_not_covers_nothing(own_engine: Engine) -> None:
    own_engine.start()
    client = service(own_engine, "migrate")
    migrate.apply(client)
    client.command("INSERT INTO platestream.deliveries (hit_id) SELECT generateUUIDv4()")
    client.command("ALTER TABLE platestream.deliveries UPDATE outcome = 'delivered' WHERE 1", settings=WAIT)
    record = "(version, name, sha256) SELECT 999, 'more', 'more'"
    client.command(f"INSERT INTO platestream.schema_migrations {record}")
    client.close()
    flush(own_engine)
    assert [one.detail.partition(" ")[0] for one in found(own_engine)] == ["deliveries", "deliveries"]


def test_no_table_names_another_one_by_a_string(run: Engine) -> None:
    buffer = "ENGINE = Buffer('platestream', 'detections', 1, 1, 1, 1, 1, 1, 1)"
    with pytest.raises(ClickHouseError, match="is not for clients"):
        service(run, "migrate").command(f"CREATE TABLE default.aside (plate String) {buffer}")


def test_rows_that_the_account_of_migrations_writes_beside_the_gate_are_found(run: Engine) -> None:
    client = service(run, "migrate")
    source = "SELECT generateUUIDv4(), plate FROM platestream.detections"
    sql = f"INSERT INTO platestream.evidence_detections (hold_id, record) {source}"
    client.command(sql)
    client.close()
    flush(run)
    assert [one.detail[:46] for one in found(run) if one.who == "platestream_migrate"] == [
        "detections, evidence_detections beside the gate"[:46]
    ]


def test_records_that_the_account_of_migrations_changes_after_them_are_found(own_engine: Engine) -> None:
    own_engine.start()
    client = service(own_engine, "migrate")
    migrate.apply(client)
    long_ago = "applied_at = applied_at - INTERVAL 1 DAY"
    client.command(f"ALTER TABLE platestream.schema_migrations UPDATE {long_ago} WHERE 1", settings=WAIT)
    client.command("ALTER TABLE platestream.hit_facts UPDATE source = 'sjpd' WHERE 1", settings=WAIT)
    client.command("ALTER TABLE platestream.schema_migrations UPDATE applied_at = now64(3) WHERE 1")
    client.close()
    flush(own_engine)
    named = [one.detail.partition(" ")[0] for one in found(own_engine) if one.who == "platestream_migrate"]
    assert named.count("schema_migrations") == 2


def test_a_documented_search_is_logged_with_its_inquiry_and_is_no_finding(run: Engine) -> None:
    inquiry = str(uuid4())
    ask(
        run,
        "INSERT INTO platestream.inquire (inquiry_id, pattern, reason)"
        f" SELECT '{inquiry}', 'AB*', 'stolen vehicle'",
        "smith",
    )
    query_id = ask(run, f"SELECT * FROM platestream.search(inquiry = '{inquiry}')", "smith")
    flush(run)
    (row,) = logged(run, query_id)
    assert (row["account"], row["tables"], [str(one) for one in row["inquiries"]]) == (
        "smith",
        ["search"],
        [inquiry],
    )
    assert query_id not in {one.detail.rpartition(" ")[2] for one in found(run)}


@pytest.mark.parametrize("table", ["detections", "images", "alert_hits", "dead_letters"])
def test_a_figure_of_what_an_auditor_may_read_is_no_finding(run: Engine, table: str) -> None:
    query_id = ask(run, f"SELECT count() FROM platestream.{table}", "check")
    flush(run)
    assert {tuple(row["roles"]) for row in logged(run, query_id)} == {("platestream_auditor",)}
    assert query_id not in {one.detail.rpartition(" ")[2] for one in found(run)}


def test_an_account_that_was_denied_is_noted(run: Engine) -> None:
    query_id = ask(run, "SELECT plate FROM platestream.detections", "smith")
    flush(run)
    (one,) = (one for one in found(run) if one.detail.endswith(query_id))
    assert (one.rule, one.who) == ("denied", "smith")


def test_an_id_that_is_used_again_hides_no_read(run: Engine) -> None:
    query_id = ask(run, "SELECT plate FROM platestream.detections")
    run.ask("SELECT count() FROM platestream.registry", params={"query_id": query_id})
    run.ask("SELECT count() FROM platestream.images", params={"query_id": query_id})
    flush(run)
    rules = [one.rule for one in found(run) if one.detail.endswith(query_id)]
    assert rules == ["unlogged", "unlogged"]


def test_an_act_of_a_backup_covers_what_a_backup_reads_and_nothing_else(own_engine: Engine) -> None:
    own_engine.start()
    migrate.apply(service(own_engine, "migrate"))
    act = [[uuid4(), "backup", "lee"]]
    names = ["inquiry_id", "kind", "on_behalf_of"]
    service(own_engine, "console").insert("platestream.inquire", act, column_names=names)
    assert own_engine.rows("SELECT kind, outcome FROM platestream.inquiry_log") == [["backup", "allowed"]]
    copied = ask(own_engine, "SELECT * FROM platestream.evidence_detections")
    beside = {
        ask(own_engine, sql)
        for sql in (
            "SELECT plate FROM platestream.detections",
            "SELECT d.plate FROM platestream.evidence_detections AS e, platestream.detections AS d",
            "TRUNCATE TABLE platestream.inquiry_findings",
            "INSERT INTO platestream.inquiry_log (who) SELECT 'smith' WHERE 0",
        )
    }
    flush(own_engine)
    named = {one.detail.rpartition(" ")[2] for one in found(own_engine)}
    assert beside <= named
    assert copied not in named


def test_no_text_of_a_statement_is_kept(run: Engine) -> None:
    ask(run, "SELECT count() FROM platestream.detections WHERE plate = 'GHN5162'")
    flush(run)
    client = run.client("check")
    rows = client.query("SELECT toString(tuple(*)) FROM platestream.statements").result_rows
    client.close()
    assert rows
    assert [row for row in rows if "GHN5162" in row[0]] == []


def test_a_kill_after_a_read_hides_nothing(own_engine: Engine) -> None:
    own_engine.start()
    migrate.apply(service(own_engine, "migrate"))
    query_id = ask(own_engine, "SELECT plate FROM platestream.detections")
    own_engine.kill()
    own_engine.start()
    assert logged(own_engine, query_id)[0]["state"] == "started"


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ("DELETE WHERE number = 2", "not what the engine logged"),
        *nightly(
            ("UPDATE account = 'platestream_flows' WHERE number = 2", "not what the engine logged"),
            ("UPDATE tables = ['search'] WHERE number = 2", "not what the engine logged"),
        ),
    ],
)
def test_a_log_that_its_owner_alters_is_not_what_was_sealed(
    own_engine: Engine, forged: str, says: str
) -> None:
    own_engine.start()
    migrate.apply(service(own_engine, "migrate"))
    for _ in range(3):
        ask(own_engine, "SELECT plate FROM platestream.detections")
    own_engine.stop()  # its digest goes into the inquiry log
    own_engine.start()
    client = own_engine.client("check")
    assert list(statement_log_check.faults(client, ALL, datetime.now(UTC))) == []
    client.close()
    ask(own_engine, f"ALTER TABLE platestream.statements {forged} SETTINGS mutations_sync = 2")
    flush(own_engine)
    client = own_engine.client("check")
    assert says in " ".join(statement_log_check.faults(client, ALL, datetime.now(UTC)))
    client.close()
    assert any("statements beside the gate" in one.detail for one in found(own_engine)), "and that is logged"


def test_statements_that_no_digest_covers_are_a_fault_after_two_hours(run: Engine) -> None:
    flush(run)
    client = run.client("check")
    assert list(statement_log_check.faults(client, ALL, datetime.now(UTC))) == []
    (fault,) = statement_log_check.faults(client, ALL, datetime.now(UTC) + 3 * HOUR)
    client.close()
    assert "are in no digest yet" in fault
