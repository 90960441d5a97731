"""Attempts to have all reads sent to a system without the rule that allows it."""

from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

from platestream.access import rules_in_force
from platestream.access.door import Clients, Door
from platestream.notifications.reads_feed import RulesAsked
from platestream.notifications.service import check
from platestream.policy.checks import hits
from platestream.policy.checks.context import CheckData
from platestream.schemas import tables
from platestream.schemas.delivery import Delivery
from platestream.settings import Settings
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.factors import give

ST_JOHNS = (files("platestream.access.profiles") / "st-johns.toml").read_text("utf-8")
BEFORE = "mou_required = true\n"
RECEIVER = '[[receivers]]\nname = "map"\nmqtt_reads = "mqtt://127.0.0.1/reads"\npurpose = "map"\n'
ROUTED = '[[receivers]]\nname = "desk"\napprise = "json://127.0.0.1"\n[[routes]]\nto = ["desk"]\n'


@pytest.fixture
def agency(database: Database) -> Database:
    staffed(database, person("chief"))
    give(door_of(database, "chief"))
    return database


def allow(agency: Database, folder: Path) -> None:
    own = folder / "own.toml"
    own.write_text(ST_JOHNS.replace(BEFORE, f"{BEFORE}send_reads = true\n"))
    rules_in_force.put_in_force(door_of(agency, "chief"), str(own), "Chief of Police")


def forbid(agency: Database) -> None:
    rules_in_force.put_in_force(door_of(agency, "chief"), "st-johns", "Chief of Police")


def sent(agency: Database, number: int, ago: timedelta = timedelta(0)) -> None:
    """A batch that the notify flow recorded."""
    ident, at = UUID(int=number), agency.value("SELECT now64(3, 'UTC')") - ago
    batch = Delivery(
        delivery_id=ident, hit_id=ident, receiver="map", priority=5, outcome="reads", at=at, captured_at=at
    )
    agency.put(tables.DELIVERIES, batch)


def faults(agency: Database) -> tuple[str, ...]:
    now = agency.value("SELECT now64(3, 'UTC')")
    return hits.reads_sent(CheckData.of(door_of(agency, "chief"), now)).faults


def test_the_flow_asks_the_rules_in_force_each_time_and_sends_nothing_while_it_gets_no_answer(
    agency: Database, tmp_path: Path
) -> None:
    allowed = RulesAsked(Settings(clickhouse=agency.dsn, data=tmp_path))
    assert allowed() is False
    allow(agency, tmp_path)
    assert allowed() is True
    forbid(agency)
    assert allowed() is False
    away = RulesAsked(Settings(clickhouse="https://localhost:1/platestream", data=tmp_path))
    assert away() is None


def test_reads_are_held_only_while_the_rule_allowed_them(agency: Database, tmp_path: Path) -> None:
    allow(agency, tmp_path)
    sent(agency, 1)
    assert faults(agency) == ()
    forbid(agency)
    assert faults(agency) == ()
    sent(agency, 2)
    assert faults(agency) == ("sent against the rules in force: map",)


def test_reads_of_before_the_rule_are_against_it(agency: Database, tmp_path: Path) -> None:
    allow(agency, tmp_path)
    sent(agency, 1, timedelta(hours=1))
    assert faults(agency) == ("sent against the rules in force: map",)


def test_a_receiver_that_the_rules_do_not_allow_is_named_by_the_check(
    agency: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(ROUTED + RECEIVER)
    settings = Settings(clickhouse=agency.dsn, data=agency.data, notify_file=file)
    assert check(Door(settings, "chief", "test", Clients(settings))).fault.startswith("map: no reads")
    allow(agency, tmp_path)
    assert check(Door(settings, "chief", "test", Clients(settings))).fault == ""
