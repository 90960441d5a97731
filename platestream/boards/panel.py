"""Panels and boards: a query, the way its answer is shown, and advice for when it looks wrong."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

Kind = Literal["figure", "series", "bars", "table", "map"]
Unit = Literal["short", "percentunit", "s", "dateTimeAsIso", "bytes"]
Step = tuple[float, Literal["green", "orange", "red"]]
CALM: tuple[Step, ...] = ((float("-inf"), "green"),)


@dataclass(frozen=True)
class Panel:
    """A panel with one query: `sql` for ClickHouse as the boards' account, or `promql` for Prometheus.

    The columns of the answer depend on `kind`. figure: one row of one number; series: `time`, then optionally
    a text that names the line, then numbers; bars: a text and a number; table: anything; map: a text,
    `latitude`, `longitude` and a number. `legend` names the label that distinguishes series of Prometheus.
    `steps` colors the number from each value on. `means` describes the panel, `wrong` says what to do when it
    looks wrong, `empty` is shown when there is no data.
    """

    kind: Kind
    title: str
    means: str
    wrong: str
    sql: str = ""
    promql: str = ""
    legend: str = ""
    unit: Unit = "short"
    steps: tuple[Step, ...] = CALM
    empty: str = "Nothing in this time"
    width: int = 12

    @property
    def description(self) -> str:
        """The text that Grafana shows for the panel's info icon."""
        return f"{self.means} When it looks wrong: {self.wrong}"


figure = partial(Panel, "figure", width=6)
series = partial(Panel, "series")
bars = partial(Panel, "bars")
table = partial(Panel, "table")
map_ = partial(Panel, "map")


@dataclass(frozen=True)
class Board:
    """A page of panels. `uid` is its address, `hours` the period that it shows at first."""

    uid: str
    title: str
    about: str
    hours: int
    panels: tuple[Panel, ...]
