"""The public page of `platestream up --transparency`, from counted figures."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from platestream.access.door import Door
from platestream.cli.main import app
from platestream.reports import public_figures
from platestream.reports.http_server import app as page_app
from platestream.schemas.acts import BROWSING
from platestream.schemas.tables import HIT_FACTS
from platestream.settings import Settings
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.hits import FOUND
from tests.support.public_figures import figures

AFTER = (NOW.replace(day=28) + timedelta(days=10)).replace(day=2)
"""A day of the month after the tests' one, when this one is over."""


@pytest.fixture(scope="module")
def database(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("public")) as made:
        for number in range(1, 8):
            seen = msgspec.structs.replace(FOUND.detection, captured_at=NOW)
            hit = msgspec.structs.replace(FOUND, hit_id=public_id(number), detection=seen)
            made.put(HIT_FACTS, hit)
        for _search in range(3):
            made.ask(reason="stolen vehicle")
        yield made


def public_id(number: int) -> Any:
    return msgspec.convert(f"00000000-0000-0000-0000-{number:012}", type(FOUND.hit_id))


def client(data: Path, now: datetime = AFTER) -> TestClient:
    return TestClient(page_app(Settings(data=data), lambda: now), "http://127.0.0.1")


def counted(database: Database, data: Path, now: datetime = AFTER) -> public_figures.PublicFigures:
    with Door.open(Settings(clickhouse=database.dsn, data=data), "test") as door:
        found = public_figures.count(door, now)
    public_figures.store(Settings(data=data), found)
    return found


def test_months_that_are_over_are_counted_and_small_counts_are_not_stored(
    database: Database, tmp_path: Path
) -> None:
    found = counted(database, tmp_path)
    scans, alerts, searches = found.series
    assert (alerts.now[-1].count, alerts.sum_now.count, alerts.sum_before.count) == (7, 7, 0)
    assert searches.now[-1] == public_figures.MonthCount(few=True)
    assert searches.sum_now == public_figures.MonthCount()
    assert (scans.sum_now.count, found.begun) == (0, True)
    text = (tmp_path / public_figures.FILE).read_text()
    seen, listed = FOUND.detection, FOUND.entry
    for word in (seen.plate, seen.camera_id, listed.case_number, listed.requested_by, "vale"):
        assert word not in text
    page = client(tmp_path).get("/").text
    assert re.search(r'<th scope="row">Sum</th><td>7</td><td>0</td>', page)
    assert '<abbr title="from 1 to 4">few</abbr>' in page
    for word in (seen.plate, seen.camera_id, listed.case_number, listed.requested_by, "vale"):
        assert word not in page


def test_nothing_of_the_current_month_is_shown(database: Database, tmp_path: Path) -> None:
    found = counted(database, tmp_path, NOW)
    assert not found.begun
    assert found.until == NOW.date().replace(day=1)
    page = client(tmp_path, NOW).get("/").text
    assert f"the figures of {NOW:%B %Y} appear on" in page
    assert "<svg" not in page


def test_the_command_counts_and_reads_no_browsing_data(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", database.dsn)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path))
    before = database.value("SELECT count() FROM platestream.inquiry_log")
    done = CliRunner().invoke(app, ["report", "count"])
    assert done.exit_code == 0, done.output + repr(done.exception)
    assert database.value("SELECT count() FROM platestream.inquiry_log") == before
    stored = json.loads((tmp_path / public_figures.FILE).read_bytes())
    assert stored["schema"] == "public_figures/1"
    assert "search" in BROWSING


def test_the_page_reads_one_file_and_answers_only_to_readers(tmp_path: Path) -> None:
    served = client(tmp_path)
    assert "No figures yet" in served.get("/").text
    assert served.get("/figures.json").status_code == 404
    public_figures.store(Settings(data=tmp_path), figures())
    assert served.get("/figures.json").json()["agency"] == "St. Johns Police Department"
    answer = served.get("/")
    assert answer.headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; img-src"
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "set-cookie" not in answer.headers
    assert not re.search(r'<script|style="|https?://', answer.text)
    for method in ("POST", "PUT", "DELETE"):
        assert served.request(method, "/").status_code == 405
    for path in ("/hits", "/static/console.js", "/console.js", "/../public_figures.json", "/api", "/help"):
        assert served.get(path).status_code == 404
    assert served.get("/health").text == "up\n"


def test_a_damaged_file_is_an_error_without_its_content(tmp_path: Path) -> None:
    (tmp_path / public_figures.FILE).write_text('{"schema": "secret"}')
    served = TestClient(page_app(Settings(data=tmp_path)), raise_server_exceptions=False)
    answer = served.get("/")
    assert (answer.status_code, answer.text) == (500, "The figures cannot be shown at the moment.\n")


def test_months_are_those_of_the_calendar() -> None:
    starts = public_figures.month_starts(datetime(2028, 2, 29, 23, tzinfo=UTC))
    assert [str(starts[place]) for place in (0, 12, 23, 24)] == [
        "2026-02-01",
        "2027-02-01",
        "2028-01-01",
        "2028-02-01",
    ]
