"""Topics on Apache Kafka.

What differs from Bytewax's own connectors, and why (measured on Bytewax 0.21.1): its sink returns normally
with messages undelivered; its source hangs when the broker is down at start, and librdkafka's default skips
to the end when an offset is gone. Offsets live in the recovery store alone, so that state and position are
one; consumer groups are not used.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from connectors.clock import utc_now
from connectors.loading import LoadGate
from schemas.message import Loaded, Message
from schemas.topics import Topic

T = TypeVar("T")
LostOffset = Literal["stop", "earliest"]

log = logging.getLogger(__name__)

BROKER_SECONDS = 10.0  # how long a broker may take to answer at start
DELIVERY_SECONDS = 30.0  # how long a record may take to be acknowledged
BATCH = 16  # messages a poll: a batch of frames holds a worker and its epoch
LOAD_BATCH = 2000  # of a changelog: small messages, and all of them are wanted
POLL = timedelta(milliseconds=20)


class BrokerError(RuntimeError):
    """The broker did not answer, or does not have what was asked of it."""


class OffsetGoneError(BrokerError):
    """Where the flow stopped is no longer on the broker: a person decides how to go on."""


class UndeliveredError(BrokerError):
    """Records were not acknowledged; the epoch must not be committed."""


def properties(text: str) -> dict[str, str]:
    """`name=value` lines, as Kafka's own tools read them; `#` starts a comment line."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _equals, value in pairs}


class KafkaTopics:
    """The topics of one cluster."""

    def __init__(
        self, servers: str, config: Mapping[str, str] | None = None, *, on_lost_offset: LostOffset = "stop"
    ) -> None:
        self._config = {"bootstrap.servers": servers, "error_cb": _report, **(config or {})}
        self._on_lost_offset: LostOffset = on_lost_offset
        self._gate = LoadGate()

    def read(self, topic: Topic[Any]) -> "KafkaSource":
        return KafkaSource(self._config, topic.name, self._gate, self._on_lost_offset)

    def load(self, topic: Topic[Any]) -> "KafkaLoad":
        return KafkaLoad(self._config, topic.name, self._gate)

    def write(self, topic: Topic[T]) -> "KafkaSink[T]":
        return KafkaSink(self._config, topic)


def partitions(config: Mapping[str, Any], topic: str) -> list[int]:
    """The partitions of `topic`. Raises BrokerError when the broker does not answer or has no such topic."""
    try:
        found = AdminClient(dict(config)).list_topics(topic, timeout=BROKER_SECONDS).topics[topic]
    except KafkaException as error:
        raise BrokerError(
            f"no answer from {config['bootstrap.servers']} within {BROKER_SECONDS:.0f} s: {_name(error)}"
        ) from error
    if found.error is not None or not found.partitions:
        raise BrokerError(f"the broker has no topic `{topic}`: run `platestream topics`")
    return sorted(found.partitions)


def _consumer(config: Mapping[str, Any], topic: str, partition: int, offset: int) -> Consumer:
    consumer = Consumer(
        {
            **config,
            "group.id": "platestream",  # asked for by the client, never joined
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 32_768,
        }
    )
    consumer.assign([TopicPartition(topic, partition, offset)])
    return consumer


def _bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    """First offset and end of a partition now; a partition that changes its leader is asked again."""
    asked = Retrying(
        retry=retry_if_exception_type(KafkaException),
        stop=stop_after_delay(BROKER_SECONDS),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    try:
        low, high = asked(
            consumer.get_watermark_offsets, TopicPartition(topic, partition), timeout=BROKER_SECONDS
        )
    except KafkaException as error:
        raise BrokerError(f"no offsets of {topic}/{partition}: {_name(error)}") from error
    return low, high


class KafkaSource(FixedPartitionedSource[Message, int]):
    """Reads each partition from the offset of the last snapshot, at first from its beginning."""

    def __init__(
        self, config: Mapping[str, Any], topic: str, gate: LoadGate, on_lost_offset: LostOffset
    ) -> None:
        self._config, self._topic, self._gate = config, topic, gate
        self._on_lost_offset = on_lost_offset

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in partitions(self._config, self._topic)]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_KafkaPartition":
        partition = int(for_part)
        consumer = _consumer(self._config, self._topic, partition, OFFSET_BEGINNING)
        low, high = _bounds(consumer, self._topic, partition)
        position = low if resume_state is None else resume_state
        if not low <= position <= high:
            self._lost(partition, position, low, high)
            position = low
        consumer.assign([TopicPartition(self._topic, partition, position)])
        return _KafkaPartition(consumer, self._topic, partition, position, self._gate)

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
    def __init__(self, consumer: Consumer, topic: str, partition: int, position: int, gate: LoadGate) -> None:
        self._consumer, self._topic, self._partition = consumer, topic, partition
        self._position, self._gate = position, gate
        self._idle = False

    def next_batch(self) -> list[Message]:
        if not self._gate.loaded:
            self._idle = True
            return []
        batch, _ended = _poll(self._consumer, BATCH)
        self._idle = not batch
        if batch:
            self._position = batch[-1].offset + 1
        return batch

    def next_awake(self) -> datetime | None:
        return utc_now() + POLL if self._idle else None

    def snapshot(self) -> int:
        return self._position

    def close(self) -> None:
        self._consumer.close()


