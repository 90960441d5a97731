"""Flows on 1, 2, 4 processes and one again while cameras go on, recounted from outside: nothing is lost.

Processes are stopped and started as an operator does it; of four, one is killed, and the others end by
themselves. The reader is a cheap one of the tests (support/marked.py), everything else is what an agency
runs: both flows, Apache Kafka, the engine. tests/checker writes down each send and reads topics and tables by
its own means. That no notify flow runs here is the one thing that it is told to overlook.
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
    CAMERAS,
    FIRST,
    LATE,
    LISTED,
    START_S,
    UNDISTURBED,
    Cameras,
    Run,
    approved,
    patiently,
    settled,
)
from tests.support.chaos import KILLS
from tests.support.engine import Engine
from tests.support.flows import listed
from tests.support.kafka_broker import KafkaBroker

ROUNDS = max(1, KILLS // 4)

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.kafka, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("own_kafka", [UNDISTURBED], indirect=True)
def test_from_one_process_to_two_to_four_and_back_nothing_is_lost_doubled_or_out_of_order(
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
        began = time.monotonic()
        with cameras.running():
            run.on(1)
            for round_ in range(ROUNDS):
                run.on(2)
                run.on(4)
                if not round_:
                    # Each process hears of it by itself: frames that it knows nothing of go to quarantine.
                    publish(run.streams, topics.REGISTRY, [approved(one) for one in LATE])
                    time.sleep(4)
                    cameras.more()
                    patiently(run.late_detected, START_S, "detections of the cameras that were approved late")
                run.on(1, end=lambda flow: flow.kill_one(1))
        found = settled(run.found, 180)
        took_back = sum(flow.log.count("took back") for flow in run.flows)
        minutes = (time.monotonic() - began) / 60
        print(f"{ROUNDS} rounds in {minutes:.1f} min, {took_back} starts took state back: {figures(found)}")
        assert {one.camera for one in found.sends} == set(CAMERAS)
        assert figures(found)["hits"] >= 2 * len(CAMERAS)
    finally:
        for flow in run.flows:
            flow.end()
        engine.kill()
