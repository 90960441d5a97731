"""The boards without Grafana: their JSON, and every query on the embedded engine as the flows filled it."""

import json
import re
import runpy
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.clickhouse_client import DASHBOARD
from schemas.metrics import METRICS
from services.boards import BOARDS
from services.boards import docs as board_docs
from services.boards.answers import Answer, Period, ask_clickhouse
from services.boards.macros import UnknownMacroError, expand
from services.boards.panel import Board, Panel
from tests.support.boards import PEOPLE, PLATES, WORDS, fill
from tests.support.database import Database, copied

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "grafana" / "dashboards"
RENDER = runpy.run_path(str(ROOT / "grafana" / "render.py"))
JSON: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PANELS = [(board, panel) for board in BOARDS for panel in board.panels]
SQL = [pair for pair in PANELS if pair[1].sql]
PROMQL = [pair for pair in PANELS if pair[1].promql]
# What the flows of a few minutes do not come to.
EMPTY = {"Time to tell", "Findings", "Yearly audit", "Cameras without approval"}
FOREIGN = {"up", "process_resident_memory_bytes", "bytewax_item_out_count_total"}


def name(pair: tuple[Board, Panel]) -> str:
    return f"{pair[0].title}/{pair[1].title}"


def targets() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for uid, board in JSON.items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield uid, panel, target


def test_the_files_are_what_the_declarations_make() -> None:
    made = RENDER["files"]()
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == made


def test_the_table_of_panels_is_what_the_declarations_make() -> None:
    assert board_docs.PAGE.read_text() == board_docs.page(board_docs.PAGE.read_text())
    assert len(board_docs.table().splitlines()) == len(PANELS) + 2


def test_boards_cannot_be_edited_and_lead_to_each_other_and_to_the_page() -> None:
    assert [board.uid for board in BOARDS]
    assert set(JSON) == {board.uid for board in BOARDS}
    for board in JSON.values():
        assert board["editable"] is False
        assert board["tags"] == ["platestream"]
        links = {link["type"]: link for link in board["links"]}
        assert links["dashboards"]["tags"] == ["platestream"]
        assert links["link"]["url"].startswith("http://127.0.0.1")
        assert [one["query"] for one in board["templating"]["list"]] == [RENDER["PLUGIN"], "prometheus"]


@pytest.mark.parametrize("uid", sorted(JSON))
def test_a_panel_says_what_it_shows_in_what_unit_and_what_to_do(uid: str) -> None:
    panels = JSON[uid]["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert "When it looks wrong: " in panel["description"]
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"]
        assert defaults["noValue"]
        steps = defaults["thresholds"]["steps"]
        assert steps[0]["value"] is None
        assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])
        assert panel["targets"]


@pytest.mark.parametrize("uid", sorted(JSON))
def test_panels_fill_the_grid_and_do_not_lie_on_each_other(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in JSON[uid]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _y in cells) < 24
        assert not taken & cells
        taken |= cells


def test_no_data_source_is_named_but_by_its_variable() -> None:
    for _uid, panel, target in targets():
        assert panel["datasource"]["uid"] in ("${clickhouse}", "${prometheus}")
        assert target["datasource"] == panel["datasource"]
        if "rawSql" in target:
            series = panel["type"] == "timeseries"
            assert (target["format"], target["queryType"]) == ((0, "timeseries") if series else (1, "table"))


def test_no_map_asks_a_server_elsewhere_for_tiles() -> None:
    maps = [panel for _uid, panel, _target in targets() if panel["type"] == "geomap"]
    assert maps
    assert all(panel["options"]["basemap"]["config"]["url"] == "" for panel in maps)


def test_macros_are_expanded_and_one_that_is_not_known_is_refused() -> None:
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
    assert expand("$__timeFilter_ms(at)", since, until, 60) == (
        "at >= fromUnixTimestamp64Milli(1793491200000) AND at <= fromUnixTimestamp64Milli(1793577600000)"
    )
    assert expand("$__timeInterval(at)", since, until, 60) == (
        "toStartOfInterval(toDateTime(at), INTERVAL 60 second)"
    )
    with pytest.raises(UnknownMacroError, match="timeGroup"):
        expand("$__timeGroup(at, 5m)", since, until, 60)


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("boards")) as made:
        fill(made)
        yield made


def answer(filled: Database, board: Board, panel: Panel) -> Answer:
    return ask_clickhouse(filled.client(DASHBOARD), panel, Period.last(board.hours, datetime.now(UTC)))


@pytest.mark.parametrize("pair", SQL, ids=name)
def test_each_query_answers_the_boards_account_in_the_shape_of_its_panel(
    filled: Database, pair: tuple[Board, Panel]
) -> None:
    panel = pair[1]
    found = answer(filled, *pair)
    assert bool(found.rows) == (panel.title not in EMPTY)
    check_shape(panel, found)


