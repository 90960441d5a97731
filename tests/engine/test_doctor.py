"""`platestream doctor` on the embedded engine: right at first, then one thing after another is broken."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from typer.testing import CliRunner

from platestream.access import rules_in_force
from platestream.cli.main import app
from platestream.edges.changelog import publish
from platestream.edges.files import FileTopics
from platestream.edges.kafka_topics import create
from platestream.evidence.package import new_key
from platestream.operations.backup.make import backup
from platestream.operations.doctor import data
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import Finding
from platestream.operations.doctor.service import run_checks
from platestream.retention import service as job
from platestream.runtime import fips
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import topics
from platestream.schemas.registry import RegistryRecord
from tests.support.age_keys import key_pair
from tests.support.clock import NOW
from tests.support.database import Database, Prepared
from tests.support.door import OWN, door_of, person, staffed
from tests.support.factors import give
from tests.support.kafka_broker import Kafka

UNSEEN = {
    *("authenticator_apps", "agreements", "certificates", "feeds", "keys", "processes", "published_log"),
    *("shares", "transfers", "witnesses"),
}
"""What a folder without accounts, other agencies and processes has nothing of."""


@pytest.fixture(scope="module")
def set_up(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A fresh set-up: an administrator is registered, and retention has run."""

    def prepare(database: Database) -> None:
        database.data.mkdir(mode=0o700)
        staffed(database)
        register(database.data, OWN, person())
        require_factor(database, database.data, "everybody")
        job.run(job.start_scheduled(door_of(database)))

    return Prepared(migrated, tmp_path_factory.mktemp("set_up"), prepare)


