"""`platestream audit prove --period` and what an outsider does with its file."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from platestream.cli.main import app
from platestream.edges.clickhouse_client import SEALER
from platestream.edges.inquiry_log import seal_new
from platestream.retention import service as retention
from platestream.retention import tally
from platestream.schemas import tables
from platestream.transparency_log.period import parse_period
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of
from tests.support.flows import READ

DAY = f"{NOW:%Y-%m-%d}"


def call(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output + str(done.exception)
    return done


@pytest.fixture
def counted(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    """A detection, counted, sealed and published."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    (tmp_path / "log.toml").write_text("counts = true\n")
    monkeypatch.setenv("PLATESTREAM_LOG_FILE", str(tmp_path / "log.toml"))
    database.put(tables.DETECTIONS, msgspec.structs.replace(READ, camera_id="gate", captured_at=NOW))
    past = "ALTER TABLE platestream.tallied UPDATE tallied_at = tallied_at - INTERVAL 2 HOUR WHERE 1"
    database.client().command(past, settings={"mutations_sync": 2})
    tally.seal(retention.start_scheduled(door_of(database)), datetime.now(UTC))
    seal_new(database.client(SEALER))
    call("audit", "publish")
    return database


def test_a_period_is_proven_and_its_file_is_checked_without_a_database(
    counted: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "day.jsonl"
    prove = ("audit", "prove", "--period", DAY, "--reason", "Quarterly review")
    done = call(*prove, "--out", str(file))
    assert "complete from" in done.stdout
    assert "ABC" not in file.read_text()
    assert isinstance(CliRunner().invoke(app, [*prove, "--out", str(file)]).exception, FileExistsError)
    report = json.loads(call(*prove, "--json").stdout)
    assert report["complete"] is True
    head = json.loads(call("audit", "head", "--json").stdout)
    counted.client().command(
        "ALTER TABLE platestream.detections DELETE WHERE 1", settings={"mutations_sync": 2}
    )
    if report["cameras"]:  # the hour of the detection is over
        assert "1 detection vanished early" in call(*prove, code=1).stderr
    call("audit", "prove", code=2)
    call("audit", "prove", head["key"], code=2)

    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", "chdb:///nowhere/at/all")
    look = ("audit", "verify", "--published", head["folder"], "--key", head["key"], "--period", DAY)
    for words in (look, (*look, "--counts", str(file))):
        done = call(*words)
        assert "the published log is intact" in done.stdout
        assert "complete from" in done.stdout
    call("audit", "verify", "--period", DAY, code=2)
    lines = file.read_text().replace("gate", "west")
    file.write_text(lines)
    refused = CliRunner().invoke(app, [*look, "--counts", str(file)])
    assert "not those that were sealed" in str(refused.exception)


def test_counts_are_published_only_where_the_agency_decides_so_and_else_handed_out(
    counted: Database, tmp_path: Path
) -> None:
    published = tmp_path / "data" / "inquiry-log" / "public" / "counts"
    assert list(published.iterdir())
    shutil.rmtree(published)
    (tmp_path / "log.toml").write_text("")
    call("audit", "publish")
    head = json.loads(call("audit", "head", "--json").stdout)
    assert not published.exists()
    file = tmp_path / "day.jsonl"
    call("audit", "prove", "--period", DAY, "--reason", "Quarterly review", "--out", str(file))
    look = ["audit", "verify", "--published", head["folder"], "--key", head["key"], "--period", DAY]
    refused = CliRunner().invoke(app, look)
    assert "not published: ask the agency" in str(refused.exception)
    assert "complete from" in call(*look, "--counts", str(file)).stdout


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", "2026-01-01T00", "2027-01-01T00"),
        ("2026-12", "2026-12-01T00", "2027-01-01T00"),
        ("2026-10-05", "2026-10-05T00", "2026-10-06T00"),
        ("2026-10-05..2026-10-06", "2026-10-05T00", "2026-10-07T00"),
        ("2026-10-05T14..2026-10-05T15", "2026-10-05T14", "2026-10-05T16"),
    ],
)
def test_a_period_is_parsed(text: str, since: str, until: str) -> None:
    expected = tuple(datetime.strptime(one, "%Y-%m-%dT%H").replace(tzinfo=UTC) for one in (since, until))
    assert parse_period(text) == expected


@pytest.mark.parametrize("text", ["", "october", "2026-13", "..", "2026-10-05..2026-10-01", "2026-1"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|ends before"):
        parse_period(text)
