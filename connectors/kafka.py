"""Topics on Apache Kafka.

What differs from Bytewax's own connectors, and why (measured on Bytewax 0.21.1): its sink returns normally
with messages undelivered; its source hangs when the broker is down at start, and librdkafka's default skips
to the end when an offset is gone. Offsets live in the recovery store alone, so that state and position are
one; consumer groups are not used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from connectors.edge import WHOLE, Share
from connectors.kafka_client import report
from connectors.kafka_load import KafkaLoad, read_to_end
from connectors.kafka_read import KafkaSource, LostOffset, follow
from connectors.kafka_write import KafkaWriter
from connectors.loading import SnapshotBarrier
from connectors.writer import TopicSink
from schemas.message import Message
from schemas.topics import Topic

T = TypeVar("T")

# A consumer tries every broker at each of librdkafka's own 100 ms, and each try is two lines of a log.
RECONNECT_MS = 1000


class KafkaTopics:
    """The topics of one cluster, which has them under their names behind `prefix`.

    Of what is read, `share` is read here.
    """

    def __init__(
        self,
        servers: str,
        config: Mapping[str, str] | None = None,
        *,
        on_lost_offset: LostOffset = "stop",
        share: Share = WHOLE,
        prefix: str = "",
    ) -> None:
        self._prefix = prefix
        ours = {"bootstrap.servers": servers, "error_cb": report, "reconnect.backoff.ms": RECONNECT_MS}
        self._config = {**ours, **(config or {})}
        self._on_lost_offset: LostOffset = on_lost_offset
        self._share = share
        self._barrier = SnapshotBarrier()

    def read(self, topic: Topic[Any]) -> "KafkaSource":
        return KafkaSource(self._config, self._there(topic), self._barrier, self._on_lost_offset, self._share)

    def load(self, topic: Topic[Any]) -> "KafkaLoad":
        return KafkaLoad(self._config, self._there(topic).name, topic.name, self._barrier)

    def write(self, topic: Topic[T]) -> TopicSink[T]:
        return TopicSink(lambda: self.writer(topic))

    def writer(self, topic: Topic[T]) -> KafkaWriter[T]:
        return KafkaWriter(self._config, self._there(topic))

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        return read_to_end(self._config, self._there(topic).name, prefix)

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        return follow(self._config, self._there(topic).name)

    def _there(self, topic: Topic[T]) -> Topic[T]:
        return replace(topic, name=self._prefix + topic.name) if self._prefix else topic
