"""Reading topics of Apache Kafka; `connectors.kafka` says why not with Bytewax's own source."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from connectors import kafka_client
from connectors.clock import WAKE, Looks
from connectors.edge import WHOLE, Share
from connectors.kafka_client import BrokerError, OffsetGoneError, name_of, open_client, partitions
from connectors.loading import SnapshotBarrier, arrived
from connectors.metrics import meters
from schemas import metrics
from schemas.message import Message
from schemas.topics import Topic

LostOffset = Literal["stop", "earliest"]

log = logging.getLogger(__name__)

QUEUE_KB = 32_768
GROUP = "platestream"
"""Asked for by the client, never joined; to look for its coordinator an account needs a right."""


def consumer_of(
    config: Mapping[str, Any], topic: str, partition: int, *, queue_kb: int = QUEUE_KB
) -> Consumer:
    """A consumer of one partition, at its beginning."""
    consumer = open_client(
        Consumer,
        {
            **config,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": queue_kb,
            "fetch.queue.backoff.ms": 10,  # a full queue is emptied long before the default, a second
        },
    )
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
    return consumer


def bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """First offset and end of a partition now; a partition that changes its leader is asked again."""
    asked = Retrying(
        retry=retry_if_exception_type(KafkaException),
        stop=stop_after_delay(kafka_client.BROKER_SECONDS),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        low, high = asked(
            consumer.get_watermark_offsets,
            TopicPartition(topic, partition),
            timeout=kafka_client.BROKER_SECONDS,
        )
    except KafkaException as error:
        raise BrokerError(f"no offsets of {topic}/{partition}: {name_of(error)}") from error
    return low, high


class KafkaSource(FixedPartitionedSource[Message, int]):
    """Reads each partition from the offset of the last snapshot, at first from its beginning."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topic: Topic[Any],
        barrier: SnapshotBarrier,
        on_lost_offset: LostOffset,
        share: Share = WHOLE,
    ) -> None:
        self._config, self._topic, self._barrier, self._share = config, topic.name, barrier, share
        self._most = topic.a_poll
        self._on_lost_offset = on_lost_offset

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in self._share(partitions(self._config, self._topic))]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_KafkaPartition":
        partition = int(for_part)
        consumer = consumer_of(self._config, self._topic, partition)
        low, high = bounds(consumer, self._topic, partition)
        position = low if resume_state is None else resume_state
        if not low <= position <= high:
            self._lost(partition, position, low, high)
            position = low
        consumer.assign([TopicPartition(self._topic, partition, position)])
        where = TopicPartition(self._topic, partition)
        return _KafkaPartition(consumer, where, self._most, position, self._barrier)

    def _lost(self, partition: int, position: int, low: int, high: int) -> None:
        what = (
            f"{self._topic}/{partition}: the flow stopped at offset {position}, "
            f"the broker has {low} to {high}"
        )
        if self._on_lost_offset == "stop":
            raise OffsetGoneError(
                f"{what}; what lies between is lost. PLATESTREAM_ON_LOST_OFFSET=earliest goes on at {low}"
            )
        log.error("%s; going on at %d", what, low)


class _KafkaPartition(StatefulSourcePartition[Message, int]):
    def __init__(
        self, consumer: Consumer, where: TopicPartition, most: int, position: int, barrier: SnapshotBarrier
    ) -> None:
        self._consumer, self._where, self._most = consumer, where, most
        self._position, self._barrier = position, barrier
        self._idle = False
        self._looks = Looks()

    def next_batch(self) -> list[Message]:
        if not self._barrier.loaded:
            self._idle = True
            return []
        raws, _ended = poll(self._consumer, self._most)
        batch = list(map(message_of, raws))
        if batch:
            self._position = batch[-1].offset + 1
            arrived(self._where.topic)
        lag = self._lag()
        # At the end, too: a call off the grid could end an epoch off it (`Looks`).
        self._idle = not batch or lag == 0
        return batch

    def _lag(self) -> int | None:
        """By the end of the partition as the last answer of the broker had it; nothing is asked for it."""
        _low, end = self._consumer.get_watermark_offsets(self._where, cached=True)
        if end < 0:
            return None
        lag = max(0, end - self._position)
        meters.put(metrics.TOPIC_LAG, self._where.topic, str(self._where.partition), to=lag)
        return lag

    def next_awake(self) -> datetime | None:
        return self._looks.next() if self._idle else None

    def snapshot(self) -> int:
        self._looks.epoch_ended()
        return self._position

    def close(self) -> None:
        self._consumer.close()


def follow(config: Mapping[str, Any], topic: str) -> Iterator[list[Message]]:
    """What comes to all partitions of `topic` from now on; an empty list while nothing does."""
    consumer = consumer_of(config, topic, 0)
    places = [
        TopicPartition(topic, partition, bounds(consumer, topic, partition)[1])
        for partition in partitions(config, topic)
    ]
    consumer.assign(places)
    return _follow(consumer)


def _follow(consumer: Consumer) -> Iterator[list[Message]]:
    try:
        while True:
            yield [message_of(raw) for raw in poll(consumer, 1000, timeout=WAKE.total_seconds())[0]]
    finally:
        consumer.close()


def poll(consumer: Consumer, most: int, timeout: float = 0) -> tuple[list[Any], int]:
    """What has arrived (within `timeout` seconds), and the offset of the partition's end when that was
    reached, else -1.
    """
    found, ended_at = [], -1
    for raw in consumer.consume(most, timeout=timeout):
        error = raw.error()
        if error is None:
            found.append(raw)
        elif error.code() == KafkaError._PARTITION_EOF:
            ended_at = raw.offset() or 0
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise OffsetGoneError(f"{raw.topic()}/{raw.partition()}: offset {raw.offset()} is gone")
        elif error.fatal() or not error.retriable():
            raise BrokerError(f"{raw.topic()}/{raw.partition()}: {error.name()}")
    return found, ended_at


def message_of(raw: Any) -> Message:
    """A message as the client has it, as ours."""
    (kind, milliseconds), headers = raw.timestamp(), raw.headers()
    known = kind != TIMESTAMP_NOT_AVAILABLE
    return Message(
        raw.key(),
        raw.value(),
        {name: (value or b"").decode(errors="replace") for name, value in headers} if headers else {},
        datetime.fromtimestamp(milliseconds / 1000, UTC) if known else None,
        raw.topic(),
        raw.partition(),
        raw.offset(),
    )
