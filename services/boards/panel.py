"""What a panel is: a question, how the answer is shown, and what to do when it looks wrong."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["figure", "series", "bars", "table", "map"]
Unit = Literal["short", "percentunit", "s", "dateTimeAsIso", "bytes"]
Step = tuple[float, Literal["green", "orange", "red"]]
CALM: tuple[Step, ...] = ((float("-inf"), "green"),)


@dataclass(frozen=True)
class Panel:
    """`sql` asks ClickHouse as the boards' account, `promql` Prometheus; one of them.

    What the answer holds, by `kind`: figure: one row of one number; series: `time`, then a text to tell lines
    apart (or none), then numbers; bars: a text and a number; table: anything; map: `latitude`, `longitude`,
    a text and a number. `legend` names the label that tells series of Prometheus apart. `steps` colours the
    number from each value on. `means` says what is seen, `wrong` what to do when it looks wrong, `empty` what
    is said when there is nothing.
    """

    title: str
    kind: Kind
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
        """What Grafana shows behind the panel's i."""
        return f"{self.means} When it looks wrong: {self.wrong}"


@dataclass(frozen=True)
class Board:
    """A page of panels; `uid` is its address. `hours` is the time that it shows at first."""

    uid: str
    title: str
    about: str
    hours: int
    panels: tuple[Panel, ...]
