"""Generator of Grafana dashboards from the boards of `platestream.boards`, with Grafana's own SDK.

python grafana/render.py      # writes grafana/dashboards/*.json; a test compares the two
"""

import json
import sys
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    geomap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableHide,
)

FOLDER = Path(__file__).parent / "dashboards"
sys.path.insert(0, str(Path(__file__).parents[1]))

from platestream.boards import BOARDS  # noqa: E402
from platestream.boards.panel import Board, Panel  # noqa: E402

PLUGIN = "grafana-clickhouse-datasource"
CLICKHOUSE = DataSourceRef(type_val=PLUGIN, uid="${clickhouse}")
PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${prometheus}")
PLUGIN_VERSION = "4.20.0"
TIME_SERIES, TABLE = 0, 1
# Tiles would come from a remote server, which could then infer where the cameras are.
NO_TILES = {"type": "xyz", "name": "no tiles", "config": {"url": "", "attribution": ""}}
FITTED = {"id": "fit", "allLayers": True, "lat": 0, "lon": 0, "zoom": 12}
HEIGHT = {"figure": 4, "map": 12}
CONSOLE = "http://127.0.0.1:8088/"


class Sql(Dataquery):
    """A query of the ClickHouse plugin, which the SDK does not support."""

    def __init__(self, sql: str, series: bool) -> None:
        self._sql, self._series = sql.strip(), series

    def to_json(self) -> dict[str, Any]:
        """Return the query as the plugin's editor writes it (its src/types/sql.ts)."""
        return {
            "datasource": CLICKHOUSE.to_json(),
            "editorType": "sql",
            "format": TIME_SERIES if self._series else TABLE,
            "pluginVersion": PLUGIN_VERSION,
            "queryType": "timeseries" if self._series else "table",
            "rawSql": self._sql,
            "refId": "A",
        }


class SqlQuery(Builder[Dataquery]):
    """Builder of a query, as the panel builders expect it."""

    def __init__(self, panel: Panel) -> None:
        self._query = Sql(panel.sql, panel.kind == "series")

    def build(self) -> Dataquery:
        return self._query


def query(panel: Panel) -> Builder[Dataquery]:
    """Return the panel's query."""
    if panel.sql:
        return SqlQuery(panel)
    asked = prometheus.Dataquery().ref_id("A").datasource(PROMETHEUS).expr(panel.promql)
    legend = f"{{{{{panel.legend}}}}}" if panel.legend else panel.title
    return (asked.range() if panel.kind == "series" else asked.instant()).legend_format(legend)


def picture(panel: Panel) -> Any:
    """Return a panel of its kind, with the options that only this kind has."""
    if panel.kind == "figure":
        last = common.ReduceDataOptions().calcs(["lastNotNull"])
        return (
            stat.Panel()
            .color_mode(BigValueColorMode.VALUE)
            .graph_mode(BigValueGraphMode.NONE)
            .reduce_options(last)
        )
    if panel.kind == "series":
        legend = (
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        return timeseries.Panel().legend(legend).fill_opacity(10).line_width(1).min(0)
    if panel.kind == "bars":
        options = common.ReduceDataOptions().calcs(["lastNotNull"]).values(bool(panel.sql))
        return bargauge.Panel().orientation(VizOrientation.HORIZONTAL).reduce_options(options).min(0)
    if panel.kind == "map":
        where = {"mode": "coords", "latitude": "latitude", "longitude": "longitude"}
        style = {
            "color": {"field": "age"},
            "size": {"fixed": 6},
            "text": {"field": "camera", "mode": "field"},
        }
        layer = {
            "type": "markers",
            "name": "cameras",
            "location": where,
            "config": {"showLegend": False, "style": style},
        }
        return geomap.Panel().layers([Layer(layer)]).basemap(Layer(NO_TILES)).view(Layer(FITTED))
    return table.Panel()


class Layer(Builder[Any]):
    """A layer of the map as JSON, because the SDK's own omits the location of markers."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    def build(self) -> Any:
        return self._told


def panel_of(panel: Panel, number: int) -> Any:
    """Return a complete panel except for its position."""
    steps = [
        Threshold(value=None if value == float("-inf") else value, color=colour)
        for value, colour in panel.steps
    ]
    return (
        picture(panel)
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .datasource(CLICKHOUSE if panel.sql else PROMETHEUS)
        .with_target(query(panel))
        .unit(panel.unit)
        .no_value(panel.empty)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .span(panel.width)
        .height(HEIGHT.get(panel.kind, 8))
    )


def source(name: str, kind: str, label: str) -> Any:
    """Return the data source as a variable, so that a board can be viewed with another one."""
    return dashboard.DatasourceVariable(name).label(label).type(kind).hide(VariableHide.DONT_HIDE)


def board(one: Board) -> Any:
    """Return a board with its panels, and links to the others and to the page without Grafana."""
    made = (
        dashboard.Dashboard(one.title)
        .uid(one.uid)
        .description(one.about)
        .tags(["platestream"])
        .readonly()
        .refresh("1m")
        .time(f"now-{one.hours}h", "now")
        .timezone("browser")
        .with_variable(source("clickhouse", PLUGIN, "ClickHouse"))
        .with_variable(source("prometheus", "prometheus", "Prometheus"))
        .link(
            dashboard.DashboardLink("Boards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["platestream"])
            .keep_time(True)
        )
        .link(dashboard.DashboardLink("Console").type(DashboardLinkType.LINK).url(CONSOLE).target_blank(True))
    )
    for number, panel in enumerate(one.panels, 1):
        made = made.with_panel(panel_of(panel, number))
    return made.build()


def files() -> dict[str, str]:
    """Return the JSON of every board by file name."""
    return {
        f"{one.uid}.json": json.dumps(board(one), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for one in BOARDS
    }


def main() -> None:
    """Write the boards."""
    for name, text in files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
