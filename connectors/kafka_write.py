"""Writing topics of Apache Kafka; `connectors.kafka` says why not with Bytewax's own sink."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.kafka_client import UndeliveredError, may_write, name_of, open_client, partitions
from connectors.metrics import meters
from schemas import metrics
from schemas.message import Message
from schemas.topics import Topic

T = TypeVar("T")

DELIVERY_SECONDS = 30.0  # how long a record may take to be acknowledged


class KafkaWriter(Generic[T]):
    """A producer for one topic; a record is written when all in-sync replicas acknowledge it.

    Whether the broker lets this account in and write is asked first: a producer itself would only time out.
    Raises BrokerError.
    """

    def __init__(self, config: Mapping[str, Any], topic: Topic[T]) -> None:
        partitions(config, topic.name)
        may_write(config, topic.name)
        self._topic = topic
        self._failed: list[str] = []
        self._producer = open_client(
            Producer,
            {
                **config,
                "acks": "all",
                "enable.idempotence": not topic.repeatable,
                "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
                "message.max.bytes": topic.max_bytes,
                "linger.ms": 5,
                "partitioner": "murmur2_random",  # as Kafka's Java clients: a camera stays on one partition
            },
        )

    def publish(self, records: Sequence[T]) -> None:
        """Returns when every record is acknowledged. Raises UndeliveredError; whoever stays may try again."""
        self._failed.clear()  # of a try before, which was told
        try:
            for record in records:
                self._produce(self._topic.encode(record))
            left = self._producer.flush(DELIVERY_SECONDS + 5)
        except (KafkaException, SystemError) as error:
            raise UndeliveredError(f"{self._topic.name}: {reason_of(error)}") from error
        if left or self._failed:
            names = ", ".join(sorted(set(self._failed))) or "timed out"
            raise UndeliveredError(f"{self._topic.name}: {left + len(self._failed)} not delivered: {names}")
        meters.count(metrics.RECORDS_WRITTEN, self._topic.name, by=len(records))

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
                raise UndeliveredError(f"{self._topic.name}: {name_of(error)}") from error
            else:
                return

    def _delivered(self, error: KafkaError | None, _message: object) -> None:
        if error is not None:
            self._failed.append(error.name())


def reason_of(error: Exception) -> str:
    """What is fatal to a producer, such as no right to write at all, comes as an exception out of what was
    called; where deliveries were reported at the same time, as what is behind a SystemError, or behind
    several, one for each call that the client went on with.

    Not where it is caught: a variable of that frame would hold the error, and the error the frame with its
    producer, which would go on asking the broker until the collector of garbage comes by.
    """
    why: BaseException | None = error
    while why is not None and not isinstance(why, KafkaException):
        why = why.__cause__ or why.__context__
    return type(error).__name__ if why is None else name_of(why)
