"""Every query of the boards on the embedded engine, as the flows filled it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from platestream.boards import BOARDS
from platestream.boards.panel import Board, Panel
from platestream.boards.queries import PanelAnswer, Period, ask_clickhouse
from platestream.edges.clickhouse_client import DASHBOARD
from tests.support.boards import PEOPLE, PLATES, WORDS, fill
from tests.support.database import Database, copied

SQL = [(board, panel) for board in BOARDS for panel in board.panels if panel.sql]
# What the flows of a few minutes do not come to.
EMPTY = {
    "Time to notify",
    "Findings",
    "Yearly audit",
    "Cameras without approval",
    "Second opinion",
    "Camera and reader",
}


def name(pair: tuple[Board, Panel]) -> str:
    return f"{pair[0].title}/{pair[1].title}"


@pytest.fixture(scope="module")
def filled(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with copied(migrated, tmp_path_factory.mktemp("boards")) as made:
        fill(made)
        yield made


def answer(filled: Database, board: Board, panel: Panel) -> PanelAnswer:
    return ask_clickhouse(filled.client(DASHBOARD), panel, Period.last(board.hours, datetime.now(UTC)))


@pytest.mark.parametrize("pair", SQL, ids=name)
def test_each_query_answers_the_boards_account_in_the_shape_of_its_panel(
    filled: Database, pair: tuple[Board, Panel]
) -> None:
    panel = pair[1]
    found = answer(filled, *pair)
    assert bool(found.rows) == (panel.title not in EMPTY)
    check_shape(panel, found)


def check_shape(panel: Panel, found: PanelAnswer) -> None:
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
            result = dict(zip(found.columns, row, strict=True))
            assert -90 <= result["latitude"] <= 90
            assert -180 <= result["longitude"] <= 180
            assert isinstance(result["camera"], str)
            assert isinstance(result["age"], numbers)
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
    assert found["Rejected by reason"] == [("frames: not_a_picture", 2)]
    assert found["Field precision"] == [(0.75,)]
    assert found["Inquiries"] == [(2,)], "the three looks of the machine are no inquiries of people"
    assert found["Refused"] == [(1,)]
    assert found["Inquiries by kind"] == [("search", 2)]
    assert sorted(found["Other acts by kind"]) == [("hotlist_add", 1), ("retention", 1)]
    assert found["Automatic acts by kind"] == [
        *(("search", 3), ("retention", 2), ("tally", 1)),
    ]
    assert found["Logged changes"] == [(1,)]
    assert found["Undocumented attempts"][0][1:] == ("sjpd", 1)
    assert found["Inquiries by role and agency"] == [("analyst", "sjpd", 2, 1, 1)], "none is the machine's"
    assert found["Misread characters"] == [("B", "8", 1)]


def test_a_replay_counts_nothing_twice(filled: Database) -> None:
    counts = "SELECT uniqCombined64Merge(passes) FROM platestream."
    before = [filled.value(counts + table) for table in ("traffic", "camera_hours")]
    columns = "detection_id, captured_at, camera_id, latitude, longitude, confidence, frames, agreeing"
    filled.client().command(
        f"INSERT INTO platestream.detections ({columns}) SELECT {columns} FROM platestream.detections"
    )
    assert [filled.value(counts + table) for table in ("traffic", "camera_hours")] == before
