import time
from dataclasses import replace

from prometheus_client import REGISTRY

from platestream.edges.kafka import KafkaTopics
from platestream.schemas import topics
from platestream.schemas.metrics import OTHER
from tests.support.flows import frame_message
from tests.support.kafka_broker import Kafka, wait_until

COUNT = 40


def lag() -> float | None:
    # The name of the test's own topic is not one of the pipeline's.
    return REGISTRY.get_sample_value("platestream_topic_lag_messages", {"topic": OTHER, "partition": "0"})


def test_what_waits_on_a_partition_is_shown_while_it_is_read_and_is_0_at_its_end(kafka: Kafka) -> None:
    topic = replace(topics.FRAMES, name=kafka.topic("frames"), partitions=1)
    edge = KafkaTopics(kafka.bootstrap)
    frames = [topics.FRAMES.decode(frame_message(1, -second)) for second in range(COUNT)]
    edge.write(topic).build("out", 0, 1).write_batch(frames)
    part = edge.read(topic).build_part("in", "0", None)
    read, shown = 0, set()
    end = time.monotonic() + 30
    while read < COUNT and time.monotonic() < end:
        batch = part.next_batch()
        read += len(batch)
        if batch:
            shown.add((read, lag()))
    assert read == COUNT
    assert all(waits == COUNT - done for done, waits in shown)
    wait_until(lambda: not part.next_batch() and lag() == 0, 5, "no lag at the end")
    part.close()
