"""`platestream registry` on the embedded edge, in one process."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.clickhouse_client import ANALYST, INGEST
from connectors.files import FileTopics
from connectors.settings import load_settings
from platestream.cli.main import app
from schemas import topics
from schemas.message import Message
from services.inquiries import gate
from services.inquiries.gate import RefusedInquiry
from tests.support.database import Database


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """Commands on the test's database and topics of its own; one engine a process, so its clients close."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    return CliRunner()


def test_a_registered_trained_user_may_look_at_once_and_nobody_else_from_then_on(
    run: CliRunner, database: Database
) -> None:
    def registry(*words: str, code: int = 0) -> str:
        done = run.invoke(app, ["registry", *words])
        assert done.exit_code == code, done.output + str(done.exception)
        return done.output

    assert database.client(INGEST)
    refused = run.invoke(app, ["registry", "user", "mlee", "--title", "M. Lee", "--agency", "sjpd"])
    assert "agency sjpd is not registered" in str(refused.exception)
    registry("agency", "sjpd", "--title", "St. Johns PD", "--own")
    registry("user", "mlee", "--title", "Det. M. Lee", "--agency", "sjpd", "--trained", "2026-09-01")
    registry("camera", "main-st-n", "--title", "Main", "--latitude", "34.5", "--longitude", "-109.4")
    assert "2026-09-01" in registry("list", "user")
    assert "main-st-n" in registry("list", "camera", "--json")

    client = database.client(ANALYST)
    assert gate.search(client, who="mlee", reason="stolen vehicle", pattern="ABC*") == []
    with pytest.raises(RefusedInquiry, match="not a registered user"):
        gate.search(client, who="jdoe", reason="stolen vehicle", pattern="ABC*")
    registry("end", "user", "mlee")
    with pytest.raises(RefusedInquiry, match="access has ended"):
        gate.search(client, who="mlee", reason="stolen vehicle", pattern="ABC*")


def test_rules_are_shown_and_changed_by_whoever_is_named(run: CliRunner, database: Database) -> None:
    shown = run.invoke(app, ["registry", "rules", "--profile", "st-johns", "--case-number", "^[0-9-]+$"])
    assert shown.exit_code == 2, "without --by"
    done = run.invoke(app, ["registry", "rules", "--case-number", "^[0-9-]+$", "--by", "Chief"])
    assert done.exit_code == 0, done.output + str(done.exception)
    newest = "SELECT set_by, case_number FROM platestream.gate_rules ORDER BY set_at DESC LIMIT 1"
    assert database.rows(newest) == [("Chief", "^[0-9-]+$")]


def test_deployments_their_approval_and_what_came_of_them_are_on_record(
    run: CliRunner, database: Database
) -> None:
    def registry(*words: str, code: int = 0) -> str:
        done = run.invoke(app, ["registry", *words])
        assert done.exit_code == code, done.output + str(done.exception)
        return done.output + str(done.exception or "")

    place = ("--latitude", "34.5", "--longitude", "-109.4")
    assert "nobody approved" in registry("camera", "main", "--title", "Main St", *place)
    assert "not approved" in registry("release", "main", code=1)
    streams = FileTopics(load_settings().data, follow=False)
    kept = Message(b"main", b"jpeg", {"camera-id": "main", "captured-at": "2026-11-24T08:00:00Z",
                                      "latitude": "34.5", "longitude": "-109.4"})  # fmt: skip
    streams.append(topics.FRAMES_QUARANTINE, [kept, msgspec.structs.replace(kept, key=b"other")])
    registry(
        "camera", "main", "--title", "Main St", *place, "--approved-by", "Chief", "--results", "two stops"
    )
    assert "1 frames" in registry("release", "main")
    assert [message.value for message in streams.messages(topics.FRAMES)] == [b"jpeg"]

    times = ("--since", "2026-11-24", "--until", "2026-11-26")
    unapproved = registry("detail", "op-1", "--title", "Operation", "--camera", "trailer", *times)
    assert "nobody approved op-1" in unapproved
    registry(
        *("incident", "26-1", "--title", "Truck recovered", "--outcome", "recovery"),
        *("--at", "2026-11-24T15:30", "--camera", "main", "--case", "26-1"),
    )
    assert "recovery 26-1" in registry("list", "incident")
    rows = database.rows(
        "SELECT kind, id, approved_by, cameras, outcome, results FROM platestream.deployments ORDER BY id"
    )
    assert rows == [
        ("incident", "26-1", "", ["main"], "recovery", ""),
        ("camera", "main", "Chief", [], "", "two stops"),
        ("detail", "op-1", "", ["trailer"], "", ""),
    ]
