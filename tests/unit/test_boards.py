"""The boards without Grafana: their JSON, and every query on the embedded engine as the flows filled it."""

import json
import re
import runpy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from docs.generators.boards import table
from platestream.boards import BOARDS
from platestream.boards.panel import Board, Panel
from platestream.boards.queries import UnknownMacroError, expand
from platestream.schemas.metrics import METRICS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "grafana" / "dashboards"
RENDER = runpy.run_path(str(ROOT / "grafana" / "render.py"))
JSON: dict[str, Any] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
PANELS = [(board, panel) for board in BOARDS for panel in board.panels]
SQL = [pair for pair in PANELS if pair[1].sql]
PROMQL = [pair for pair in PANELS if pair[1].promql]
# What the flows of a few minutes do not come to.
EMPTY = {
    "Time to notify",
    "Findings",
    "Yearly audit",
    "Cameras without approval",
    "Second opinion",
    "Camera and reader",
}
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


def test_the_table_of_panels_has_each() -> None:
    assert len(table().splitlines()) == len(PANELS) + 2


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
        where = f"{metric.name}: give it a panel in platestream/boards, or say that it is for debugging"
        assert (metric.series in shown) != metric.debugging, where


def test_a_panel_asks_one_question() -> None:
    assert all(bool(panel.sql) != bool(panel.promql) for _board, panel in PANELS)
    assert all(
        panel.legend or panel.kind == "figure" or "sum by" not in panel.promql or "le" in panel.promql
        for _board, panel in PROMQL
    )