def check_shape(panel: Panel, found: Answer) -> None:
    numbers = (int, float, type(None))
    if panel.kind == "figure":
        ((value,),) = found.rows
        assert isinstance(value, numbers)
    for row in found.rows:
        if panel.kind == "series":
            assert isinstance(row[0], datetime)
            assert row[0].tzinfo is not None
            rest = row[2:] if isinstance(row[1], str) else row[1:]
            assert rest
            assert all(isinstance(value, numbers) for value in rest)
        if panel.kind == "bars":
            assert isinstance(row[0], str)
            assert isinstance(row[1], numbers)
            assert len(row) == 2
        if panel.kind == "map":
            told = dict(zip(found.columns, row, strict=True))
            assert -90 <= told["latitude"] <= 90
            assert -180 <= told["longitude"] <= 180
            assert isinstance(told["camera"], str)
            assert isinstance(told["age"], numbers)
        if panel.kind == "table":
            assert all(isinstance(value, str | bool | int | float | date | dict | None) for value in row)
    if panel.kind == "series":
        assert found.rows == sorted(found.rows, key=lambda row: row[0])


@pytest.mark.parametrize("pair", SQL, ids=name)
def test_no_answer_holds_a_plate_a_person_or_words(filled: Database, pair: tuple[Board, Panel]) -> None:
    text = repr(answer(filled, *pair).rows)
    assert [word for word in (*PLATES, *PEOPLE, *WORDS) if word in text] == []


@pytest.mark.parametrize("column", ["detections.plate", "alert_hits.plate", "inquiry_log.who", "images.jpeg"])
def test_the_boards_account_cannot_read_what_no_board_may_show(filled: Database, column: str) -> None:
    table, field = column.split(".")
    with pytest.raises(DatabaseError) as refused:
        filled.client(DASHBOARD).query(f"SELECT {field} FROM platestream.{table} LIMIT 1")
    assert refused.value.code == 497


def test_figures_are_what_was_put_in(filled: Database) -> None:
    found = {panel.title: answer(filled, board, panel).rows for board, panel in SQL}
    assert found["Vehicle passes"] == [
        (filled.value("SELECT uniqExact(detection_id) FROM platestream.detections"),)
    ]
    assert found["Refused by reason"] == [("frames: not_a_picture", 2)]
    assert found["Field precision"] == [(0.75,)]
    assert found["Inquiries"] == [(4,)]
    assert found["Refused"] == [(1,)]
    assert ("analyst", "sjpd", 3, 1, 1) in found["Inquiries by role and agency"]
    assert found["Misread characters"] == [("B", "8", 1)]


def test_a_replay_counts_nothing_twice(filled: Database) -> None:
    counts = "SELECT uniqCombined64Merge(passes) FROM platestream."
    before = [filled.value(counts + table) for table in ("traffic", "camera_hours")]
    columns = "detection_id, captured_at, camera_id, latitude, longitude, confidence, frames, agreeing"
    filled.client().command(
        f"INSERT INTO platestream.detections ({columns}) SELECT {columns} FROM platestream.detections"
    )
    assert [filled.value(counts + table) for table in ("traffic", "camera_hours")] == before


def named(expr: str) -> set[str]:
    return set(re.findall(r"\b(?:platestream|process|bytewax)_\w+|\bup\b", expr))


@pytest.mark.parametrize("pair", PROMQL, ids=name)
def test_each_promql_parses_and_names_metrics_that_are_declared(pair: tuple[Board, Panel]) -> None:
    expr = pair[1].promql.replace("$__rate_interval", "5m")
    promql_parser.parse(expr)
    assert named(expr)
    assert named(expr) - {metric.series for metric in METRICS} - FOREIGN == set()
    for counter in re.findall(r"\b\w+_total\b|\b\w+_bucket\b", expr):
        assert re.search(rf"(?:rate|increase)\({counter}", expr), f"{counter} without rate"


def test_every_metric_is_on_a_board_or_said_to_be_for_debugging() -> None:
    shown = {one for _board, panel in PROMQL for one in named(panel.promql)}
    for metric in METRICS:
        where = f"{metric.name}: give it a panel in services/boards, or say that it is for debugging"
        assert (metric.series in shown) != metric.debugging, where


def test_a_panel_asks_one_question() -> None:
    assert all(bool(panel.sql) != bool(panel.promql) for _board, panel in PANELS)
    assert all(
        panel.legend or panel.kind == "figure" or "sum by" not in panel.promql or "le" in panel.promql
        for _board, panel in PROMQL
    )
