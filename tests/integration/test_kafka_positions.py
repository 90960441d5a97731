"""Positions at which partitions are read, by a broker that answers late."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import msgspec

from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.edges.kafka_write import KafkaWriter
from platestream.schemas import topics
from tests.support.flows import READ
from tests.support.kafka_broker import KafkaBroker

PARTS, READS, POSITION = 96, 2_000, 2
"""Partitions, detections on all of them, and the offset at which each partition is read on."""
DETECTIONS = replace(topics.DETECTIONS, partitions=PARTS)


@contextmanager
def paused(broker: KafkaBroker, seconds: float) -> Iterator[None]:
    """Hold the broker for the first seconds of this context."""
    os.kill(broker.pid, signal.SIGSTOP)
    timer = threading.Timer(seconds, os.kill, (broker.pid, signal.SIGCONT))
    timer.start()
    yield
    timer.join()


def test_no_partition_is_read_from_its_beginning_when_the_broker_answers_late(own_kafka: KafkaBroker) -> None:
    """A client that asked for the beginning first asks again half a second later, and went on there."""
    config = {"bootstrap.servers": own_kafka.bootstrap}
    create(config, [DETECTIONS])
    seen = [msgspec.structs.replace(READ, camera_id=f"camera-{number}") for number in range(READS)]
    KafkaWriter(config, DETECTIONS).publish(seen)
    edge = KafkaTopics(own_kafka.bootstrap, {})
    source = edge.read(DETECTIONS)

    def first_offset(part: int) -> int:
        time.sleep(part / PARTS / 2)  # some hear of their leader just before they ask again
        with closing(source.build_part("in", str(part), POSITION)) as partition:
            until, found = time.monotonic() + 2, [POSITION]
            while time.monotonic() < until:
                found += [message.offset for message in partition.next_batch()]
                time.sleep(0.05)
            return min(found)

    with paused(own_kafka, 1.5), ThreadPoolExecutor(PARTS) as pool:
        assert set(pool.map(first_offset, range(PARTS))) == {POSITION}
