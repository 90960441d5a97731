"""Attempts to have other rules than those in force: by the environment, a file, or a changed row."""

import os
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from typer.testing import CliRunner

from docs.generators.catalogue import example
from platestream.access import registry
from platestream.access import rules_in_force as in_force
from platestream.access.door import Clients, Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.profiles import load
from platestream.access.rules_reader import RulesError, rules_in_force
from platestream.cli.main import app
from platestream.clickhouse import migrate
from platestream.edges.changelog import publish
from platestream.edges.clickhouse_client import (
    OWNER,
)
from platestream.evidence import hold
from platestream.operations.setup import apply_migrations
from platestream.policy.checks import cameras, registry_acts
from platestream.policy.checks import retention as keeping
from platestream.policy.checks.context import CheckData
from platestream.retention import recovery_stores
from platestream.retention import service as retention
from platestream.schemas import tables, topics
from platestream.schemas.detection import Detection
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, signed_in_as, staffed
from tests.support.factors import give

DAY = timedelta(days=1)

WAIT = {"mutations_sync": 2}

READ = Detection.from_json(bytes(example("detection").accepted))

ST_JOHNS = (files("platestream.access.profiles") / "st-johns.toml").read_text("utf-8")


@pytest.fixture
def agency(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An agency with an administrator and an officer, and one read of ten days ago."""
    staffed(database, person("chief"), person("smith", "officer"))
    at = NOW - 10 * DAY
    old = msgspec.structs.replace(READ, detection_id=uuid4(), captured_at=at, best_at=at)
    database.put(tables.DETECTIONS, old)
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(database.data))
    return database


def profile(folder: Path, name: str = "short.toml", **changed: str) -> Path:
    """Write the agency's profile with other values, each `old=new` as text of the file."""
    text = ST_JOHNS
    for old, new in (changed or {"30 days": "3 minutes"}).items():
        assert old in text
        text = text.replace(old, new)
    made = folder / name
    made.write_text(text)
    return made


def door(database: Database, who: str, named: str) -> Door:
    settings = Settings(clickhouse=database.dsn, data=database.data, profile=named)
    return Door(settings, who, "test", Clients(settings))


def left(database: Database) -> int:
    return int(database.value("SELECT count() FROM platestream.detections"))


def refused(*words: str) -> str:
    """What a command says that does not begin."""
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, RulesError), done.output
    return str(done.exception)


@pytest.mark.parametrize("who", ["stranger", "smith", "chief"])
@pytest.mark.parametrize("more", [(), ("--every", "15")])
def test_another_profile_in_the_environment_deletes_nothing(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str, more: tuple[str, ...]
) -> None:
    signed_in_as(monkeypatch, who)
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(profile(tmp_path)))
    said = refused("retention", "run", *more)
    assert "retention.data: 3 minutes -> 30 days" in said
    assert "platestream registry rules --profile" in said
    assert left(agency) == 1


def test_a_caller_that_compares_nothing_deletes_by_the_rules_in_force(
    agency: Database, tmp_path: Path
) -> None:
    job = replace(door(agency, "retention", str(profile(tmp_path))), automatic=True, set_off_by="chief")
    receipt = retention.read_receipt(retention.run(job))
    assert receipt.period_s == 30 * 24 * 3600
    assert left(agency) == 1


@pytest.mark.parametrize("who", ["stranger", "smith", "chief"])
def test_another_profile_holds_no_evidence_for_another_time(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    named = profile(tmp_path, **{"10 years": "1 hour"})
    assert hold.schedules(door(agency, who, str(named)))["felony"] == "10 years"
    signed_in_as(monkeypatch, who)
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(named))
    result = ["--case", "26-001234", "--authority", "Chief", "--schedule", "felony", "ABC*"]
    assert "evidence.schedules.felony: 1 hour -> 10 years" in refused("evidence", "hold", *result)
    assert agency.value("SELECT count() FROM platestream.evidence_holds") == 0


