"""Writing of Kafka topics; `platestream.edges.kafka` explains why Bytewax's own sink is not used."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer

from platestream.edges.kafka_client import (
    BrokerError,
    NotSetUpError,
    UndeliveredError,
    check_write_right,
    error_name,
    open_client,
    partitions,
)
from platestream.runtime.metrics import meters
from platestream.schemas import metrics
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic

if TYPE_CHECKING:
    from platestream.edges.kafka_claim import KafkaClaim

T = TypeVar("T")

DELIVERY_SECONDS = 30.0  # timeout of an acknowledgment
_ABORTED = "_PURGE_QUEUE"
"""Error of records of an aborted transaction: the broker forgets transactions that are unused for a week."""


class KafkaWriter(Generic[T]):
    """Producer for one topic; a record is written when all in-sync replicas acknowledge it.

    Access and rights are checked first, because a producer itself would only time out. Raises BrokerError.
    With a claim it writes in transactions, which the broker refuses once another process took the share over.
    It takes the producer of its topic that is in `kept`, or puts its own there: a new one waits half a second
    for its id.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        topic: Topic[T],
        claim: "KafkaClaim | None" = None,
        kept: dict[str, Producer] | None = None,
    ) -> None:
        self._topic, self._claim = topic, claim
        self._kept = {} if kept is None else kept
        self._outcomes: list[str] = []
        known = self._kept.get(topic.name)
        self._producer = self._open(config) if known is None else known
        self._kept[topic.name] = self._producer

    def _open(self, config: Mapping[str, Any]) -> Producer:
        topic, claim = self._topic, self._claim
        partitions(config, topic.name)
        check_write_right(config, topic.name)
        producer = open_client(
            Producer,
            {
                **config,
                "acks": "all",
                "enable.idempotence": claim is not None or not topic.repeatable,
                "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
                "message.max.bytes": topic.max_bytes,
                "linger.ms": 5,
                "partitioner": "murmur2_random",  # as Kafka's Java clients: a camera stays on one partition
                **(claim.transaction(topic.name) if claim else {}),
            },
        )
        if claim:
            begin_transactions(producer)
        return producer

    def publish(self, records: Sequence[T]) -> None:
        """Write records; returns when every one is acknowledged.

        Raises UndeliveredError; the caller may retry, without a claim. Raises ClaimedError.
        """
        try:
            self._publish(records)
        except UndeliveredError:
            self._kept.pop(self._topic.name, None)  # its error may be final
            if _ABORTED not in self._outcomes:
                raise
            self._publish(records, again=True)
        meters.count(metrics.RECORDS_WRITTEN, self._topic.name, by=len(records))

    def _publish(self, records: Sequence[T], *, again: bool = False) -> None:
        # Others may write by the same producer, so each publication has a list of its own.
        outcomes: list[str] = []
        self._outcomes = outcomes
        try:
            if again:
                self._producer.abort_transaction(DELIVERY_SECONDS + 5)
            if self._claim:
                self._claim.check()
                self._producer.begin_transaction()
            for record in records:
                self._produce(self._topic.encode(record), outcomes)
            self._producer.flush(DELIVERY_SECONDS + 5)
            left = len(records) - len(outcomes)
            failed = sorted(set(filter(None, outcomes)))
            if self._claim and not left and not failed:
                self._producer.commit_transaction(DELIVERY_SECONDS + 5)
        except (KafkaException, SystemError) as error:
            if self._claim and reason_of(error) == "_FENCED":
                raise self._claim.taken_over() from None
            raise UndeliveredError(f"{self._topic.name}: {reason_of(error)}") from error
        if left or failed:
            count, names = left + sum(map(bool, outcomes)), ", ".join(failed) or "timed out"
            raise UndeliveredError(f"{self._topic.name}: {count} not delivered: {names}")

    def _produce(self, message: Message, outcomes: list[str]) -> None:
        at = message.timestamp
        while True:
            try:
                self._producer.produce(
                    self._topic.name,
                    key=message.key,
                    value=message.value,
                    headers=dict(message.headers),
                    on_delivery=lambda error, _message: outcomes.append(error.name() if error else ""),
                    timestamp=0 if at is None else round(at.timestamp() * 1000),  # 0: the broker's clock
                )
            except BufferError:
                self._producer.poll(0.1)  # the queue is full: wait until some are sent
            except KafkaException as error:
                raise UndeliveredError(f"{self._topic.name}: {error_name(error)}") from error
            else:
                return


def begin_transactions(producer: Producer) -> None:
    """Take over the producer's transactions. Raises NotSetUpError, BrokerError."""
    try:
        producer.init_transactions(DELIVERY_SECONDS)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
            raise NotSetUpError("no right to write in transactions: `platestream topics --acls`") from None
        raise BrokerError(f"no transactions: {error_name(error)}") from None


def reason_of(error: Exception) -> str:
    """Return the name of the error that is fatal to a producer, such as a missing right to write.

    It may be an exception of the call, or the cause of one or several nested SystemErrors if deliveries were
    reported at the same time. This is a function of its own because a variable in the caller's frame would
    hold the error, and the error that frame and its producer, which would contact the broker until garbage
    collection.
    """
    why: BaseException | None = error
    while why is not None and not isinstance(why, KafkaException):
        why = why.__cause__ or why.__context__
    return type(error).__name__ if why is None else error_name(why)
