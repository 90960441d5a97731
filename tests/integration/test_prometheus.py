"""Every PromQL of boards and alerts, asked of a real Prometheus that scrapes this process as flows run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from platestream import flow_process
from platestream.boards import BOARDS
from platestream.boards.panel import Panel
from platestream.cameras.state import CameraState
from platestream.flows import meters
from platestream.runtime.metrics import meters as meters_of_all
from platestream.runtime.metrics import serve
from platestream.schemas import metrics
from platestream.schemas.metrics import FLOWS
from platestream.settings import Settings
from tests.support.boards import PEOPLE, PLATES, fill
from tests.support.clock import NOW
from tests.support.database import copied
from tests.support.kafka_broker import free_port
from tests.support.prometheus import Prometheus, prometheus

ROOT = Path(__file__).parents[2]
PANELS = [panel for board in BOARDS for panel in board.panels if panel.promql]
# What these flows do not come to: no broker, no bytewax.run, no receiver to deliver to, nothing that fails.
EMPTY = {
    "Waiting messages",
    "Items through the steps",
    "Retried inserts",
    "From capture to the receiver",
    "From the hit to the receiver",
    "Changes",
    "Cameras without approval, live",
    "Second opinion, live",
    "Withheld",
    "Late feeds, live",
    "Findings, live",
    "Notifications, live",
    "Officers on shift",
    "Field precision by source, 90 days",
}
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "platestream.rules.yml").read_text())["groups"]
    for rule in group["rules"]
]


@pytest.fixture(scope="module")
def scraped(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A day in the life of an agency, scraped before, meanwhile and after, so that there is a rate."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    serve(port, "127.0.0.1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(flow_process.RECOVERY, str(folder))
        flow_process.start_process(Settings(data=folder))
    with prometheus(folder, [f"127.0.0.1:{port}"]) as server, copied(migrated, folder) as database:
        for flow in FLOWS:
            meters.show(flow)
        gateway()
        published()
        server.wait_for("platestream_inquiries_total")
        fill(database)
        server.wait_for("count(rate(platestream_retention_rows_deleted_total[1m])) > 0")
        # Counted last, by the audit flow: a scrape may have come between.
        server.wait_for("count(increase(platestream_hit_actions_total[1h]) > 0) > 0")
        yield server


def published() -> None:
    """What the job that publishes the inquiry log shows whose one witness cosigned."""
    at = NOW.timestamp()
    meters_of_all.put(metrics.LOG_PUBLISHED, to=at)
    meters_of_all.put(metrics.LOG_REFUSED, to=0)
    meters_of_all.put(metrics.LOG_COSIGNED, "auditor.example", to=at)


def gateway() -> None:
    """What a gateway shows whose one camera sent a picture."""
    camera = CameraState("N1", "http", 20.0, NOW)
    camera.arrived(NOW, 0.4)
    camera.picture_is("moved", NOW)
    meters_of_all.put(metrics.GATEWAY_SPOOL, to=0)
    meters_of_all.put(metrics.GATEWAY_SPOOL_LIMIT, to=1e9)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_each_query_has_an_answer_in_the_shape_of_its_panel(scraped: Prometheus, panel: Panel) -> None:
    data = scraped.query(panel.promql.replace("$__rate_interval", "1m"))
    assert data["resultType"] == "vector"
    found = data["result"]
    if panel.title not in EMPTY:
        assert found
    if panel.kind == "figure":
        assert len(found) <= 1
    labels = {panel.legend} if panel.legend else set()
    assert all(set(one["metric"]) == labels for one in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_can_be_judged(scraped: Prometheus, rule: dict[str, str]) -> None:
    assert scraped.query(rule["expr"])["resultType"] == "vector"


def test_no_series_holds_a_plate_or_a_person(scraped: Prometheus) -> None:
    text = repr(scraped.query('{__name__=~"platestream_.*"}')["result"])
    assert "platestream_detections_total" in text
    assert [word for word in (*PLATES, *PEOPLE) if word in text] == []
