"""Attempts to use another file than those that the rules in force bind (issue 27, row 5)."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.access import rules_in_force as in_force
from platestream.access.door import Clients, Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.rules_reader import RulesError, rules_in_force, text_of
from platestream.notifications.factory import read_rules
from platestream.operations.setup import apply_migrations
from platestream.policy.checks import retention as keeping
from platestream.policy.checks.context import CheckData
from platestream.retention import recovery_stores
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.rules import as_before

DAY = timedelta(days=1)

READ = Detection.from_json(bytes(example("detection").accepted))


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


TOML = 'oldest = "12 hours"\n[[receivers]]\nname = "cad"\napprise = "json://me:{}@cad.agency.example"\n'
TOML += '[[routes]]\nto = ["cad"]\n'


@pytest.fixture
def bound(agency: Database, tmp_path: Path) -> Path:
    """The file of notification, in force by an act; the other two are not."""
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    wanted = in_force.Change(files={"notify_file": file})
    in_force.change(door_of(agency, "chief"), wanted, "Chief of Police")
    return file


def with_file(database: Database, file: Path, name: str = "notify_file") -> Settings:
    text_of.cache_clear()  # another process
    return Settings(clickhouse=database.dsn, data=database.data).model_copy(update={name: file})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cad.agency", "evil"),
        ("me:", "you:"),
        ('"12 hours"', '"10 days"'),
        ('to = ["cad"]', 'to = ["cad"]\nhistorical = true'),
        ('"cad"\napprise', '"cad"\nshows = "picture"\napprise'),
    ],
)
def test_05_another_file_of_notification_starts_nothing_and_is_not_held(
    agency: Database, bound: Path, old: str, new: str
) -> None:
    result = bound.read_text()
    assert old in result
    bound.write_text(result.replace(old, new))
    settings = with_file(agency, bound)
    with pytest.raises(RulesError, match=r"PLATESTREAM_NOTIFY_FILE=.* is not the file in force"):
        rules_in_force(settings)
    chief = Door(settings, "chief", "test", Clients(settings))
    assert "is not the file in force" in "; ".join(keeping.rules(CheckData.of(chief, NOW)).faults)


def test_05_a_secret_a_comment_and_a_copy_elsewhere_are_the_same_file(
    agency: Database, bound: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text("# our rules\n" + TOML.format("another secret"))
    rules_in_force(with_file(agency, copy))
    copy.unlink()
    rules_in_force(with_file(agency, copy))


@pytest.mark.parametrize("name", ["partners_file", "oidc_file"])
def test_05_a_file_that_no_act_put_in_force_is_none_that_may_be_used(
    agency: Database, bound: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "other.toml"
    file.write_text('issuer = "https://login.evil.example"\n')
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))
    in_force.put_in_force(door_of(agency, "chief"), "virginia", "Chief of Police")
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))
    in_force.change(door_of(agency, "chief"), in_force.Change(files={name: file}), "Chief of Police")
    rules_in_force(with_file(agency, file, name))
    in_force.change(door_of(agency, "chief"), in_force.Change(files={name: None}), "Chief of Police")
    with pytest.raises(RulesError, match="in force none"):
        rules_in_force(with_file(agency, file, name))


def test_05_nobody_but_an_administrator_binds_a_file(agency: Database, bound: Path) -> None:
    bound.write_text(TOML.format("secret").replace("cad.agency", "evil"))
    text_of.cache_clear()
    wanted = in_force.Change(files={"notify_file": bound})
    with pytest.raises(RefusedInquiry, match="it takes administrator"):
        in_force.change(door_of(agency, "smith"), wanted, "Chief of Police")


def test_05_a_file_that_is_swapped_after_the_start_is_not_read_again(agency: Database, bound: Path) -> None:
    settings = with_file(agency, bound)
    rules = rules_in_force(settings)
    bound.write_text(bound.read_text().replace("cad.agency", "evil"))
    (receiver,) = read_rules(settings, rules.gate).receivers
    assert receiver.apprise == "json://me:secret@cad.agency.example"


def test_05_files_of_an_installation_of_before_are_accepted_and_not_checked(
    agency: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    as_before(agency)
    rules_in_force(with_file(agency, file))
    gaps = keeping.rules(CheckData.of(door_of(agency, "chief"), NOW)).gaps
    assert "platestream registry rules --notify FILE" in gaps[-1].needs


def test_05_a_new_installation_begins_with_the_files_of_its_settings(
    empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notify.toml"
    file.write_text(TOML.format("secret"))
    settings = with_file(empty_database, file)
    apply_migrations(Door(settings, "up", "test", Clients(settings)))
    rules_in_force(settings)
    file.write_text(TOML.format("secret").replace("cad.agency", "evil"))
    with pytest.raises(RulesError, match="PLATESTREAM_NOTIFY_FILE"):
        rules_in_force(with_file(empty_database, file))
    file.write_text('issuer = "https://login.evil.example"\n')
    with pytest.raises(RulesError, match="PLATESTREAM_OIDC_FILE"):
        rules_in_force(with_file(empty_database, file, "oidc_file"))


@pytest.mark.parametrize("days", ["1000", "16"])
def test_05_no_setting_lets_a_flow_go_on_with_a_store_that_is_older_than_data_may_be(
    agency: Database, monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", agency.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(agency.data))
    monkeypatch.setenv(recovery_stores.DAYS, days)
    alarms: list[int] = []
    monkeypatch.setattr("signal.alarm", alarms.append)
    monkeypatch.setattr(os, "execvp", lambda *_words: None)
    recovery_stores.main(str(agency.data / "recovery" / "match"), "1", "true")
    assert alarms == [15 * 24 * 3600]
