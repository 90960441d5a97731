"""`platestream hits` on the embedded edge, in one process, as an officer uses it."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from platestream.cli.main import app
from platestream.edges.files import FileTopics
from platestream.hits.service import confusions
from platestream.schemas import topics
from platestream.schemas.alert_hit import NOTICE, Difference
from platestream.schemas.fields import Vehicle
from platestream.schemas.hit_action import Confusion
from tests.support.database import Database
from tests.support.door import person, signed_in_as, staffed
from tests.support.hits import FOUND, put_hit


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
    signed_in_as(monkeypatch, "vale")
    return Officer(tmp_path / "data")


def test_a_hit_is_looked_at_verified_step_by_step_and_disposed_of(
    officer: Officer, database: Database, tmp_path: Path
) -> None:
    staffed(database)
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
    assert "MST; the hit is closed" in officer("verify", hit, "--misread", code=1)

    rows = database.rows("SELECT status, actionable, result FROM platestream.hit_states")
    assert rows == [("acted", True, "arrest")]
    streams = FileTopics(officer.data, follow=False)
    written = [topics.HIT_ACTIONS.decode(message).kind for message in streams.messages(topics.HIT_ACTIONS)]
    assert written == ["plate_and_state_confirmed", "confirmed_current", "action_taken"]


def test_the_report_for_a_records_system_has_the_codes_of_ncic_and_the_mark(
    officer: Officer, database: Database, tmp_path: Path
) -> None:
    seen = {"vehicle": Vehicle(make="Ford", colour="white", body="pickup", model="F-150")}
    hit = put_hit(database, 8, seen=seen)
    file = tmp_path / "report.json"
    assert "record the disposition first" in officer("show", hit, "--report", str(file), code=1)
    officer("verify", hit, "--confirmed")
    officer("verify", hit, "--current", "ncic", "--mvd", "valid")
    assert "record the disposition first" in officer("show", hit, "--report", str(file), code=1)
    assert not file.exists()
    officer("dispose", hit, "--action", "arrest", "--actionable", "--case", "26-001234", "--stop")
    officer("show", hit, "--report", str(file))
    made = json.loads(file.read_bytes())
    assert (made["case_number"], made["special_circumstances"]) == (
        "26-001234", ["Actionable ALPR Hit Related"]
    )  # fmt: skip
    assert made["read"]["vehicle_codes"] == {"make": "FORD", "color": "WHI", "style": "PK"}
    assert made["read"]["vehicle"] == {"color": "white", "make": "Ford", "model": "F-150", "body": "pickup"}
    assert made["listed"]["source"] == "ncic"
    steps = [(one["step"], one.get("checked_with", "")) for one in made["verification"]]
    assert steps == [("plate_and_state_confirmed", ""), ("confirmed_current", "ncic")]
    assert (made["disposition"]["result"], made["disposition"]["stopped"]) == ("arrest", True)
    assert file.stat().st_mode & 0o777 == 0o600
    officer("show", hit, "--report", str(file))

    plain = put_hit(database, 9)
    officer("verify", plain, "--confirmed")
    officer("verify", plain, "--current", "ncic", "--mvd", "valid")
    officer("dispose", plain, "--action", "citation")
    officer("show", plain, "--report", str(file))
    assert json.loads(file.read_bytes())["special_circumstances"] == []


def test_every_look_is_in_the_inquiry_log_and_a_list_needs_its_reason(
    officer: Officer, database: Database
) -> None:
    hit = put_hit(database, 1)
    assert "every inquiry is documented" in officer("list", code=1)
    officer("show", hit, "--pictures", str(officer.data))
    logged = database.rows("SELECT kind, outcome FROM platestream.inquiry_log ORDER BY at")
    assert logged == [("hits", "refused"), ("hits", "allowed"), ("picture", "allowed")]


@pytest.mark.parametrize("source", ["ncic", "acic"])
def test_mvd_confirms_no_entry_of_ncic_or_acic_and_the_attempt_is_on_record(
    officer: Officer, database: Database, source: str
) -> None:
    hit = put_hit(database, 5, source=source)
    officer("verify", hit, "--confirmed")
    refused = officer("verify", hit, "--current", "mvd", code=1)
    assert f"MVD cannot confirm an entry of {source.upper()}" in refused
    assert database.value("SELECT status FROM platestream.hit_states") == "plate_confirmed"
    logged = database.rows(
        "SELECT who, other, outcome, refusal LIKE '%sections G.3 and G.5.b%' FROM platestream.inquiry_log"
        " WHERE kind = 'hit_verify' ORDER BY at"
    )
    assert logged == [("vale", hit, "allowed", 0), ("vale", hit, "refused", 1)]


def test_each_step_is_on_record_in_words_before_it_is_taken_and_out_of_turn_as_refused(
    officer: Officer, database: Database
) -> None:
    hit = put_hit(database, 6)
    officer("dispose", hit, "--action", "arrest", "--note", "AST3087 stopped", code=1)
    officer("verify", hit, "--confirmed", "--note", "AST3087 seen")
    officer("verify", hit, "--current", "acic", "--mvd", "AST3087 valid")
    officer("dispose", hit, "--action", "vehicle_recovered", "--actionable", "--case", "26-001234")
    logged = database.rows(
        "SELECT kind, outcome, case_number, change FROM platestream.inquiry_log"
        " WHERE kind IN ('hit_verify', 'hit_dispose') ORDER BY at"
    )
    assert logged == [
        ("hit_dispose", "refused", "", ""),
        ("hit_verify", "allowed", "",
         "was unverified: plate and state compared with the vehicle: they match"),
        ("hit_verify", "allowed", "", "was plate_confirmed: the entry is current, ACIC"),
        ("hit_dispose", "allowed", "26-001234",
         "was confirmed: action taken, vehicle recovered, Actionable ALPR Hit Related"),
    ]  # fmt: skip


def test_who_may_look_but_is_no_officer_takes_no_step(
    officer: Officer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    staffed(database, person("vale"), person("ana", "analyst"))
    hit = put_hit(database, 7)
    signed_in_as(monkeypatch, "ana")
    assert "officer or supervisor" in officer("verify", hit, "--confirmed", code=1)
    assert database.value("SELECT count() FROM platestream.hit_actions") == 0
    assert list(officer.data.rglob("*.sqlite3")) == []


def test_times_are_typed_in_the_agencys_time_zone(officer: Officer, database: Database) -> None:
    hit = put_hit(database, 8)
    captured = database.value("SELECT captured_at FROM platestream.alert_hits")
    local = captured.astimezone(ZoneInfo("America/Phoenix")) - timedelta(minutes=2)
    why = ("--reason", "Hits of the night shift", "--since", f"{local:%Y-%m-%dT%H:%M}")
    assert hit in officer("list", *why)
    until = ("--until", f"{local:%Y-%m-%dT%H:%M}")
    assert hit not in officer("list", "--reason", "Hits of the night shift", *until)


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
    sent = b"".join(path.read_bytes() for path in (officer.data / "topics").iterdir())
    assert hit.encode() in sent
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
        ("A8C1234", "ABC1234", (Confusion("B", "8"),)),
        ("ABC123", "ABC1234", ()),
        ("XXXXXXX", "ABC1234", ()),
    ],
)
def test_confused_characters(read: str, actual: str, found: tuple[Confusion, ...]) -> None:
    assert confusions(read, actual) == found


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
