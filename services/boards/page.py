"""The page: all boards with their panels as HTML, made on the server; no script, no file from elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from services.boards import BOARDS, plots, words
from services.boards.answers import Answer, Period
from services.boards.panel import Board, Panel
from services.page_text import seen

REFRESH_S = 60
SPANS = {1: "1 hour", 24: "24 hours", 24 * 7: "7 days", 24 * 30: "30 days"}
BARS = 12  # that a panel shows at most

Ask = Callable[[Panel, Period], Answer]


_templates = Environment(
    loader=PackageLoader("services.boards"), autoescape=True, trim_blocks=True, finalize=seen
)


@dataclass(frozen=True)
class Bar:
    """`share` is of the longest, in percent."""

    name: str
    value: str
    share: float
    grade: str


@dataclass(frozen=True)
class Shown:
    """A panel with its answer, ready for the template; `missing` stands where there is none."""

    panel: Panel
    missing: str = ""
    value: str = ""
    grade: str = "none"
    picture: Markup | None = None
    legend: Sequence[tuple[str, str, str]] = ()
    more: int = 0
    bars: Sequence[Bar] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def render(ask: Ask, now: datetime, hours: int | None = None, *, prometheus: bool) -> str:
    """The whole page at `now`; `hours` instead of each board's own time. Panels of Prometheus need one."""
    boards = [(board, list(_board(board, ask, now, hours, prometheus))) for board in BOARDS]
    return _templates.get_template("board.html").render(
        boards=boards,
        now=now,
        hours=hours,
        spans=SPANS,
        refresh=REFRESH_S,
        left_out=0 if prometheus else sum(bool(one.promql) for board in BOARDS for one in board.panels),
    )


def _board(board: Board, ask: Ask, now: datetime, hours: int | None, prometheus: bool) -> Any:
    period = Period.last(hours or board.hours, now)
    for panel in board.panels:
        if panel.sql or prometheus:
            yield show(panel, ask(panel, period), period)


def show(panel: Panel, found: Answer, period: Period) -> Shown:
    """What the template needs to draw the answer."""
    if found.missing or not found.rows:
        return Shown(panel, missing=found.missing or panel.empty)
    if panel.kind == "figure":
        (value,) = found.rows[0]
        if value is None:
            return Shown(panel, missing=panel.empty)
        return Shown(panel, value=words.number(value, panel.unit), grade=words.grade(value, panel.steps))
    return _DRAWN[panel.kind](panel, found, period)


def _series(panel: Panel, found: Answer, period: Period) -> Shown:
    drawn, more = plots.lines(found.columns, found.rows)
    if not drawn:
        return Shown(panel, missing=panel.empty)
    picture = plots.plot(drawn, period.since, period.until, panel.unit, panel.title)
    legend = [(line.name, line.colour, words.number(line.last, panel.unit)) for line in drawn]
    return Shown(panel, picture=picture, legend=legend, more=more)


def _bars(panel: Panel, found: Answer, _period: Period) -> Shown:
    longest = max(value for _name, value in found.rows) or 1
    bars = [
        Bar(
            name,
            words.number(value, panel.unit),
            max(0.0, 100 * value / longest),
            words.grade(value, panel.steps),
        )
        for name, value in found.rows[:BARS]
    ]
    return Shown(panel, bars=bars, more=max(0, len(found.rows) - BARS))


def _map(panel: Panel, found: Answer, _period: Period) -> Shown:
    places = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return Shown(panel, picture=plots.cameras(places, panel.steps, panel.title))


def _table(panel: Panel, found: Answer, _period: Period) -> Shown:
    rows = [
        [
            words.number(value, "s") if name.endswith("_s") else words.cell(value)
            for name, value in zip(found.columns, row, strict=True)
        ]
        for row in found.rows
    ]
    columns = [name.removesuffix("_s").replace("_", " ") for name in found.columns]
    return Shown(panel, columns=columns, rows=rows)


_DRAWN: dict[str, Callable[[Panel, Answer, Period], Shown]] = {
    "series": _series,
    "bars": _bars,
    "map": _map,
    "table": _table,
}