@pytest.fixture
def settled(set_up: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """It, with keys of evidence and backups in the environment of commands."""
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("platestream.operations.doctor.installation.free_share", lambda _folder: 0.5)
    recipient = key_pair(tmp_path / "identity.txt").recipient.text
    (tmp_path / "recipients.txt").write_text(f"{recipient}\n")
    new_key(tmp_path / "agency.pem")
    monkeypatch.setenv("PLATESTREAM_EVIDENCE_KEY_FILE", str(tmp_path / "agency.pem"))
    monkeypatch.setenv("PLATESTREAM_BACKUP_RECIPIENTS", str(tmp_path / "recipients.txt"))
    with set_up.used(tmp_path) as database:
        monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
        yield database


def register(folder: Path, *records: RegistryRecord) -> None:
    publish(FileTopics(folder, follow=False), topics.REGISTRY, list(records))


def require_factor(database: Database, folder: Path, of: Literal["everybody", "nobody"]) -> None:
    door = door_of(database, data=folder)
    if of != "everybody":
        give(door)
    rules_in_force.change(door, rules_in_force.Change(second_factor=of), "Chief of Police")


def examined(now: Clock = utc_now) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in run_checks(
        CheckContext({}, now=now, synchronised=lambda: True, swaps=list, encrypted=lambda _disk: True)
    ):
        found.setdefault(one.check, []).append(one)
    return found


def wrong(found: dict[str, list[Finding]]) -> dict[str, str]:
    return {name: one.found for name, all_of in found.items() for one in all_of if one.state == "wrong"}


def test_rules_that_let_people_in_with_a_password_alone_are_a_warning(
    settled: Database, tmp_path: Path
) -> None:
    require_factor(settled, tmp_path / "data", "nobody")
    (found,) = examined()["second_factor"]
    assert found.state == "soon"
    assert "1 person may sign in with a password alone" in found.found
    assert "--second-factor everybody" in found.do


def test_a_fresh_set_up_is_right_and_nothing_goes_on_record(
    settled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fips, "modes", lambda: {"the kernel": True})  # the machine's, not the set-up's
    before = settled.value("SELECT count() FROM platestream.inquiry_log")
    found = examined()
    assert wrong(found) == {}
    assert {name for name, (one, *_rest) in found.items() if one.state == "not looked at"} == UNSEEN
    assert all(one.do == "" for all_of in found.values() for one in all_of)
    assert settled.value("SELECT count() FROM platestream.inquiry_log") == before


def test_a_backup_in_clear_and_recipients_that_are_missing_are_named(
    settled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with door_of(settled, data=tmp_path / "data") as door:
        backup(door, tmp_path / "plain.zip", utc_now(), ())
    named, plain = examined()["backups"]
    assert (named.state, named.found) == ("right", "Backups are encrypted to 1 recipient.")
    assert (plain.state, "is not encrypted" in plain.found) == ("soon", True)
    key = key_pair(tmp_path / "another.txt").recipient
    with door_of(settled, data=tmp_path / "data") as door:
        backup(door, tmp_path / "kept.age", utc_now(), [key])
    (named,) = examined()["backups"]
    with monkeypatch.context() as patched:
        patched.delenv("PLATESTREAM_EVIDENCE_KEY_FILE")
        _named, unsigned = examined()["backups"]
    assert (unsigned.state, "not signed" in unsigned.found) == ("soon", True)
    (tmp_path / "recipients.txt").write_text("age1nobody\n")
    (broken,) = examined()["backups"]
    assert (broken.state, "line 1" in broken.found) == ("wrong", True)
    monkeypatch.delenv("PLATESTREAM_BACKUP_RECIPIENTS")
    (unnamed,) = examined()["backups"]
    assert (unnamed.state, "PLATESTREAM_BACKUP_RECIPIENTS" in unnamed.do) == ("soon", True)


def newest_migration_missing(database: Database, _folder: Path) -> None:
    database.client().command(
        "ALTER TABLE platestream.schema_migrations DELETE WHERE version = "
        "(SELECT max(version) FROM platestream.schema_migrations) SETTINGS mutations_sync = 2"
    )


def newer_release(database: Database, _folder: Path) -> None:
    database.client().insert(
        "platestream.schema_migrations",
        [[9000, "later", "0" * 64]],
        column_names=["version", "name", "sha256"],
    )


def topic_damaged(_database: Database, folder: Path) -> None:
    (folder / "topics" / "hotlist.sqlite3").write_bytes(b"no database" * 1000)


def administrator_ended(_database: Database, folder: Path) -> None:
    register(folder, person(active=False), person("smith", "officer"))


def training_lapsed(_database: Database, folder: Path) -> None:
    register(folder, person("smith", "officer", trained=NOW - timedelta(days=800)))


def feed_late(_database: Database, folder: Path) -> None:
    three = datetime.now(UTC) - timedelta(hours=3)
    feed: dict[str, Any] = {"feed_place": "/srv/ncic", "feed_every_minutes": 60, "refreshed_at": three}
    register(folder, RegistryRecord(kind="hotlist_source", id="ncic", name="NCIC", **feed))


def folder_open(_database: Database, folder: Path) -> None:
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("break_it", "check", "said", "do"),
    [
        (newest_migration_missing, "migrations", "Not applied: 0", "platestream migrate"),
        (newer_release, "migrations", "9000_later: applied by a newer release", "release"),
        (topic_damaged, "topics", "hotlist.sqlite3", "Put right"),
        (administrator_ended, "administrator", "No administrator is active and trained", "registry user"),
        (training_lapsed, "training", "1 person without training in force", "--trained"),
        (folder_open, "data", "open to others", "chmod 700"),
        (feed_late, "feeds", "The feed of ncic is late, last imported 3.0 hours ago", "HotListFeedLate"),
    ],
)
def test_what_is_broken_is_named_alone_with_what_to_do(
    settled: Database,
    tmp_path: Path,
    break_it: Callable[[Database, Path], None],
    check: str,
    said: str,
    do: str,
) -> None:
    break_it(settled, tmp_path / "data")
    found = examined()
    assert list(wrong(found)) == [check]
    assert said in found[check][0].found
    assert do in found[check][0].do


@pytest.mark.parametrize(
    ("off", "way"), [(timedelta(seconds=10), "behind"), (-timedelta(seconds=10), "ahead of")]
)
def test_a_clock_that_differs_from_the_database_s_is_wrong(
    settled: Database, off: timedelta, way: str
) -> None:
    found = wrong(examined(lambda: utc_now() + off))
    assert list(found) == ["database_clock"]
    assert f"10 s {way} this machine's clock" in found["database_clock"]


def test_a_retention_job_that_stands_still_is_wrong(settled: Database) -> None:
    found = wrong(examined(lambda: utc_now() + timedelta(hours=3)))
    assert "The retention job last ran" in found["retention"]


def test_training_and_agreements_that_end_soon_are_counted_and_nobody_is_named(
    settled: Database, tmp_path: Path
) -> None:
    lapses = person("smith", "officer", trained=NOW - timedelta(days=350))
    sheriff = RegistryRecord(
        kind="agency",
        id="sheriff",
        name="Sheriff",
        mou_from=NOW - timedelta(days=300),
        mou_until=NOW + timedelta(days=20),
    )
    register(tmp_path / "data", lapses, sheriff)
    found = examined()
    assert wrong(found) == {}
    assert [one.state for one in (*found["training"], *found["agreements"])] == ["soon", "soon"]
    assert found["training"][0].found == "1 person whose training ends within 30 days."
    assert found["agreements"][0].found == "1 agency whose MOU ends within 30 days."
    assert "smith" not in str(found)
    assert "sheriff" not in str(found).lower()


def test_a_database_that_is_not_there_is_told_once_and_not_made(
    settled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", f"chdb://{tmp_path}/nowhere/platestream")
    found = examined()
    assert list(wrong(found)) == ["database"]
    assert found["migrations"][0].found == "The database cannot be reached."
    assert not (tmp_path / "nowhere").exists()


def test_the_command_prints_a_line_each_and_ends_with_1_when_something_is_wrong(
    settled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_TREADS", "3")
    ran = CliRunner().invoke(app, ["doctor", "--json"])
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    (typo,) = [one for one in lines if one["check"] == "environment"]
    assert typo["state"] == "wrong"
    assert typo["do"].startswith("Write PLATESTREAM_THREADS")
    assert ran.exit_code == 1
    table = CliRunner().invoke(app, ["doctor"])
    assert table.exit_code == 1
    assert "PLATESTREAM_TREADS is no setting" in table.stdout


def test_topics_of_a_broker_are_compared_with_what_is_declared(
    settled: Database, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(topics.DETECTIONS, name=kafka.unique("doctor"), partitions=1)
    monkeypatch.setenv("PLATESTREAM_KAFKA", kafka.bootstrap)
    for declared, said in (
        (own, f"topic {own.name} is missing."),
        (own, "1 topics are on the broker as declared."),
        (replace(own, partitions=2), f"{own.name}: 1 partitions, 2 declared."),
        (replace(own, keep=timedelta(hours=1)), f"{own.name}: retention.ms is"),
    ):
        monkeypatch.setattr(
            "platestream.operations.setup.topics_for_retention", lambda _period, one=declared: (one,)
        )
        found = [one.found for one in data.topics(CheckContext({}))]
        assert any(said in one for one in found), found
        create({"bootstrap.servers": kafka.bootstrap}, [own])
