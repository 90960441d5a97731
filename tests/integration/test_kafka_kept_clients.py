"""Reading topics to their ends and writing to them again and again, by clients that a process keeps."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
from confluent_kafka import Producer, TopicPartition

from platestream.edges.changelog import publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_client import UndeliveredError
from platestream.schemas import topics
from platestream.schemas.detection import Detection
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic
from tests.support.flows import detection
from tests.support.kafka_broker import Kafka, KafkaBroker, wait_until


def named(name: str) -> Topic[Detection]:
    return replace(topics.DETECTIONS, name=name)


def plates(found: Iterable[Message]) -> set[str]:
    return {topics.DETECTIONS.decode(one).plate for one in found}


def connections(port: str) -> int:
    """Connections of this machine to a port, with those that were closed within the last minute."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2].endswith(f":{int(port):04X}") for line in lines)


def test_reads_of_topics_share_one_connection_whatever_their_partitions(own_kafka: KafkaBroker) -> None:
    port = own_kafka.bootstrap.rpartition(":")[2]
    few, many = (own_kafka.topic("detections", partitions=count) for count in (1, 16))
    before = connections(port)
    for name in (few, many) * 5:
        streams = KafkaTopics(own_kafka.bootstrap)  # anew, as each request to the console has it
        assert list(read_to_end(streams, named(name))) == []
    assert connections(port) - before <= 2  # to the address that is configured, and to that of the node


def test_an_end_that_is_no_message_is_an_end(kafka: Kafka) -> None:
    streams, topic = KafkaTopics(kafka.bootstrap), named(kafka.topic("detections"))
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": topic.name})
    producer.init_transactions(30)
    for commits, plate in ((True, "AAA1"), (False, "BBB2"), (True, "CCC3")):
        producer.begin_transaction()
        message = topic.encode(detection(plate))
        producer.produce(topic.name, key=message.key, value=message.value, headers=dict(message.headers))
        producer.flush(10)
        if commits:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    assert plates(read_to_end(streams, topic)) == {"AAA1", "CCC3"}

    admin = kafka.admin()
    (deleted,) = admin.delete_records([TopicPartition(topic.name, 0, -1)]).values()
    deleted.result(10)
    assert list(read_to_end(streams, topic)) == []


def test_a_topic_that_was_made_again_and_a_broker_that_was_away_are_read_from_the_beginning(
    own_kafka: KafkaBroker,
) -> None:
    streams, topic = KafkaTopics(own_kafka.bootstrap), named(own_kafka.topic("detections"))
    publish(streams, topic, [detection(f"AAA{number}") for number in range(5)])
    assert len(list(read_to_end(streams, topic))) == 5
    admin = own_kafka.admin()
    admin.delete_topics([topic.name])[topic.name].result(20)
    wait_until(lambda: topic.name not in own_kafka.admin().list_topics(timeout=5).topics, 20, "it is gone")
    own_kafka.create(topic.name)
    publish(streams, topic, [detection("BBB2")])
    assert plates(read_to_end(streams, topic)) == {"BBB2"}

    own_kafka.kill()
    own_kafka.start()
    publish(streams, topic, [detection("CCC3")])
    assert plates(read_to_end(streams, topic)) == {"BBB2", "CCC3"}


def test_a_read_that_is_given_up_leaves_the_next_one_whole(kafka: Kafka) -> None:
    streams, topic = KafkaTopics(kafka.bootstrap), named(kafka.topic("detections"))
    publish(streams, topic, [detection(f"AAA{number}") for number in range(600)])
    for _again in range(3):
        assert next(iter(read_to_end(streams, topic))).offset == 0
        assert [one.offset for one in read_to_end(streams, topic)] == list(range(600))


def test_threads_that_write_to_a_topic_at_once_have_only_their_own_errors(kafka: Kafka) -> None:
    streams = KafkaTopics(kafka.bootstrap)
    topic = replace(named(kafka.topic("detections", max_message_bytes=50_000)), max_bytes=100_000)

    def write(number: int) -> str:
        crop = b"x" * (80_000 if number % 5 == 0 else 10)
        try:
            publish(streams, topic, [msgspec.structs.replace(detection(f"AAA{number}"), crop=crop)])
        except UndeliveredError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(write, range(40)))
    assert {number for number, one in enumerate(said) if one} == set(range(0, 40, 5))
    assert plates(read_to_end(streams, topic)) == {f"AAA{number}" for number in range(40) if number % 5}