@pytest.mark.parametrize("named", ["./st-johns.toml", "sub/../st-johns.toml"])
def test_an_edited_copy_of_a_profile_of_the_package_is_not_that_profile(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    profile(tmp_path, "st-johns.toml")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLATESTREAM_PROFILE", named)
    refused("retention", "run")
    assert left(agency) == 1


def test_a_profile_edited_in_the_package_changes_nothing_that_is_in_force(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = load(str(profile(tmp_path)))
    monkeypatch.setattr("platestream.access.rules_reader.load", lambda _name: edited)
    assert door_of(agency).rules.profile.retention.data == "30 days"
    monkeypatch.setenv("PLATESTREAM_PROFILE", "st-johns")
    refused("retention", "run")


def test_a_file_that_is_swapped_after_it_was_put_in_force_changes_nothing(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = profile(tmp_path, "own.toml", **{"30 days": "20 days"})
    in_force.put_in_force(door_of(agency, "chief"), str(own), "Chief of Police")
    own.write_text(own.read_text().replace("20 days", "3 minutes"))
    job = replace(door(agency, "retention", str(own)), automatic=True, set_off_by="chief")
    assert retention.read_receipt(retention.run(job)).period_s == 20 * 24 * 3600
    monkeypatch.setenv("PLATESTREAM_PROFILE", str(own))
    refused("retention", "run")
    own.unlink()
    assert job.rules.profile.retention.data == "20 days", "the file is not needed any more"


def test_one_relative_name_means_no_two_profiles(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, period in (("one", "20 days"), ("two", "3 minutes")):
        (tmp_path / folder).mkdir()
        profile(tmp_path / folder, "own.toml", **{"30 days": period})
    monkeypatch.chdir(tmp_path / "one")
    in_force.put_in_force(door_of(agency, "chief"), "own.toml", "Chief of Police")
    monkeypatch.chdir(tmp_path / "two")
    monkeypatch.setenv("PLATESTREAM_PROFILE", "own.toml")
    refused("retention", "run")
    monkeypatch.chdir(tmp_path / "one")
    signed_in_as(monkeypatch, "chief")
    assert CliRunner().invoke(app, ["registry", "list", "camera"]).exit_code == 0


def test_a_flow_and_its_recovery_store_do_not_start_with_another_profile(
    agency: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = str(profile(tmp_path))
    settings = Settings(clickhouse=agency.dsn, data=agency.data, profile=named)
    with pytest.raises(RulesError, match="contradicts the rules in force"):
        rules_in_force(settings)
    monkeypatch.setenv("PLATESTREAM_PROFILE", named)
    monkeypatch.setattr(os, "execvp", lambda *_words: pytest.fail("the flow was started"))
    store = agency.data / "recovery" / "recognize"
    with pytest.raises(RulesError):
        recovery_stores.main(str(store), "1", "true")
    assert not store.exists()


@pytest.mark.parametrize(
    "change",
    [
        "retention_s = 180",
        "case_number = '.*'",
        "rules = replaceAll(rules, '30 days', '3 minutes')",
        """rules = replaceAll(rules, '"always_registry":false', '"always_registry":true')""",
    ],
)
def test_a_row_whose_text_and_columns_differ_is_used_by_nobody(agency: Database, change: str) -> None:
    owner = agency.client(OWNER)
    owner.command(f"ALTER TABLE platestream.gate_rules UPDATE {change} WHERE 1", settings=WAIT)
    with pytest.raises(RulesError, match="contradict themselves"):
        retention.run(replace(door_of(agency, "retention"), automatic=True, set_off_by="chief"))
    assert left(agency) == 1
    live = CheckData.of(door_of(agency, "chief"), NOW)
    assert "in the gate" in "; ".join(keeping.rules(live).faults)


def test_a_row_that_is_changed_in_text_and_columns_alike_is_not_held(agency: Database) -> None:
    """By the owner of the database, the only one who can: no act holds the hash of what is there then."""
    chief = door_of(agency, "chief")
    in_force.put_in_force(chief, "virginia", "Chief of Police")
    assert registry_acts.rules_logged(CheckData.of(chief, NOW)).faults == ()
    both = "rules = replaceAll(rules, '21 days', '3 minutes'), retention_s = 180"
    sql = f"ALTER TABLE platestream.gate_rules UPDATE {both} WHERE profile = 'virginia'"
    agency.client(OWNER).command(sql, settings=WAIT)
    assert "no act holds the hash" in registry_acts.rules_logged(CheckData.of(chief, NOW)).faults[0]


def test_rules_changed_and_changed_back_around_a_deletion_are_two_acts_of_the_administrator(
    agency: Database, tmp_path: Path
) -> None:
    chief, short = door_of(agency, "chief"), profile(tmp_path)
    with pytest.raises(RefusedInquiry, match="it takes administrator"):
        in_force.put_in_force(door_of(agency, "smith"), str(short), "Chief of Police")
    assert chief.rules.profile.retention.data == "30 days"
    in_force.put_in_force(chief, str(short), "Chief of Police")
    first = chief.rules.digest
    give(chief)
    in_force.put_in_force(chief, "st-johns", "Chief of Police")
    acts = agency.rows(
        "SELECT effect, change FROM platestream.inquiry_log"
        " WHERE kind = 'rules' AND outcome = 'allowed' ORDER BY at"
    )
    assert [effect for effect, _change in acts] == [first, chief.rules.digest]
    assert "retention.data: 30 days -> 3 minutes" in acts[0][1]
    assert "retention.data: 3 minutes -> 30 days" in acts[1][1]


def begin(database: Database, named: str) -> list[str]:
    """What `platestream migrate` does with this PLATESTREAM_PROFILE."""
    return apply_migrations(door(database, "up", named))


@pytest.mark.parametrize("acts", [False, True])
def test_the_setting_chooses_the_profile_of_an_installation_in_which_nobody_acted_and_of_no_other(
    empty_database: Database, acts: bool
) -> None:
    migrate.apply(empty_database.client())
    if acts:
        empty_database.ask()
    begin(empty_database, "virginia")
    rules = door_of(empty_database).rules
    assert rules.name == ("st-johns" if acts else "virginia")
    assert (
        empty_database.value("SELECT retention_s FROM platestream.rules_in_force") == rules.gate.retention_s
    )
    begin(empty_database, "new-jersey")
    assert door_of(empty_database).rules == rules


def without_text(database: Database, name: str) -> None:
    """Rows as a release before would have stored them."""
    sql = f"ALTER TABLE platestream.gate_rules UPDATE rules = '', profile = '{name}' WHERE 1"
    database.client().command(sql, settings=WAIT)


def test_an_installation_of_a_release_before_keeps_its_rules_and_gets_their_text_once(
    database: Database, tmp_path: Path
) -> None:
    own = profile(tmp_path, "own.toml", **{"30 days": "20 days", "10 years": "11 years"})
    in_force.put_in_force(door_of(database), str(own), "Chief of Police")
    without_text(database, str(tmp_path / "gone.toml"))
    with pytest.raises(RulesError, match="no text"):
        _ = door_of(database).rules
    with pytest.raises(RulesError):
        begin(database, str(profile(tmp_path)))
    without_text(database, str(own))
    assert begin(database, "virginia") == [f"rules in force: those of the profile {own}"]
    rules = door_of(database).rules
    assert rules.profile.evidence.schedules["felony"] == "11 years"
    assert rules.gate.retention == 20 * DAY
    assert begin(database, "") == []
    assert database.value("SELECT countIf(adopted_at > 0) FROM platestream.gate_rules WHERE rules != ''") == 1


def test_no_module_takes_a_rule_from_the_profile_that_a_setting_names() -> None:
    """But those that compare it, begin with it, diagnose it, or go before a flow that asks the database."""
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for package in ("flows", "platestream", "operators")
        for path in (root / package).rglob("*.py")
        if "settings.profile" in path.read_text() or "load_settings().profile" in path.read_text()
    }
    assert found <= {
        "platestream/access/rules_reader.py",
        "platestream/operations/setup.py",
        "platestream/operations/backup/restore.py",
        "platestream/cameras/gateway.py",
        "platestream/operations/doctor/installation.py",
        "platestream/retention/recovery_stores.py",
    }


@pytest.mark.parametrize(
    ("setting", "value", "path"),
    [
        ("unapproved", "watch", "cameras.unapproved"),
        ("alert_confidence", 0.9, "alerts.least_confidence"),
        ("alternative_confidence", 1.0, "alerts.least_alternative"),
    ],
)
def test_a_setting_that_changed_a_rule_is_refused_where_it_contradicts_the_rules_in_force(
    agency: Database, setting: str, value: object, path: str
) -> None:
    settings = Settings(clickhouse=agency.dsn, data=agency.data).model_copy(update={setting: value})
    with pytest.raises(RulesError, match=path):
        rules_in_force(settings)


TOWN = "boundary = [[34.4, -109.5], [34.6, -109.5], [34.6, -109.25], [34.4, -109.25]]\n"


def camera(north: float, east: float, *, moves: bool = False) -> RegistryRecord:
    fields: dict[str, Any] = {"approved_by": "Chief", "approved_at": NOW - DAY, "moves": moves}
    return RegistryRecord(kind="camera", id="c1", name="c1", latitude=north, longitude=east, **fields)


def test_20_a_fixed_camera_outside_the_agencys_boundary_is_refused_or_not_held(
    agency: Database, tmp_path: Path
) -> None:
    bounded = profile(tmp_path, "own.toml", **{'state = "AZ"\n': f'state = "AZ"\n{TOWN}'})
    chief = door_of(agency, "chief")
    in_force.put_in_force(chief, str(bounded), "Chief of Police")
    with pytest.raises(RefusedError, match="outside the agency's boundary"):
        registry.put(chief, camera(33.4, -112.0), NOW)
    with pytest.raises(RefusedError, match="outside the agency's boundary"):
        registry.put(chief, camera(34.7, -109.4), NOW)
    registry.put(chief, camera(34.5, -109.4), NOW)
    assert cameras.bounded(CheckData.of(chief, NOW)).faults == ()
    moved = msgspec.structs.replace(
        READ, detection_id=uuid4(), camera_id="c1", latitude=33.4, longitude=-112.0
    )
    agency.put(tables.DETECTIONS, moved)
    assert "took pictures outside" in cameras.bounded(CheckData.of(chief, NOW)).faults[0]
    behind = msgspec.structs.replace(camera(33.4, -112.0), changed_at=NOW + DAY)
    publish(chief.streams, topics.REGISTRY, [behind])
    assert "registered outside" in cameras.bounded(CheckData.of(chief, NOW)).faults[0]


def test_20_without_a_boundary_in_the_rules_nothing_is_held(agency: Database) -> None:
    (gap,) = cameras.bounded(CheckData.of(door_of(agency, "chief"), NOW)).gaps
    assert gap.needs.startswith("[agency] boundary in the profile")
