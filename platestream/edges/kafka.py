"""Topics on Apache Kafka.

Bytewax's own connectors are not used (measured with Bytewax 0.21.1): the sink returns normally with messages
undelivered, the source hangs if the broker is down at start, and librdkafka's default skips to the end if an
offset is gone. Offsets are stored in the recovery store only, so that state and position agree; consumer
groups are not used.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from confluent_kafka import Producer

from platestream.edges.edge import ALL_PARTITIONS, Share
from platestream.edges.kafka_claim import KafkaClaim
from platestream.edges.kafka_client import common_config
from platestream.edges.kafka_load import KafkaLoad, WholeReader
from platestream.edges.kafka_read import KafkaSource, LostOffset, follow
from platestream.edges.kafka_write import KafkaWriter
from platestream.edges.snapshot_barrier import SnapshotBarrier
from platestream.edges.writer import TopicSink
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic

T = TypeVar("T")


class _Clients:
    """Clients for reads and writes outside a flow, which this process keeps."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.reader = WholeReader(config)
        self.producers: dict[str, Producer] = {}


_last: list[_Clients] = []


def _clients(config: Mapping[str, Any]) -> _Clients:
    """Return the clients of the last `KafkaTopics` with these properties, else new ones in their place.

    The console opens its topics for each request, and a changed password comes with the next one.
    """
    kept = next(iter(_last), None)
    if kept is None or kept.config != config:
        kept = _Clients(config)
        _last[:] = [kept]
    return kept


class KafkaTopics:
    """The topics of one cluster, which has them under their names with `prefix` in front.

    This process reads the partitions of `share`, and the sinks of its flow write under its claim.
    """

    def __init__(
        self,
        servers: str,
        config: Mapping[str, str] | None = None,
        *,
        claim: KafkaClaim | None = None,
        on_lost_offset: LostOffset = "stop",
        share: Share = ALL_PARTITIONS,
        prefix: str = "",
    ) -> None:
        self._prefix = prefix
        self._config = common_config(servers, config or {})
        self._on_lost_offset: LostOffset = on_lost_offset
        self._share, self._claim = share, claim
        self._barrier = SnapshotBarrier()
        self._clients = _clients(self._config)

    def read(self, topic: Topic[Any]) -> "KafkaSource":
        return KafkaSource(
            self._config, self._require_topic(topic), self._barrier, self._on_lost_offset, self._share
        )

    def load(self, topic: Topic[Any]) -> "KafkaLoad":
        return KafkaLoad(self._config, self._require_topic(topic).name, topic.name, self._barrier)

    def write(self, topic: Topic[T]) -> TopicSink[T]:
        return TopicSink(lambda: KafkaWriter(self._config, self._require_topic(topic), self._claim))

    def writer(self, topic: Topic[T]) -> KafkaWriter[T]:
        return KafkaWriter(self._config, self._require_topic(topic), kept=self._clients.producers)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        return self._clients.reader.read(self._require_topic(topic).name, prefix)

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        return follow(self._config, self._require_topic(topic).name)

    def _require_topic(self, topic: Topic[T]) -> Topic[T]:
        if not self._prefix:
            return topic
        like = topic.parted_as and self._prefix + topic.parted_as
        return replace(topic, name=self._prefix + topic.name, parted_as=like)
