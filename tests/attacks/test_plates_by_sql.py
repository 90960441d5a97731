"""Plates that people's roles read by SQL without an inquiry, an act or a row of the log."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from platestream.access import rules_in_force
from platestream.access.gate import THROWN
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    ANALYST,
    AUDITOR,
    CUSTODIAN,
    DASHBOARD,
    SUPERVISOR,
)
from platestream.schemas.tables import DETECTIONS, REGISTRY
from tests.support.database import Database
from tests.support.door import OWN, person
from tests.support.engine import Engine
from tests.support.flows import detection

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


TABLES = (
    "SELECT pattern FROM platestream.inquiry_log",
    "SELECT other FROM platestream.inquiry_log",
    "SELECT * FROM platestream.inquiry_log",
    "SELECT count() FROM platestream.inquiry_log WHERE pattern LIKE 'GHN%'",
    "SELECT uniq(other) FROM platestream.inquiry_log PREWHERE other != ''",
    "SELECT content FROM platestream.documents",
    "SELECT count() FROM platestream.documents WHERE content LIKE '%GHN%'",
)


@pytest.mark.parametrize("role", PEOPLE)
def test_nobody_reads_what_was_searched_or_held_from_the_tables(
    database: Database, searched: UUID, role: str
) -> None:
    assert {sql: code(database, role, sql) for sql in TABLES} == dict.fromkeys(TABLES, ACCESS_DENIED)


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


def test_a_custodian_reads_inquiries_by_an_act_about_a_hold_alone(database: Database, searched: UUID) -> None:
    assert logged(database, CUSTODIAN, database.ask(CUSTODIAN, kind="evidence_show"), "pattern") == []
    act = database.ask(CUSTODIAN, kind="shift_show")
    assert code(database, CUSTODIAN, f"SELECT * FROM platestream.logged(inquiry = '{act}')") == THROWN


# Settings that a client may bring: what ends reading early, filters, or changes what a query means.
BREAK = {"max_block_size": "1", "max_threads": "1"}
LIMITS = {
    "max_rows_to_read": "read",
    "max_bytes_to_read": "read",
    "max_result_rows": "result",
    "max_rows_in_set": "set",
    "max_rows_in_join": "join",
    "max_rows_in_distinct": "distinct",
    "max_rows_to_sort": "sort",
    "max_rows_to_group_by": "group_by",
    "max_rows_to_transfer": "transfer",
}
WORDS = """
limit=1 limit=0 offset=1 final=1 readonly=0 readonly=1 async_insert=1
wait_for_async_insert=0 insert_deduplicate=1
deduplicate_blocks_in_dependent_materialized_views=1 parallel_view_processing=1
materialized_views_ignore_errors=1 ignore_materialized_views_with_dropped_target_table=1
apply_deleted_mask=0 apply_mutations_on_fly=0 apply_patch_parts=0 join_use_nulls=1
transform_null_in=1 join_default_strictness=ANY any_join_distinct_right_table_keys=1
aggregate_functions_null_for_empty=1 group_by_use_nulls=1
empty_result_for_aggregation_by_empty_set=1 count_distinct_implementation=uniq
short_circuit_function_evaluation=disable enable_analyzer=0 compatibility=20.3
use_query_cache=1 force_primary_key=1 max_columns_to_read=1 insert_null_as_default=0
session_timezone=Pacific/Kiritimati optimize_use_implicit_projections=1
cast_keep_nullable=1 prefer_column_name_to_alias=1 query_plan_enable_optimizations=0
implicit_select=1 analyzer_inline_views=1
"""
SETTINGS: list[dict[str, str]] = [
    *(
        {name: most, f"{kind}_overflow_mode": "any" if kind == "group_by" else "break", **size}
        for name, kind in LIMITS.items()
        for most in ("1", "2", "50")[: 3 if kind == "read" else 1]
        for size in ({}, BREAK)[0 if kind == "read" else 1 :]
    ),
    *(
        {f"max_{what}_to_read_leaf": most, "read_overflow_mode_leaf": "break", **BREAK}
        for what in ("rows", "bytes")
        for most in ("1", "2")
    ),
    *(
        {f"max_execution_time{leaf}": seconds, f"timeout_overflow_mode{leaf}": "break"}
        for leaf in ("", "_leaf")
        for seconds in ("0.000001", "0.005", "0.02", "0.04")
    ),
    *(dict([one.split("=")]) for one in WORDS.split()),
    {"additional_table_filters": "{'platestream.registry': '0'}"},
    {"additional_result_filter": "1"},
]
ASKED = "INSERT INTO platestream.inquire (inquiry_id, {who}kind, case_number, pattern, vehicles) VALUES "


def furnish(own: Client, ask: Callable[[str], object]) -> None:
    """Smith was an analyst, jones has used up the limit, Maier is nobody; each row is a part of its own."""
    own.command("SYSTEM STOP MERGES")
    ended = msgspec.structs.replace(person("smith", "analyst", active=False), changed_at=datetime.now(UTC))
    for one in (
        OWN,
        person("zed", "administrator"),
        person("smith", "analyst"),
        ended,
        person("jones", "analyst"),
    ):
        own.insert("platestream.registry", REGISTRY.rows(one), column_names=list(REGISTRY.columns))
    seen = [
        msgspec.structs.replace(
            detection(f"AA{number:04}", 0, "cam"),
            captured_at=datetime.now(UTC) - timedelta(hours=3, seconds=number),
            detection_id=uuid4(),
        )
        for number in range(60)
    ]
    rows = [row for one in seen for row in DETECTIONS.rows(one)]
    own.insert("platestream.detections", rows, column_names=list(DETECTIONS.columns))
    for _part in range(5):
        ask("jones")


def shown(
    ask: Callable[..., object], see: Callable[..., int], settings: dict[str, str], every: bool = True
) -> list[str]:
    """Who saw rows, with these settings on the inquiry and on the search, and on one of them."""
    tried = [("smith", settings, settings), ("jones", settings, settings)]
    tried += (
        [("maier", settings, settings), ("jones", settings, {}), ("jones", {}, settings)] if every else []
    )
    return [
        f"{who}, inquiry {before}, search {after}"
        for who, before, after in tried
        if see(who, ask(who, before), after)
    ]


Ways = tuple[Callable[..., Any], Callable[..., int]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    """Ways to enter an inquiry and to read by it, over HTTP as an account of that name."""
    engine = Engine(tmp_path_factory.mktemp("settings"))
    engine.start()
    own = engine.client("owner")
    migrate.apply(own)
    rules_in_force.upgrade(own, "")

    def ask(who: str, settings: dict[str, str] | None = None) -> str:
        one = str(uuid4())
        sql = f"{ASKED.format(who='')} ('{one}', 'search', '26-001234', 'AA*', 200)"
        engine.ask(sql, who, params=settings or {})
        return one

    def see(who: str, inquiry: str, settings: dict[str, str]) -> int:
        sql = f"SELECT plate FROM platestream.search(inquiry = '{inquiry}')"
        answer = engine.ask(sql, who, params=settings)
        return len(answer.text.splitlines()) if answer.status_code == 200 else 0

    furnish(own, ask)
    yield ask, see
    engine.stop()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_no_setting_gets_an_answer_over_http_without_a_counted_inquiry(
    served: Ways, settings: dict[str, str]
) -> None:
    assert shown(*served, settings, every=False) == []


@pytest.mark.nightly
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_no_setting_of_one_statement_gets_an_answer_over_http_without_a_counted_inquiry(
    served: Ways, settings: dict[str, str]
) -> None:
    assert shown(*served, settings) == []


@pytest.mark.nightly
def test_no_setting_gets_an_answer_in_process_without_a_counted_inquiry(database: Database) -> None:
    client = database.client(ANALYST)

    def ask(who: str, settings: dict[str, str] | None = None) -> str:
        one = str(uuid4())
        sql = f"{ASKED.format(who='on_behalf_of, ')} ('{one}', '{who}', 'search', '26-001234', 'AA*', 200)"
        with suppress(ClickHouseError):
            client.command(sql, settings=settings)
        return one

    def see(_who: str, inquiry: str, settings: dict[str, str]) -> int:
        sql = f"SELECT plate FROM platestream.search(inquiry = '{inquiry}')"
        try:
            return len(client.query(sql, settings=settings).result_rows)
        except ClickHouseError:
            return 0

    furnish(database.client(), ask)
    try:
        assert [one for settings in SETTINGS for one in shown(ask, see, settings, every=False)] == []
    finally:
        client.close()  # a setting such as `readonly` stays on its connection


def test_settings_of_a_caller_do_not_reach_into_views(database: Database) -> None:
    """ClickHouse takes them there, but for what the profile of the views' account fixes."""
    text = files("platestream.clickhouse").joinpath("roles.xml").read_text()
    fixed = ElementTree.fromstring(text).find("profiles/platestream_gate/constraints")
    assert fixed is not None
    known = {name for (name,) in database.rows("SELECT name FROM system.settings")}
    names = sorted({one.tag for one in fixed} & known)
    own, values = database.client(), ", ".join(f"toString(getSetting('{name}'))" for name in names)
    own.command(
        "CREATE VIEW platestream.probe DEFINER = platestream_definer SQL SECURITY DEFINER AS "
        f"SELECT (SELECT count() FROM (SELECT name FROM platestream.schema_views)) AS n, [{values}] AS v"
    )
    try:
        plain = own.query("SELECT * FROM platestream.probe").result_rows
        for settings in SETTINGS:
            try:
                rows = own.query("SELECT * FROM platestream.probe", settings=settings).result_rows
            except ClickHouseError:
                continue
            assert rows in ([], plain), settings
    finally:
        own.command("DROP VIEW platestream.probe")
    assert len(names) == len(fixed)
