"""The tables refuse for a minute while cameras go on: both flows wait, hold little, and work it off.

As in test_rescale.py, the reader is a cheap one of the tests and tests/checker recounts.
"""

import time
from pathlib import Path

import pytest

from platestream.clickhouse import migrate
from platestream.edges.changelog import publish
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.topics import TOPICS
from tests.checker.check import figures
from tests.checker.flows import (
    FIRST,
    LISTED,
    START_S,
    UNDISTURBED,
    Cameras,
    Run,
    approved,
    patiently,
    settled,
)
from tests.support.engine import Engine
from tests.support.flows import listed
from tests.support.kafka_broker import KafkaBroker

AWAY_S = 60
MOST_MB = 1024

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.kafka, pytest.mark.timeout(1800)]


def most_mb(pid: int) -> int:
    """The most memory that a process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@pytest.mark.parametrize("own_kafka", [UNDISTURBED], indirect=True)
def test_flows_wait_for_tables_that_are_away_and_nothing_is_lost(
    own_kafka: KafkaBroker, tmp_path: Path
) -> None:
    engine = Engine(tmp_path / "engine")
    engine.start()
    run = Run(tmp_path, own_kafka, engine)
    cameras = Cameras(own_kafka.bootstrap, run.journal)
    try:
        migrate.apply(engine.client("owner"))
        create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
        publish(run.streams, topics.REGISTRY, [approved(one) for one in FIRST])
        publish(run.streams, topics.HOTLIST, [listed(plate, name) for plate, name in LISTED.items()])
        with cameras.running():
            run.on(1)
            pids = [pid for flow in run.flows for pid in flow.pids]
            before = [most_mb(pid) for pid in pids]
            engine.kill()
            time.sleep(AWAY_S)
            sent = len(run.journal.sends()) // 3
            began = time.monotonic()
            engine.start()
            patiently(lambda: run.detected() >= sent - len(FIRST), START_S, "what waited")
            caught_up = time.monotonic() - began
        after = [most_mb(pid) for pid in pids]
        found = settled(run.found, 180)
        print(f"{AWAY_S} s away, caught up in {caught_up:.0f} s, MB {before} to {after}: {figures(found)}")
        assert max(after) < MOST_MB
        assert caught_up <= 2 * AWAY_S
        for flow in run.flows:
            flow.stop()  # fails where one had ended by itself
    finally:
        for flow in run.flows:
            flow.end()
        engine.kill()
