"""`platestream audit publish`, `head`, `prove` and `verify` as their users run them."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.operations.doctor import published
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import NotCheckedError
from platestream.settings import load_settings
from platestream.transparency_log import service as transparency_log
from platestream.transparency_log.config import LogError
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.published import Agency

Cli = Callable[..., Result]


@pytest.fixture
def cli(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))

    def invoke(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == code, done.output + str(done.exception)
        return done

    return invoke


def sealed(database: Database) -> None:
    seal_new(database.client(SEALER))


def test_from_the_first_head_to_a_proof_that_is_checked_without_a_database(
    cli: Cli, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = CliRunner().invoke(app, ["audit", "head"])
    assert isinstance(refused.exception, LogError)
    inquiry = database.ask(pattern="CKR4572")
    sealed(database)
    assert "1 entry, 1 new" in cli("audit", "publish").stdout
    result = json.loads(cli("audit", "head", "--json").stdout)
    key, folder = result["key"], result["folder"]
    assert key.startswith("st-johns-police-department/inquiries/")
    (tmp_path / "older").write_text(result["checkpoint"])
    assert "PRIVATE" not in cli("audit", "head").stdout
    sealed(database)
    assert "2 entries, 1 new" in cli("audit", "publish").stdout, "publishing was an act, which is sealed, too"

    undocumented = CliRunner().invoke(app, ["audit", "prove", str(inquiry), str(tmp_path / "no")])
    assert isinstance(undocumented.exception, RefusedInquiry)
    assert not (tmp_path / "no").exists()
    cli("audit", "prove", str(inquiry), str(tmp_path / "proof"), "--reason", "Records request 26-118")
    sealed(database)
    cli("audit", "publish")
    cli("audit", "export", str(tmp_path / "all.jsonl"), "--reason", "Yearly audit")

    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", "chdb:///nowhere/at/all")
    proof = str(tmp_path / "proof")
    assert "the inquiry is in the log" in cli("audit", "verify", "--proof", proof, "--key", key).stdout
    cli("audit", "verify", "--proof", proof, code=2)
    look = ("audit", "verify", "--published", folder, "--key", key)
    assert "the published log is intact" in cli(*look, "--older", str(tmp_path / "older")).stdout
    cli(*look, "--export", str(tmp_path / "all.jsonl"))
    entries = next(Path(folder).glob("tile/entries/000.p/*"))
    entries.write_bytes(entries.read_bytes()[:-1] + b"!")
    assert "do not lead to the head" in cli(*look, code=1).stderr
    (tmp_path / "proof" / "inquiry.json").write_text("{}")
    assert "is not the entry" in cli("audit", "verify", "--proof", proof, "--key", key, code=1).stderr


def test_what_was_altered_since_it_was_published_shows_in_verify_and_stops_nothing_else(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    database.ask(pattern="ALTERED")
    sealed(database)
    cli("audit", "publish")
    database.client().command(
        "ALTER TABLE platestream.inquiry_log UPDATE reason = 'other' WHERE pattern = 'ALTERED' "
        "SETTINGS mutations_sync = 2"
    )
    assert "published log: seal 1: the inquiry is not what was" in cli("audit", "verify", code=1).stderr


def test_the_job_publishes_by_itself_and_the_doctor_sees_how_it_does(cli: Cli, database: Database) -> None:
    def look(after: timedelta = timedelta()) -> str:
        found = published.log(CheckContext({}, now=lambda: NOW + after))
        return found.state

    with pytest.raises(NotCheckedError):
        look()
    database.ask()
    sealed(database)
    before = database.value("SELECT count() FROM platestream.inquiry_log")
    assert transparency_log.publish_scheduled(load_settings(), NOW, first=True).head.size == 1
    assert database.value("SELECT count() FROM platestream.inquiry_log") == before, "no act of anybody"
    assert look() == "right"
    assert look(timedelta(hours=2)) == "wrong"
    with pytest.raises(NotCheckedError):
        list(published.witnesses(CheckContext({}, now=lambda: NOW)))
    database.client().command("TRUNCATE TABLE platestream.inquiry_seals")
    with pytest.raises(LogError):
        transparency_log.publish_scheduled(load_settings(), NOW, first=False)
    assert look() == "wrong"
    assert "restored from a backup" in cli("audit", "head", code=1).stderr


def test_after_a_restore_nothing_is_signed_until_a_person_begins_another_log(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    database.ask()
    sealed(database)
    cli("audit", "publish")
    before = json.loads(cli("audit", "head", "--json").stdout)["key"]
    kept, copy = tmp_path / "data" / "inquiry-log", tmp_path / "copy"

    # The machine is lost, and the key with it: a new one would be made in silence.
    kept.rename(copy)
    with pytest.raises(
        LogError, match=r"up to seal 1 were published by a log whose key is not in .*another-log"
    ):
        transparency_log.publish_scheduled(load_settings(), NOW, first=True)
    assert published_state() == "wrong"
    assert "--another-log" in cli("audit", "head", code=1).stderr

    # The key comes back from a copy, older than what was published: it would sign a second head of one size.
    shutil.rmtree(kept)
    copy.rename(kept)
    Agency(database, tmp_path / "unused").ask(kind="restore")
    with pytest.raises(LogError, match="the database was restored at"):
        transparency_log.publish_scheduled(load_settings(), NOW, first=True)
    refused = CliRunner().invoke(app, ["audit", "publish", "--another-log"])
    assert "move it away" in str(refused.exception)

    kept.rename(copy)
    assert isinstance(CliRunner().invoke(app, ["audit", "publish"]).exception, LogError)
    cli("audit", "publish", "--another-log")
    assert json.loads(cli("audit", "head", "--json").stdout)["key"] != before
    sealed(database)
    transparency_log.publish_scheduled(load_settings(), datetime.now(UTC), first=True)
    acts = "SELECT other FROM platestream.inquiry_log WHERE kind = 'audit_head' AND other LIKE 'another%'"
    assert len(database.rows(acts)) == 2, "the attempt, and the act"
    cli("audit", "publish", "--another-log", "--every", "5", code=2)


def published_state() -> str:
    found = published.log(CheckContext({}, now=lambda: NOW))
    return found.state
