"""The page with all boards: HTML made on the server, without scripts or external files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from platestream.boards import BOARDS, formatting, plots
from platestream.boards.panel import Board, Panel
from platestream.boards.queries import PanelAnswer, Period
from platestream.runtime.html_text import escape_text

REFRESH_S = 60
SPANS = {1: "1 hour", 24: "24 hours", 24 * 7: "7 days", 24 * 30: "30 days"}
BARS = 12  # most bars of a panel

Ask = Callable[[Panel, Period], PanelAnswer]


_templates = Environment(
    loader=PackageLoader("platestream.boards"), autoescape=True, trim_blocks=True, finalize=escape_text
)


@dataclass(frozen=True)
class Bar:
    """A bar of a panel; `share` is its length in percent of the longest bar."""

    name: str
    value: str
    share: float
    grade: str


@dataclass(frozen=True)
class PanelView:
    """A panel with its answer, ready for the template; `missing` is the text to show where there is no
    answer.
    """

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


def render(ask: Ask, now: datetime, hours: int | None = None, *, prometheus: bool, console: str = "") -> str:
    """Render the page at `now`. `hours` replaces each board's own period. Panels of Prometheus are left out
    without one. `console` is the address of the console, if it is known.
    """
    boards = [(board, list(_board(board, ask, now, hours, prometheus))) for board in BOARDS]
    return _templates.get_template("board.html").render(
        boards=boards,
        now=now,
        hours=hours,
        console=console,
        spans=SPANS,
        refresh=REFRESH_S,
        left_out=0 if prometheus else sum(bool(one.promql) for board in BOARDS for one in board.panels),
    )


def _board(board: Board, ask: Ask, now: datetime, hours: int | None, prometheus: bool) -> Any:
    period = Period.last(hours or board.hours, now)
    for panel in board.panels:
        if panel.sql or prometheus:
            yield show(panel, ask(panel, period), period)


def show(panel: Panel, found: PanelAnswer, period: Period) -> PanelView:
    """Prepare an answer for the template."""
    if found.missing or not found.rows:
        return PanelView(panel, missing=found.missing or panel.empty)
    if panel.kind == "figure":
        (value,) = found.rows[0]
        if value is None:
            return PanelView(panel, missing=panel.empty)
        return PanelView(
            panel, value=formatting.number(value, panel.unit), grade=formatting.color_of(value, panel.steps)
        )
    return _DRAWN[panel.kind](panel, found, period)


def _series(panel: Panel, found: PanelAnswer, period: Period) -> PanelView:
    drawn, more = plots.lines(found.columns, found.rows)
    if not drawn:
        return PanelView(panel, missing=panel.empty)
    picture = plots.plot(drawn, period.since, period.until, panel.unit, panel.title)
    legend = [(line.name, line.colour, formatting.number(line.last, panel.unit)) for line in drawn]
    return PanelView(panel, picture=picture, legend=legend, more=more)


def _bars(panel: Panel, found: PanelAnswer, _period: Period) -> PanelView:
    longest = max(value for _name, value in found.rows) or 1
    bars = [
        Bar(
            name,
            formatting.number(value, panel.unit),
            max(0.0, 100 * value / longest),
            formatting.color_of(value, panel.steps),
        )
        for name, value in found.rows[:BARS]
    ]
    return PanelView(panel, bars=bars, more=max(0, len(found.rows) - BARS))


def _map(panel: Panel, found: PanelAnswer, _period: Period) -> PanelView:
    places = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return PanelView(panel, picture=plots.cameras(places, panel.steps, panel.title))


def _table(panel: Panel, found: PanelAnswer, _period: Period) -> PanelView:
    rows = [
        [
            formatting.number(value, "s") if name.endswith("_s") else formatting.cell(value)
            for name, value in zip(found.columns, row, strict=True)
        ]
        for row in found.rows
    ]
    columns = [name.removesuffix("_s").replace("_", " ") for name in found.columns]
    return PanelView(panel, columns=columns, rows=rows)


_DRAWN: dict[str, Callable[[Panel, PanelAnswer, Period], PanelView]] = {
    "series": _series,
    "bars": _bars,
    "map": _map,
    "table": _table,
}
