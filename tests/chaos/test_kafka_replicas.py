"""Three brokers with every topic on each: one is killed while a writer writes."""

import threading
from pathlib import Path

import pytest

from platestream.edges.changelog import read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create, describe
from platestream.schemas import topics
from platestream.schemas.topics import TOPICS
from tests.support.flows import detection
from tests.support.kafka_broker import wait_until
from tests.support.kafka_cluster import cluster

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.kafka]


def test_of_three_brokers_one_is_killed_and_what_was_acknowledged_is_there_once_and_in_order(
    tmp_path: Path,
) -> None:
    with cluster(tmp_path) as nodes:
        reached = ",".join(one.bootstrap for one in nodes)
        config = {"bootstrap.servers": reached}
        create(config, TOPICS, replication=3)
        assert describe(config, [topics.DETECTIONS])["detections"]["min.insync.replicas"] == "2"
        writer = KafkaTopics(reached).write(topics.DETECTIONS).build("feed", 0, 1)
        acknowledged: list[str] = []
        over = threading.Event()

        def write() -> None:
            while not over.is_set():
                batch = [detection(f"AAA{len(acknowledged) + number:05}") for number in range(20)]
                writer.write_batch(batch)
                acknowledged.extend(one.plate for one in batch)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for victim in nodes[1:]:
                before = len(acknowledged)
                wait_until(lambda: len(acknowledged) > before + 200, 60, "writing")  # noqa: B023
                victim.kill()
                killed = len(acknowledged)
                wait_until(lambda: len(acknowledged) > killed + 200, 60, "writing with two")  # noqa: B023
                victim.start()
        finally:
            over.set()
            thread.join(60)
        there = read_to_end(KafkaTopics(reached), topics.DETECTIONS)
        read = [topics.DETECTIONS.decode(one).plate for one in there]
        print(f"{len(acknowledged)} acknowledged over two kills of one broker of three, {len(read)} there")
        assert sorted(read) == sorted(acknowledged)
        assert read == sorted(read), "one camera, one partition, one order"
