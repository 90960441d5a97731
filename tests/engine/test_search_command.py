"""`platestream search` on the embedded edge: each way to look passes the door, for whoever signed in."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typer.testing import CliRunner

from platestream.cli.main import app
from platestream.schemas import tables
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed
from tests.support.flows import detection

AT = NOW.replace(second=0) - timedelta(hours=3)
CASE = ("--case", "26-001234")
DAY_BEFORE = f"{AT - timedelta(days=2):%Y-%m-%d}"


def search(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["search", *words])
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output + str(done.exception or "")


@pytest.fixture(autouse=True)
def seen(database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Database:
    """AST3087 and MATE456 together at two cameras."""
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path / "data"))
    signed_in_as(monkeypatch, "vale")
    staffed(database, person("vale", "officer"), person("lee", "administrator"))
    for number, camera in enumerate(("north", "south")):
        for plate, behind in (("AST3087", 0), ("MATE456", 20)):
            at = AT + timedelta(minutes=30 * number, seconds=behind)
            one = detection(plate, 0, camera)
            database.put(
                tables.DETECTIONS,
                msgspec.structs.replace(one, captured_at=at, best_at=at, detection_id=uuid4()),
            )
    return database


@pytest.mark.parametrize(
    ("words", "kind", "found"),
    [
        (("ast-30*",), "search", "AST3087"),
        (("A5T3087", "--similar"), "fuzzy", "AST3087"),
        (("AST3087", "--companions"), "companions", "MATE456"),
        (("AST3087", "--with", "MATE456"), "cotravel", "MATE456"),
        (("--sightings", "--camera", "north", "--since", DAY_BEFORE), "sightings", "MATE456"),
    ],
)  # fmt: skip
def test_each_way_to_look_is_on_record_under_the_name_of_who_signed_in(
    seen: Database, words: tuple[str, ...], kind: str, found: str
) -> None:
    assert found in search(*words, *CASE)
    logged = seen.rows("SELECT who, tool, kind, case_number, outcome FROM platestream.inquiry_log")
    assert logged == [("vale", "platestream search", kind, "26-001234", "allowed")]


def test_sightings_without_a_beginning_are_refused(seen: Database) -> None:
    assert "7 days at most" in search("--sightings", "--camera", "north", *CASE, code=1)


def test_times_are_typed_in_the_agencys_time_zone() -> None:
    between = f"{(AT + timedelta(minutes=10)).astimezone(ZoneInfo('America/Phoenix')):%Y-%m-%dT%H:%M}"
    after = search("AST*", "--since", between, *CASE)
    assert ("north" in after, "south" in after) == (False, True)
    before = search("AST*", "--until", between, *CASE)
    assert ("north" in before, "south" in before) == (True, False)


def test_the_environment_does_not_say_who_looks(seen: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "vale")
    monkeypatch.setenv("LOGNAME", "vale")
    signed_in_as(monkeypatch, "lee")
    assert "officer or analyst or supervisor" in search("AST3087", *CASE, code=1)
    assert seen.rows("SELECT who, outcome FROM platestream.inquiry_log") == [("lee", "refused")]


def test_ways_exclude_each_other_before_anything_is_looked_at(seen: Database) -> None:
    assert "--sightings" in search("AST3087", "--similar", "--companions", *CASE, code=2)
    assert seen.rows("SELECT who FROM platestream.inquiry_log") == []
