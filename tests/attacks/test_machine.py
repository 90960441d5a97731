"""Whoever starts a job that acts by itself is authorized first, and named by each of its acts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DOOR, connect
from platestream.hotlist import feed
from platestream.operators.inquiry_checks.order import NOBODY, RULES, check_order
from platestream.operators.people import People
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run
from platestream.policy.table import CHECKS
from platestream.retention import service as retention
from platestream.schemas.inquiry import Inquiry
from platestream.schemas.sign_in_event import ACT as SIGN_IN
from platestream.schemas.sign_in_event import SignInEvent
from platestream.transparency_log import service as publishing
from tests.support.database import Database
from tests.support.door import OWN, door_of, person, staffed
from tests.support.engine import Engine, password

ENTITLED = tuple(one for one in CHECKS if one.name == "entitled")


def faults(door: Door) -> tuple[str, ...]:
    (result,) = run(CheckData.of(door, datetime.now(UTC)), ENTITLED)
    return result.faults


def automatic(database: Database) -> list[Any]:
    return database.rows(
        "SELECT kind, set_off_by, outcome FROM platestream.inquiry_log WHERE automatic OR refusal != ''"
    )


@pytest.mark.parametrize(
    "start",
    [
        retention.start_scheduled,
        lambda door: feed.open_job(door, "ncic"),
        publishing.start,
    ],
)
@pytest.mark.parametrize("who", ["stranger", "smith", "gone", "lapsed"])
def test_4_nobody_starts_a_job_who_may_not_do_what_it_does(database: Database, start: Any, who: str) -> None:
    lapsed = person("lapsed", trained=datetime.now(UTC) - timedelta(days=800))
    staffed(database, person("vale"), person("smith", "analyst"), person("gone", active=False), lapsed)

    with pytest.raises(RefusedInquiry):
        start(door_of(database, who))

    assert database.value("SELECT countIf(outcome = 'allowed') FROM platestream.inquiry_log") == 0
    assert database.value("SELECT any(who) FROM platestream.inquiry_log") == who


def test_4_each_act_of_a_job_names_the_person_who_started_it(database: Database) -> None:
    staffed(database, person("vale"))
    job = retention.start_scheduled(door_of(database, "vale"))
    retention.run(job, timedelta(days=30), datetime.now(UTC))

    started, *rows = database.rows(
        "SELECT who, automatic, set_off_by, outcome FROM platestream.inquiry_log ORDER BY at"
    )
    assert started == ("vale", False, "", "allowed")
    assert rows
    assert {row[1:] for row in rows} == {(True, "vale", "allowed")}
    assert faults(door_of(database)) == ()


def put_in(database: Database, **columns: Any) -> tuple[str, str]:
    columns = {"kind": "retention", "on_behalf_of": "retention", "automatic": True, **columns}
    row = database.logged(database.ask(DOOR, **columns))
    return row["outcome"], row["refusal"]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"set_off_by": "stranger"},
        {"set_off_by": "smith"},
        {"set_off_by": "gone"},
        {"set_off_by": "agency:vale"},
        {"set_off_by": "nobody named"},
        {"set_off_by": "vale ", "kind": "hotlist_import"},
        {"set_off_by": "agency:sjpd", "kind": "hotlist_import"},
        {"set_off_by": "platestream_retention_job"},
        {"kind": "backup", "set_off_by": "smith"},
    ],
)
def test_4_in_process_an_automatic_act_names_a_person_who_may_do_it(
    database: Database, columns: dict[str, Any]
) -> None:
    staffed(database, person("vale"), person("smith", "analyst"), person("gone", active=False))

    assert put_in(database, **columns)[0] == "refused"
    assert put_in(database, set_off_by="vale") == ("allowed", "")


def test_4_a_service_that_names_nobody_is_found(database: Database) -> None:
    """The row that the retention account of a server writes without a starter, which is accepted."""
    staffed(database, person("vale"))
    put_in(database, set_off_by="vale")
    assert faults(door_of(database)) == ()
    forge(database, set_off_by=NOBODY)

    assert faults(door_of(database)) == ("1 automatic act of retention, started by nobody who is named",)


def test_4_the_owner_of_the_database_who_adds_an_automatic_row_without_a_starter_is_found(
    database: Database,
) -> None:
    staffed(database, person("vale"))
    put_in(database, set_off_by="vale")
    forge(database, set_off_by="")

    assert "started by nobody" in faults(door_of(database))[0]


def test_4_rows_from_before_the_upgrade_are_not_held_against_anybody(database: Database) -> None:
    staffed(database, person("vale"))
    put_in(database, set_off_by="vale")
    forge(database, set_off_by="", at=datetime.now(UTC) - timedelta(days=30))

    assert faults(door_of(database)) == ()


def forge(database: Database, **columns: Any) -> None:
    """A copy of the one row of the log, changed, as only the owner writes it."""
    (row,) = database.client().query("SELECT * FROM platestream.inquiry_log LIMIT 1").named_results()
    columns = {**row, "entry": uuid4(), "inquiry_id": uuid4(), "at": datetime.now(UTC), **columns}
    database.client().insert("platestream.inquiry_log", [list(columns.values())], column_names=list(columns))


def automatic_row(**columns: Any) -> Inquiry:
    at = datetime.now(UTC)
    fields = {"kind": "retention", "automatic": True, "outcome": "allowed", **columns}
    return Inquiry(
        inquiry_id=uuid4(),
        at=at,
        who="retention",
        agency="",
        tool="t",
        query_id="",
        since=at,
        until=at,
        **fields,
    )


@pytest.mark.parametrize(
    ("starter", "found"),
    [
        ("vale", []),
        ("", []),  # of an earlier release
        (NOBODY, ["started"]),
        ("stranger", ["started"]),
        ("gone", ["started"]),
        ("smith", ["started"]),
        ("agency:sjpd", ["started"]),
    ],
)
def test_4_the_audit_flow_finds_an_automatic_act_without_a_starter_who_may_do_it(
    starter: str, found: list[str]
) -> None:
    people = People([OWN, person("vale"), person("smith", "analyst"), person("gone", active=False)])
    rules = [one.rule for one in check_order(automatic_row(set_off_by=starter), people, RULES)]

    assert rules == found


def test_4_a_bolo_that_an_agency_set_off_needs_no_person() -> None:
    people = People([OWN, person("vale")])
    row = automatic_row(kind="bolo", set_off_by="agency:apache-county")

    assert [one.rule for one in check_order(row, people, RULES)] == []


def test_4_on_a_server_no_person_becomes_the_machine(engine: Engine, tmp_path: Path) -> None:
    for account in ("smith", "check", "owner"):
        inquiry = uuid4()
        more = {"inquiry_id": inquiry, "kind": "retention", "automatic": True, "set_off_by": "vale"}
        engine.client(account).insert("platestream.inquire", [list(more.values())], column_names=list(more))
        sql = f"SELECT outcome FROM platestream.inquiry_log WHERE inquiry_id = '{inquiry}'"
        assert engine.client("owner").query(sql).result_rows == [("refused",)]


@pytest.mark.parametrize(
    ("account", "key"),
    [("platestream_retention_job", "retention"), ("smith", "smith")],
)
def test_no_account_but_the_console_s_says_that_a_person_gave_the_second_factor(
    engine: Engine, account: str, key: str
) -> None:
    inquiry, person = uuid4(), "smith"
    event = SignInEvent(kind="confirmed", at=datetime.now(UTC), who=person, factor="authenticator app")
    row = {
        "inquiry_id": inquiry,
        "kind": SIGN_IN,
        "on_behalf_of": "console",
        "automatic": True,
        "set_off_by": person,
        "other": event.about,
        "change": event.text,
    }
    key = password(
        {"platestream_flows": "flows", "platestream_retention_job": "retention"}.get(account, account)
    )
    client = connect(f"http://{account}:{key}@127.0.0.1:{engine.port}/platestream", explain=True)
    client.insert("platestream.inquire", [list(row.values())], column_names=list(row))
    sql = f"SELECT outcome, factor_given FROM platestream.inquiry_log WHERE inquiry_id = '{inquiry}'"
    assert engine.client("owner").query(sql).result_rows == [("refused", False)]
