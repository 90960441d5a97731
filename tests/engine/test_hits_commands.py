"""`platestream hits` on the embedded edge, in one process, as an officer uses it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner

from connectors.files import FileTopics
from platestream.cli.main import app
from schemas import tables, topics
from schemas.alert_hit import NOTICE, AlertHit, Difference
from schemas.catalogue import example
from schemas.hit_action import Confused
from services.hits import confused
from tests.support.database import Database

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


class Officer:
    """Runs commands; a refusal is returned as its text."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["hits", *words])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output + str(done.exception or "")


@pytest.fixture
def officer(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Officer:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    return Officer(tmp_path / "data")


def put_hit(database: Database, number: int, source: str = "ncic", **told: Any) -> str:
    now = database.value("SELECT now64(3)")
    seen = msgspec.structs.replace(FOUND.detection, captured_at=now, **told.pop("seen", {}))
    entry = msgspec.structs.replace(FOUND.entry, source=source, **told.pop("listed", {}))
    hit = msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen, entry=entry, **told)
    for table in (tables.ALERT_HITS, tables.HIT_FACTS):
        database.put(table, hit)
    database.put(tables.IMAGES, hit.detection)
    return str(hit.hit_id)


def test_a_hit_is_looked_at_verified_step_by_step_and_disposed_of(
    officer: Officer, database: Database, tmp_path: Path
) -> None:
    hit = put_hit(database, 1)
    assert "unverified" in officer("list", "--reason", "Hits of the night shift")
    shown = officer("show", hit, "--pictures", str(tmp_path / "pictures"))
    assert NOTICE in shown.replace("\n", " ")
    assert "compare plate and state of issue" in shown
    assert FOUND.entry.instructions in shown
    pictures = {path.name.split("-")[-1] for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"crop.jpg", "vehicle.jpg"}

    refused = officer("dispose", hit, "--action", "arrest", code=1)
    assert "cannot be recorded yet: compare plate and state" in refused
    assert "verify the entry with NCIC" in officer("verify", hit, "--confirmed")
    assert "verify the entry with NCIC" in officer("dispose", hit, "--action", "arrest", code=1)
    officer("verify", hit, "--current", "ncic", "--mvd", "valid, owner matches")
    assert "case_number" in officer("dispose", hit, "--action", "arrest", "--actionable", code=1)
    officer("dispose", hit, "--action", "arrest", "--actionable", "--case", "26-001234")
    assert "the hit is closed" in officer("verify", hit, "--misread", code=1)

    rows = database.rows("SELECT status, actionable, result FROM platestream.hit_states")
    assert rows == [("acted", True, "arrest")]
    streams = FileTopics(officer.data, follow=False)
    written = [topics.HIT_ACTIONS.decode(message).kind for message in streams.messages(topics.HIT_ACTIONS)]
    assert written == ["plate_and_state_confirmed", "confirmed_current", "action_taken"]


def test_every_look_is_in_the_inquiry_log_and_a_list_needs_its_reason(
    officer: Officer, database: Database
) -> None:
    hit = put_hit(database, 1)
    assert "every inquiry is documented" in officer("list", code=1)
    officer("show", hit, "--pictures", str(officer.data))
    logged = database.rows("SELECT kind, outcome FROM platestream.inquiry_log ORDER BY at")
    assert logged == [("hits", "refused"), ("hits", "allowed"), ("picture", "allowed")]


def test_an_entry_of_our_own_list_may_be_acted_on_after_the_look(
    officer: Officer, database: Database
) -> None:
    hit = put_hit(database, 2, source="sjpd")
    officer("verify", hit, "--confirmed")
    assert "acted" in officer("dispose", hit, "--action", "citation")


def test_misread_characters_are_kept_and_the_plate_is_not(officer: Officer, database: Database) -> None:
    hit = put_hit(database, 3)
    officer("verify", hit, "--misread", "--actual", "AST30B7")
    stored = database.rows("SELECT * FROM platestream.hit_actions")
    assert "AST30B7" not in str(stored)
    assert database.rows("SELECT actual, read FROM platestream.hit_confusions") == [("B", "8")]
    sent = b"".join(path.read_bytes() for path in officer.data.rglob("*.jsonl"))
    assert b"AST30B7" not in sent


def test_a_confirmed_look_alike_tells_what_was_misread(officer: Officer, database: Database) -> None:
    hit = put_hit(
        database,
        4,
        match="look_alike",
        seen={"plate": "A8T3087"},
        listed={"plate": "ABT3087"},
        differences=(Difference(1, "8", "B"),),
    )
    assert "character 2: read 8, listed B" in officer("show", hit)
    officer("verify", hit, "--confirmed")
    assert database.rows("SELECT actual, read FROM platestream.hit_confusions") == [("B", "8")]


@pytest.mark.parametrize(
    ("read", "actual", "found"),
    [
        ("ABC1234", "abc-1234", ()),
        ("A8C1234", "ABC1234", (Confused("B", "8"),)),
        ("ABC123", "ABC1234", ()),
        ("XXXXXXX", "ABC1234", ()),
    ],
)
def test_confused_characters(read: str, actual: str, found: tuple[Confused, ...]) -> None:
    assert confused(read, actual) == found


@pytest.mark.parametrize(
    "words",
    [
        ("verify", str(UUID(int=1))),
        ("verify", str(UUID(int=1)), "--confirmed", "--misread"),
        ("verify", str(UUID(int=1)), "--confirmed", "--actual", "ABC"),
        ("dispose", str(UUID(int=1))),
        ("show", "no-id"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_looked_at(
    officer: Officer, database: Database, words: tuple[str, ...]
) -> None:
    officer(*words, code=2)
    assert database.rows("SELECT * FROM platestream.inquiry_log") == []
