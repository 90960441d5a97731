"""What goes wrong with a broker, on a real one: nothing is lost or skipped without a word."""

import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from platestream.edges import kafka_client, kafka_write
from platestream.edges.changelog import newest, publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_client import BrokerError, OffsetGoneError, UndeliveredError
from platestream.edges.kafka_topics import create, describe, faults
from platestream.schemas import topics
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.topics import TOPICS, Topic
from tests.support.flows import detection, listed
from tests.support.kafka_broker import Kafka, KafkaBroker, free_port, wait_until


def own(kafka: Kafka, topic: Topic[Any]) -> Topic[Any]:
    settings = {"cleanup_policy": "compact"} if topic.keep is None else {}
    return replace(topic, name=kafka.topic(topic.name, 1, **settings), partitions=1)


def drain(part: Any, count: int, within: float = 20) -> list[Any]:
    found: list[Any] = []
    end = time.monotonic() + within
    while len(found) < count and time.monotonic() < end:
        found += part.next_batch()
        time.sleep(0.01)
    return found


def test_a_broker_that_is_down_at_start_is_an_error_within_a_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_client, "BROKER_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(BrokerError, match="no answer"):
        KafkaTopics(f"127.0.0.1:{free_port()}").read(topics.FRAMES).list_parts()
    assert time.monotonic() - began < 10


def test_a_missing_topic_is_an_error_that_says_what_to_do(kafka: Kafka) -> None:
    missing = replace(topics.FRAMES, name=kafka.unique("nowhere"))
    with pytest.raises(BrokerError, match="run `platestream topics`"):
        KafkaTopics(kafka.bootstrap).read(missing).list_parts()


@pytest.mark.parametrize("stopped_at", [2, 99])
def test_an_offset_that_is_gone_stops_the_flow_or_by_setting_goes_on_at_the_earliest(
    kafka: Kafka, stopped_at: int
) -> None:
    topic = own(kafka, topics.DETECTIONS)
    streams = KafkaTopics(kafka.bootstrap)
    publish(streams, topic, [detection(f"AAA{n}", n) for n in range(10)])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_records([TopicPartition(topic.name, 0, 5)])
    wait_for_low(streams, topic, 5)

    with pytest.raises(OffsetGoneError, match=f"stopped at offset {stopped_at}, the broker has 5 to 10"):
        streams.read(topic).build_part("in", "0", stopped_at)
    earliest = KafkaTopics(kafka.bootstrap, on_lost_offset="earliest")
    part = earliest.read(topic).build_part("in", "0", stopped_at)
    assert [message.offset for message in drain(part, 5)] == [5, 6, 7, 8, 9]


def wait_for_low(streams: KafkaTopics, topic: Topic[Any], low: int) -> None:
    end = time.monotonic() + 10
    while next(iter(read_to_end(streams, topic))).offset != low:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.nightly
def test_records_that_a_dead_broker_did_not_acknowledge_raise_and_the_next_ones_are_written_when_it_is_back(
    own_kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_write, "DELIVERY_SECONDS", 2.0)
    topic = own(own_kafka, topics.DETECTIONS)
    streams = KafkaTopics(own_kafka.bootstrap)
    sink = streams.write(topic).build("out", 0, 1)
    sink.write_batch([detection("AAA1")])
    own_kafka.kill()
    with pytest.raises(UndeliveredError, match="2 not delivered"):
        sink.write_batch([detection("BBB2"), detection("CCC3")])
    own_kafka.start()
    wait_until(lambda: _written(sink, detection("DDD4")), within=60, what="a try of 2 s to succeed")
    assert {topic.decode(one).plate for one in read_to_end(streams, topic)} == {"AAA1", "DDD4"}


def _written(sink: Any, record: Detection) -> bool:
    """A broker that starts may take longer than one try: whoever stays tries again, as `notify` does."""
    try:
        sink.write_batch([record])
    except UndeliveredError:
        return False
    return True


@pytest.mark.nightly
def test_an_outage_is_waited_out_and_nothing_is_skipped(own_kafka: KafkaBroker) -> None:
    topic = own(own_kafka, topics.DETECTIONS)
    streams = KafkaTopics(own_kafka.bootstrap)
    publish(streams, topic, [detection("AAA1")])
    part = streams.read(topic).build_part("in", "0", None)
    assert len(drain(part, 1)) == 1
    own_kafka.kill()
    assert drain(part, 1, within=3) == []
    own_kafka.start()
    publish(streams, topic, [detection("BBB2")])
    assert [topic.decode(message).plate for message in drain(part, 1)] == ["BBB2"]


def test_a_record_larger_than_the_topic_takes_raises(kafka: Kafka) -> None:
    topic = replace(own(kafka, topics.DETECTIONS), max_bytes=2_000)
    large = msgspec.structs.replace(detection("AAA1"), crop=b"x" * 10_000)
    with pytest.raises(UndeliveredError, match="MSG_SIZE_TOO_LARGE"):
        publish(KafkaTopics(kafka.bootstrap), topic, [large])


def test_topics_are_made_as_declared_and_read_back(own_kafka: KafkaBroker) -> None:
    config = {"bootstrap.servers": own_kafka.bootstrap}
    assert list(faults(config, TOPICS)) == [f"topic {topic.name} is missing" for topic in TOPICS]
    assert create(config, TOPICS) == [f"{topic.name}: made" for topic in TOPICS]
    assert list(faults(config, TOPICS)) == []
    assert create(config, TOPICS) == []

    longer = [replace(topic, keep=topic.keep and topic.keep * 2) for topic in TOPICS]
    drifted = [fault for fault in faults(config, longer) if "retention.ms" in fault]
    assert len(drifted) == sum(topic.keep is not None for topic in TOPICS)
    create(config, longer)
    assert list(faults(config, longer)) == []


@pytest.mark.nightly
def test_topics_that_cameras_fill_may_have_more_partitions_and_no_other(own_kafka: KafkaBroker) -> None:
    config = {"bootstrap.servers": own_kafka.bootstrap}
    create(config, TOPICS, most=12)
    made = {name: int(result["partitions"]) for name, result in describe(config, TOPICS).items()}
    grown = {name for name, count in made.items() if count == 12}
    assert grown == {"frames", "frames_quarantine", "detections", "in_view"}
    assert list(faults(config, TOPICS)) == []
    admin = own_kafka.admin()
    admin.create_partitions([NewPartitions("registry", 2)])["registry"].result(20)
    wait_until(lambda: list(faults(config, TOPICS)) != [], 20, "the broker has it")
    assert list(faults(config, TOPICS)) == ["registry: 2 partitions, 1 declared"]


def test_no_topic_with_plates_keeps_them_longer_than_thirty_days() -> None:
    for topic in TOPICS:
        if topic.name in ("frames", "detections", "alert_hits", "dead_letters"):
            assert topic.keep is not None
            assert topic.keep < topics.RETENTION, topic.name


def test_a_removed_entry_is_off_the_list_that_is_read(kafka: Kafka) -> None:
    topic = own(kafka, topics.HOTLIST)
    streams = KafkaTopics(kafka.bootstrap)
    publish(streams, topic, [listed("AST3087", "1"), listed("XYZ9876", "2"), HotListChange("sjpd:1", None)])
    assert list(newest(streams, topic)) == [b"sjpd:2"]