class KafkaLoad(FixedPartitionedSource[Message | Loaded, None]):
    """Reads a compacted topic from its beginning; `Loaded` follows the end a partition had at the start."""

    def __init__(self, config: Mapping[str, Any], topic: str, gate: LoadGate) -> None:
        self._config, self._topic, self._gate = config, topic, gate

    def list_parts(self) -> list[str]:
        return [str(partition) for partition in partitions(self._config, self._topic)]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_KafkaLoadPartition":
        partition = int(for_part)
        self._gate.expect(f"{self._topic}/{for_part}")
        consumer = _consumer(self._config, self._topic, partition, OFFSET_BEGINNING)
        _low, end = _bounds(consumer, self._topic, partition)
        mark = Loaded(partition, len(partitions(self._config, self._topic)))
        return _KafkaLoadPartition(consumer, self._topic, end, mark, self._gate)


class _KafkaLoadPartition(StatefulSourcePartition[Message | Loaded, None]):
    def __init__(self, consumer: Consumer, topic: str, end: int, mark: Loaded, gate: LoadGate) -> None:
        self._consumer, self._end, self._mark, self._gate = consumer, end, mark, gate
        self._part = f"{topic}/{mark.partition}"
        self._loaded = False
        self._idle = False

    def next_batch(self) -> list[Message | Loaded]:
        batch, ended_at = _poll(self._consumer, LOAD_BATCH)
        self._idle = not batch
        # The last offsets may be compacted away, so the partition's end counts as well as the last message.
        reached = max(ended_at, batch[-1].offset + 1 if batch else 0)
        if self._loaded or reached < self._end:
            return list(batch)
        self._loaded = True
        self._gate.reached(self._part)
        return [*batch, self._mark]

    def next_awake(self) -> datetime | None:
        return utc_now() + POLL if self._idle else None

    def snapshot(self) -> None:
        return None

    def close(self) -> None:
        self._consumer.close()


def _poll(consumer: Consumer, most: int) -> tuple[list[Message], int]:
    """What has arrived, and the offset of the partition's end when that was reached, else -1."""
    found, ended_at = [], -1
    for raw in consumer.consume(most, timeout=0):
        error = raw.error()
        if error is None:
            found.append(_message(raw))
        elif error.code() == KafkaError._PARTITION_EOF:
            ended_at = raw.offset() or 0
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            raise OffsetGoneError(f"{raw.topic()}/{raw.partition()}: offset {raw.offset()} is gone")
        elif error.fatal() or not error.retriable():
            raise BrokerError(f"{raw.topic()}/{raw.partition()}: {error.name()}")
    return found, ended_at


def _message(raw: Any) -> Message:
    kind, milliseconds = raw.timestamp()
    return Message(
        key=raw.key(),
        value=raw.value(),
        headers={name: (value or b"").decode(errors="replace") for name, value in raw.headers() or ()},
        timestamp=None
        if kind == TIMESTAMP_NOT_AVAILABLE
        else datetime.fromtimestamp(milliseconds / 1000, UTC),
        topic=raw.topic(),
        partition=raw.partition(),
        offset=raw.offset(),
    )


class KafkaSink(DynamicSink[T]):
    """Writes records and waits for each to be acknowledged by all in-sync replicas."""

    def __init__(self, config: Mapping[str, Any], topic: Topic[T]) -> None:
        self._config, self._topic = config, topic

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "_KafkaSinkPartition[T]":
        return _KafkaSinkPartition(KafkaWriter(self._config, self._topic))


class _KafkaSinkPartition(StatelessSinkPartition[T]):
    def __init__(self, writer: "KafkaWriter[T]") -> None:
        self._writer = writer

    def write_batch(self, items: list[T]) -> None:
        self._writer.write(items)


class KafkaWriter(Generic[T]):
    """A producer for one topic, for sinks and for the command line."""

    def __init__(self, config: Mapping[str, Any], topic: Topic[T]) -> None:
        self._topic = topic
        self._failed: list[str] = []
        self._producer = Producer(
            {
                **config,
                "acks": "all",
                "enable.idempotence": True,
                "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
                "message.max.bytes": topic.max_bytes,
                "linger.ms": 5,
                "partitioner": "murmur2_random",  # as Kafka's Java clients: a camera stays on one partition
            }
        )

    def write(self, records: list[T]) -> None:
        """Returns when every record is acknowledged. Raises UndeliveredError."""
        for record in records:
            self._produce(self._topic.encode(record))
        left = self._producer.flush(DELIVERY_SECONDS + 5)
        if left or self._failed:
            names = ", ".join(sorted(set(self._failed))) or "timed out"
            raise UndeliveredError(f"{self._topic.name}: {left + len(self._failed)} not delivered: {names}")

    def _produce(self, message: Message) -> None:
        at = message.timestamp
        while True:
            try:
                self._producer.produce(
                    self._topic.name,
                    key=message.key,
                    value=message.value,
                    headers=dict(message.headers),
                    on_delivery=self._delivered,
                    timestamp=0 if at is None else round(at.timestamp() * 1000),  # 0: the broker's clock
                )
            except BufferError:
                self._producer.poll(0.1)  # the queue is full: let some out
            except KafkaException as error:
                raise UndeliveredError(f"{self._topic.name}: {_name(error)}") from error
            else:
                return

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failed.append(error.name())


def _name(error: KafkaException) -> str:
    return str(error.args[0].name()) if error.args else "unknown"


def _report(error: KafkaError) -> None:
    """What librdkafka says outside a call: connections lost and found again."""
    log.warning("kafka: %s", error.name())
