"""What the pipeline relies on Kafka and its client for, as the real broker does it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka import TopicPartition as At

from tests.conftest import skip_unless_ci
from tests.support.jars import CHECKSUMS, JarsUnavailableError, fetch_jars
from tests.support.kafka_broker import (
    EXISTING,
    LARGEST_MESSAGE,
    Kafka,
    KafkaBroker,
    KafkaStartError,
    KafkaUnavailableError,
    find_java,
    wait_until,
)

DAY = 24 * 3600 * 1000
quick_cleanup = pytest.mark.skipif(
    EXISTING in os.environ, reason=f"{EXISTING} may clean up only every 5 minutes"
)


def now() -> int:
    return int(time.time() * 1000)


@contextmanager
def reading(kafka: Kafka, topic: str, offset: int, **settings: object) -> Iterator[Consumer]:
    config = {
        "bootstrap.servers": kafka.bootstrap,
        "group.id": kafka.unique("test"),
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
        "log_level": 0,
    }
    consumer = Consumer(config | {key.replace("_", "."): value for key, value in settings.items()})
    consumer.assign([At(topic, 0, offset)])
    try:
        yield consumer
    finally:
        consumer.close()


def offset_of(message: Message) -> int:
    offset = message.offset()
    assert offset is not None
    return offset


def code_of(error: KafkaError | None) -> int | None:
    return None if error is None else error.code()


def read_to_end(consumer: Consumer, within: float = 15) -> tuple[list[Message], int]:
    """The messages up to the end, and the offset at which Kafka says the end is."""
    messages: list[Message] = []
    end = time.monotonic() + within
    while time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is None:
            continue
        error = message.error()
        if error is None:
            messages.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:
            return messages, offset_of(message)
        else:
            raise KafkaException(error)
    raise TimeoutError(f"no end of the partition within {within:g} s")


def offsets(kafka: Kafka, topic: str) -> list[int]:
    with reading(kafka, topic, 0, auto_offset_reset="earliest") as consumer:
        return [offset_of(message) for message in read_to_end(consumer)[0]]


def watermarks(kafka: Kafka, topic: str) -> tuple[int, int]:
    with reading(kafka, topic, 0) as consumer:
        found: tuple[int, int] = consumer.get_watermark_offsets(At(topic, 0), timeout=5)
        return found


def producer(kafka: Kafka, **settings: object) -> Producer:
    config = {
        "bootstrap.servers": kafka.bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "message.max.bytes": LARGEST_MESSAGE,
        "reconnect.backoff.max.ms": 200,
        "log_level": 0,
    }
    return Producer(config | {key.replace("_", "."): value for key, value in settings.items()})


def write(kafka: Kafka, topic: str, *items: tuple[str, str | None], at: int = 0) -> None:
    to = producer(kafka)
    for key, value in items:
        to.produce(topic, key=key, value=value, timestamp=at)
    assert to.flush(10) == 0


def delete_before(kafka: Kafka, topic: str, offset: int) -> None:
    admin = kafka.admin()
    for done in admin.delete_records([At(topic, 0, offset)]).values():
        done.result(10)


def test_a_frame_of_30_mb_its_headers_and_its_capture_time_come_back(kafka: Kafka) -> None:
    topic = kafka.topic("frames", max_message_bytes=LARGEST_MESSAGE, retention_ms=-1)
    to, frame, captured = producer(kafka), os.urandom(30_000_000), now() - 29 * DAY
    to.produce(
        topic, key="cam", value=frame, headers=[("camera", b"cam"), ("none", None)], timestamp=captured
    )
    to.produce(topic, key="cam", value=None)
    assert to.flush(20) == 0

    with reading(kafka, topic, 0) as consumer:
        (first, tombstone), _ = read_to_end(consumer)

    assert first.value() == frame
    assert first.headers() == [("camera", b"cam"), ("none", None)]
    assert first.timestamp()[1] == captured
    assert tombstone.value() is None
    assert tombstone.headers() is None


@pytest.mark.parametrize("offset", [2, 50], ids=["deleted", "beyond_the_end"])
def test_an_offset_that_is_not_there_is_reported_once_and_then_nothing_is(kafka: Kafka, offset: int) -> None:
    topic = kafka.topic("reset")
    write(kafka, topic, *[("k", str(i)) for i in range(10)])
    delete_before(kafka, topic, 5)

    with reading(kafka, topic, offset) as consumer:
        reported = consumer.poll(10)
        assert reported is not None
        error = reported.error()
        assert error is not None
        assert (error.code(), error.fatal()) == (KafkaError._AUTO_OFFSET_RESET, False)
        assert reported.offset() == offset
        assert consumer.consume(10, timeout=1) == []


@pytest.mark.nightly
def test_with_the_default_reset_an_offset_that_was_deleted_skips_all_that_is_left(kafka: Kafka) -> None:
    topic = kafka.topic("reset")
    write(kafka, topic, *[("k", str(i)) for i in range(10)])
    delete_before(kafka, topic, 5)

    with reading(kafka, topic, 2, auto_offset_reset="largest") as consumer:
        assert read_to_end(consumer) == ([], 10)


def test_an_empty_partition_has_an_end_but_its_reader_no_position(kafka: Kafka) -> None:
    topic = kafka.topic("empty")
    with reading(kafka, topic, 0) as consumer:
        assert read_to_end(consumer) == ([], 0)
        assert consumer.position([At(topic, 0)])[0].offset == OFFSET_INVALID


def test_the_end_and_the_position_are_past_the_markers_of_transactions(kafka: Kafka) -> None:
    topic = kafka.topic("transactions")
    to = producer(kafka, transactional_id=kafka.unique("transaction"))
    to.init_transactions(20)
    to.begin_transaction()
    to.produce(topic, value="kept")
    to.commit_transaction(20)
    to.begin_transaction()
    to.produce(topic, value="dropped")
    to.flush(10)
    to.abort_transaction(20)

    with reading(kafka, topic, 0) as consumer:
        messages, end = read_to_end(consumer)
        assert [message.offset() for message in messages] == [0]
        assert (end, consumer.position([At(topic, 0)])[0].offset) == (4, 4)
    assert watermarks(kafka, topic) == (0, 4)


@quick_cleanup
@pytest.mark.nightly
def test_compaction_leaves_gaps_and_starts_only_when_a_later_message_rolls_the_segment(kafka: Kafka) -> None:
    topic = kafka.topic("hotlist", cleanup_policy="compact", segment_ms=500, delete_retention_ms=100)
    write(kafka, topic, ("a", "1"), ("a", "2"), ("b", "1"), ("b", None))
    time.sleep(1.5)
    assert offsets(kafka, topic) == [0, 1, 2, 3]

    write(kafka, topic, ("c", "1"))
    wait_until(lambda: offsets(kafka, topic) == [1, 3, 4], 15, "compaction")
    assert watermarks(kafka, topic) == (0, 5)
    with reading(kafka, topic, 2) as consumer:
        assert [message.offset() for message in read_to_end(consumer)[0]] == [3, 4]


@quick_cleanup
@pytest.mark.nightly
def test_retention_counts_from_the_time_that_the_producer_gave(kafka: Kafka) -> None:
    by_capture = kafka.topic("frames", retention_ms=DAY)
    by_arrival = kafka.topic("frames", retention_ms=DAY, message_timestamp_type="LogAppendTime")
    for topic in (by_capture, by_arrival):
        write(kafka, topic, ("cam", "captured 29 days ago"), at=now() - 29 * DAY)

    wait_until(lambda: watermarks(kafka, by_capture) == (1, 1), 15, "retention")
    assert watermarks(kafka, by_arrival) == (0, 1)


@quick_cleanup
@pytest.mark.nightly
def test_an_old_message_is_kept_as_long_as_a_newer_one_shares_its_segment(kafka: Kafka) -> None:
    topic = kafka.topic("frames", retention_ms=DAY)
    write(kafka, topic, ("cam", "now"))
    write(kafka, topic, ("cam", "29 days ago"), at=now() - 29 * DAY)
    time.sleep(1.5)
    assert watermarks(kafka, topic) == (0, 2)


@pytest.mark.nightly
def test_one_time_in_the_future_refuses_its_whole_batch(kafka: Kafka) -> None:
    topic, result = kafka.topic("frames"), list[int | None]()
    to = producer(kafka, linger_ms=200)
    for ahead in (0, 2 * 3600 * 1000, 0):
        to.produce(
            topic,
            value="frame",
            timestamp=now() + ahead,
            on_delivery=lambda error, _: result.append(code_of(error)),
        )
    assert to.flush(10) == 0
    assert result == [KafkaError.INVALID_TIMESTAMP] * 3


@pytest.mark.chaos
@pytest.mark.nightly
def test_a_killed_broker_keeps_its_port_and_what_it_acknowledged(own_kafka: KafkaBroker) -> None:
    topic = own_kafka.topic("kept")
    write(own_kafka, topic, ("k", "1"))
    own_kafka.kill()
    own_kafka.start()
    write(own_kafka, topic, ("k", "2"))
    own_kafka.stop()
    own_kafka.start()
    assert offsets(own_kafka, topic) == [0, 1]


@pytest.mark.chaos
@pytest.mark.nightly
def test_without_a_broker_flush_returns_0_and_only_the_callback_tells_of_a_loss(
    own_kafka: KafkaBroker,
) -> None:
    topic, result = own_kafka.topic("lost"), list[int | None]()
    to = producer(own_kafka, message_timeout_ms=1000)
    own_kafka.kill()
    to.produce(topic, value="lost", on_delivery=lambda error, _: result.append(code_of(error)))
    assert to.flush(10) == 0
    assert result == [KafkaError._MSG_TIMED_OUT]

    admin, since = own_kafka.admin(), time.monotonic()
    with pytest.raises(KafkaException) as caught:
        admin.list_topics(timeout=1)
    assert caught.value.args[0].code() == KafkaError._TRANSPORT
    assert time.monotonic() - since < 5


@pytest.mark.kafka
def test_a_broker_that_does_not_start_says_where_its_log_is(tmp_path: Path) -> None:
    try:
        broker = KafkaBroker(tmp_path / "kafka", {"num.io.threads": 0})
    except KafkaUnavailableError as e:
        skip_unless_ci(str(e))
    with pytest.raises(KafkaStartError) as caught:
        broker.start()
    assert str(broker.log) in str(caught.value)
    assert "num.io.threads" in str(caught.value)


def test_an_old_java_is_refused_with_the_version_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailableError, match=r"needs Java 17 or newer.*11\.0\.2"):
        find_java()


def test_without_maven_and_jars_the_reason_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / CHECKSUMS).write_text(f"{'0' * 64}  kafka.jar\n")
    with pytest.raises(JarsUnavailableError, match="mvn"):
        fetch_jars(tmp_path)


def test_a_jar_that_differs_from_its_checksum_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\nmkdir -p target/jars && echo other > target/jars/kafka.jar\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}:{os.environ['PATH']}")
    (tmp_path / CHECKSUMS).write_text(f"{'0' * 64}  kafka.jar\n")
    with pytest.raises(JarsUnavailableError, match=r"kafka\.jar"):
        fetch_jars(tmp_path)
