"""Reports on a database with hits, steps, deliveries and inquiries in it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from typer.testing import CliRunner

from docs.generators.catalogue import example
from platestream.cli.main import app
from platestream.edges.clickhouse_client import DOOR
from platestream.reports.transparency import Period, precision
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import Delivery, delivery_id
from platestream.schemas.hit_action import ActionKind, Confusion
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.hit_actions import action
from tests.support.people import WORDS

TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))
PERIOD = (
    "--since",
    f"{TODAY - timedelta(days=2):%Y-%m-%d}",
    "--until",
    f"{TODAY + timedelta(days=2):%Y-%m-%d}",  # a run of the tests may pass midnight
)
COURSES: list[tuple[ActionKind, ...]] = [
    ("plate_and_state_confirmed", "confirmed_current", "action_taken"),
    ("plate_and_state_confirmed", "not_current", "no_action"),
    ("misread", "no_action"),
    (),
]


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("transparency")) as made:
        _fill(made)
        yield made


def _fill(database: Database) -> None:
    for number, course in enumerate(COURSES, 1):
        seen = msgspec.structs.replace(FOUND.detection, captured_at=TODAY, detection_id=UUID(int=number))
        entry = msgspec.structs.replace(FOUND.entry, source="ncic")
        hit = msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen, entry=entry)
        for table in (tables.ALERT_HITS, tables.HIT_FACTS):
            database.put(table, hit)
        database.put(tables.DETECTIONS, seen)
        for minute, kind in enumerate(course):
            result: dict[str, Any] = {"result": "arrest"} if kind == "action_taken" else {}
            seen_as: dict[str, Any] = {"confused": (Confusion("B", "8"),)} if kind == "misread" else {}
            at = TODAY + timedelta(minutes=minute)
            fields = {**result, **seen_as}
            database.put(
                tables.HIT_ACTIONS, action(kind, at=at, hit=hit.hit_id, number=10 * number + minute, **fields)
            )
        database.put(
            tables.DELIVERIES,
            Delivery(
                delivery_id=delivery_id(hit.hit_id, "sheriff"),
                hit_id=hit.hit_id,
                receiver="sheriff",
                agency="apache-county-so",
                priority=3,
                outcome="delivered" if number < 4 else "not_shared",
                at=NOW,
                captured_at=TODAY,
                seconds=float(number),
            ),
        )
    for number in (11, 12):  # found by a look-back
        old = msgspec.structs.replace(FOUND, hit_id=UUID(int=number), historical=True)
        database.put(tables.HIT_FACTS, msgspec.structs.replace(old, detection=seen))
    database.put(
        tables.DELIVERIES,
        Delivery(
            delivery_id=delivery_id(UUID(int=4), ""),
            hit_id=UUID(int=4),
            receiver="",
            priority=3,
            outcome="disproved",
            at=NOW,
            captured_at=TODAY,
            reason="misread",
        ),
    )
    camera = RegistryRecord(
        kind="camera", id="main", name="Main", latitude=34.5, longitude=-109.4, approved_by="Chief"
    )
    database.put(tables.REGISTRY, camera)
    database.ask(reason="stolen vehicle")
    database.ask(reason="")
    words = {"case_number": "26-001234", "fields": WORDS}
    database.ask(DOOR, kind="hotlist_add", on_behalf_of="vale", other="sjpd:1", **words)
    for _day in range(2):
        database.ask(
            reason="Look-back of a stolen truck", automatic=True, set_off_by="vale", on_behalf_of="look-back"
        )


@pytest.fixture
def report(database: Database, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    return CliRunner()


def test_the_figures_of_a_period_are_counted(report: CliRunner) -> None:
    done = report.invoke(app, ["report", "transparency", *PERIOD, "--json"])
    assert done.exit_code == 0, done.output + repr(done.exception)
    result = json.loads(done.stdout)
    assert result["plates_scanned"] == 4
    wanted = {
        **{
            "alerts": 4,
            "historical": 2,
            "disproved_before": 1,
            "verified": 3,
            "not_verified": 1,
            "plate_and_state_confirmed": 2,
        },
        **{"misread": 1, "wrong_state": 0, "confirmed_current": 1, "not_current": 1, "not_correlated": 2},
        **{"action_taken": 1, "no_action": 2, "actionable": 0, "arrests": 1, "disputed": 0},
    }
    assert result["hits"] == wanted
    assert result["field_precision"] == {"share": 0.6667, "low": 0.2077, "high": 0.9385}
    assert result["by_source"] == {"ncic": 4}
    assert result["alerts_shared_with"] == {"apache-county-so": 3}
    assert result["notifications"] == {"delivered": 3, "not_shared": 1, "disproved": 1}
    assert result["inquiries"] == {"search allowed": 1, "search refused": 1}
    assert result["other_acts"] == {"hotlist_add allowed": 1}
    assert result["automatic_acts"] == {"search allowed": 2}, "no inquiries of people"
    assert result["registry_now"]["cameras_approved"] == 1
    assert result["whole"] is False


def test_no_plate_person_case_or_camera_is_in_a_report(report: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    report.invoke(app, ["report", "transparency", *PERIOD, "--file", str(file)])
    text = file.read_text()
    assert "| plates scanned (vehicle passes) | 4 |" in text
    assert "| finds of look-backs over stored data | 2 |" in text
    assert "| never verified | 1 |" in text
    assert "| found wrong before and not sent to phones | 1 |" in text
    assert "66.7% were right (95 % interval 20.8% to 93.8%)" in text
    entry, detection = FOUND.entry, FOUND.detection
    for secret in (
        detection.plate,
        entry.plate,
        entry.case_number,
        entry.requested_by,
        detection.camera_id,
        "rvale",
        "vale",
    ):
        assert secret not in text, secret


def test_a_report_counts_only_its_period(report: CliRunner) -> None:
    done = report.invoke(app, ["report", "transparency", "--half", "2020-1", "--json"])
    result = json.loads(done.stdout)
    assert (result["plates_scanned"], result["hits"]["alerts"], result["field_precision"]) == (0, 0, None)
    assert result["whole"] is True


def test_precision_and_confusions_are_shown(report: CliRunner) -> None:
    shown = report.invoke(app, ["report", "precision"]).stdout
    assert "66.7%" in shown
    assert "20.8% to 93.9%" in shown
    result = json.loads(report.invoke(app, ["report", "confusions", "--json"]).stdout)
    assert result["confusions"] == [{"actual": "B", "read": "8", "hits": 1, "reckoned": 0.002}]
    assert result["characters_verified"] == 3 * len(FOUND.detection.plate)


@pytest.mark.parametrize("text", ["2026", "2026-3", "1999-1", "x"])
def test_what_is_no_half_year_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="half-year"):
        Period.half(text)


def test_wilsons_interval_of_all_and_of_none() -> None:
    assert precision(0, 0) is None
    assert precision(10, 10) == {"share": 1.0, "low": 0.7225, "high": 1.0}
    assert precision(0, 10) == {"share": 0.0, "low": 0.0, "high": 0.2775}
