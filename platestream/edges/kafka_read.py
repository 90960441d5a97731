"""Reading of Kafka topics; `platestream.edges.kafka` explains why Bytewax's own source is not used."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from confluent_kafka import (
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from platestream.edges import kafka_client
from platestream.edges.edge import ALL_PARTITIONS, Share
from platestream.edges.kafka_client import BrokerError, OffsetGoneError, error_name, open_client, partitions
from platestream.edges.snapshot_barrier import SnapshotBarrier, note_arrival
from platestream.runtime.clock import POLL_INTERVAL, PollSchedule
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic

LostOffset = Literal["stop", "earliest"]

log = logging.getLogger(__name__)

QUEUE_KB = 32_768
GROUP = "platestream"
"""Group id that the client requires. It is never joined, but looking up its coordinator needs a right."""
ASKING: Mapping[str, Any] = {
    "log_level": 0,  # it logs each connection that is closed during sign-in
    "error_cb": lambda _error: None,
    "reconnect.backoff.ms": kafka_client.RECONNECT_MS,
    "fetch.wait.max.ms": 10,  # the end of a partition is not known before; the default is 500
}
"""Properties of a consumer that asks, or reads to an end: it connects without a pause and logs nothing."""


def open_consumer(
    config: Mapping[str, Any], *, queue_kb: int = QUEUE_KB, lost: str = "error", **more: Any
) -> Consumer:
    """Return a consumer, to be assigned its partitions once, or at offsets within their bounds. `lost` is for
    offsets that are gone.

    Whatever asks for the beginning of a partition whose leader is not known yet asks again half a second
    later, and librdkafka 2.x then goes on there, although it has been assigned another offset since.
    """
    return open_client(
        Consumer,
        {
            **config,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": lost,
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": queue_kb,
            "fetch.queue.backoff.ms": 10,  # a full queue is emptied long before the default, a second
            "reconnect.backoff.ms": kafka_client.CONSUMER_RECONNECT_MS,
            **more,
        },
    )


def bounds(config: Mapping[str, Any], topic: str, numbers: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return the first offset and the end of each partition in `numbers`. Raises BrokerError."""
    consumer = open_consumer(config, **ASKING)
    try:
        return {number: bounds_by(consumer, topic, number) for number in numbers}
    finally:
        consumer.close()


def bounds_by(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """Return the first offset and the end of a partition; retries while its leader changes."""
    retrying = Retrying(
        retry=retry_if_exception_type(KafkaException),
        stop=stop_after_delay(kafka_client.BROKER_SECONDS),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        low, high = retrying(_bounds, consumer, TopicPartition(topic, partition))
    except KafkaException as error:
        raise BrokerError(f"no offsets of {topic}/{partition}: {error_name(error)}") from error
    return low, high


def _bounds(consumer: Consumer, where: TopicPartition) -> tuple[int, int]:
    seconds = kafka_client.BROKER_SECONDS
    consumer.list_topics(where.topic, timeout=seconds)  # else an early answer without leaders may stay
    low, high = consumer.get_watermark_offsets(where, timeout=seconds)
    return low, high


class KafkaSource(FixedPartitionedSource[Message, int]):
    """Source that reads each partition from the offset of the last snapshot, or from its beginning."""

    def __init__(
        self,
        config: Mapping[str, Any],
        topic: Topic[Any],
        barrier: SnapshotBarrier,
        on_lost_offset: LostOffset,
        share: Share = ALL_PARTITIONS,
    ) -> None:
        self._config, self._topic, self._barrier, self._share = config, topic.name, barrier, share
        self._most, self._like = topic.a_poll, topic.parted_as
        self._on_lost_offset = on_lost_offset

    def list_parts(self) -> list[str]:
        there = partitions(self._config, self._topic)
        if self._like and self._share != ALL_PARTITIONS and there != partitions(self._config, self._like):
            raise BrokerError(f"{self._topic} and {self._like} need equal numbers of partitions for shares")
        return [str(partition) for partition in self._share(there)]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_KafkaPartition":
        partition = int(for_part)
        low, high = bounds(self._config, self._topic, [partition])[partition]
        position = low if resume_state is None else resume_state
        if not low <= position <= high:
            self._lost(partition, position, low, high)
            position = low
        consumer = open_consumer(self._config)
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
        self._looks = PollSchedule()

    def next_batch(self) -> list[Message]:
        if not self._barrier.loaded:
            self._idle = True
            return []
        raws, ends = poll(self._consumer, self._most)
        batch = list(map(message_of, raws))
        if batch:
            self._position = batch[-1].offset + 1
            note_arrival(self._where.topic)
        # Marks of transactions are no messages.
        self._position = max(self._position, ends.get(self._where.partition, 0))
        lag = self._lag()
        # Also at the end, because a poll off the grid could end an epoch off it (`PollSchedule`).
        self._idle = not batch or lag == 0
        return batch

    def _lag(self) -> int | None:
        """Return the lag by the partition's end in the broker's last answer; sends no request."""
        _low, end = self._consumer.get_watermark_offsets(self._where, cached=True)
        if end < 0:
            return None
        lag = max(0, end - self._position)
        meters.put(metrics.TOPIC_LAG, self._where.topic, str(self._where.partition), to=lag)
        return lag

    def next_awake(self) -> datetime | None:
        return self._looks.next(idle=self._idle)

    def snapshot(self) -> int:
        self._looks.epoch_ended()
        return self._position

    def close(self) -> None:
        self._consumer.close()


def follow(config: Mapping[str, Any], topic: str) -> Iterator[list[Message]]:
    """Yield new messages of all partitions of `topic`; an empty list while there are none."""
    ends = bounds(config, topic, partitions(config, topic))
    consumer = open_consumer(config)
    consumer.assign([TopicPartition(topic, partition, end) for partition, (_low, end) in ends.items()])
    return _follow(consumer)


def _follow(consumer: Consumer) -> Iterator[list[Message]]:
    try:
        while True:
            yield [message_of(raw) for raw in poll(consumer, 1000, timeout=POLL_INTERVAL.total_seconds())[0]]
    finally:
        consumer.close()


def poll(consumer: Consumer, most: int, timeout: float = 0) -> tuple[list[Any], dict[int, int]]:
    """Return the messages that arrive within `timeout` seconds, and the end of each partition that ended."""
    found: list[Any] = []
    ends: dict[int, int] = {}
    for raw in consumer.consume(most, timeout=timeout):
        error = raw.error()
        if error is None:
            found.append(raw)
        elif error.code() == KafkaError._PARTITION_EOF:
            ends[raw.partition() or 0] = raw.offset() or 0
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise OffsetGoneError(f"{raw.topic()}/{raw.partition()}: offset {raw.offset()} is gone")
        elif error.fatal() or not error.retriable():
            raise BrokerError(f"{raw.topic()}/{raw.partition()}: {error.name()}")
    return found, ends


def message_of(raw: Any) -> Message:
    """Convert a message of the client."""
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
