"""The edge of a flow: where its streams come from and go to. A flow is handed one and names no broker."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from bytewax.inputs import FixedPartitionedSource, Source
from bytewax.outputs import Sink

from connectors.writer import TableWriter, TopicWriter
from schemas.finding import Finding
from schemas.gate_rules import RulesInForce
from schemas.inquiry import SealedInquiry
from schemas.message import Batch, EndOfSnapshot, Message
from schemas.tables import Table
from schemas.topics import Topic

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """A part of the partitions of a topic: number 0 to `of` - 1. What is loaded is loaded whole by each."""

    number: int = 0
    of: int = 1

    def __call__(self, partitions: Iterable[int]) -> list[int]:
        return [one for one in partitions if one % self.of == self.number]


WHOLE = Share()


class Topics(Protocol):
    """Streams: in memory for tests, files for one machine, Kafka for an agency."""

    def read(self, topic: Topic[Any]) -> Source[Message]:
        """Messages of `topic`, from where the flow stopped; they wait for what the same edge loads."""

    def load(self, topic: Topic[Any]) -> FixedPartitionedSource[Batch | EndOfSnapshot, None]:
        """A changelog, from its beginning at every start; `EndOfSnapshot` marks the end it had then.

        Each partition is one worker's; `connectors.broadcast` gives all of it to every worker.
        """

    def write(self, topic: Topic[T]) -> Sink[T]:
        """Records to `topic`; a record is written when it is acknowledged, and what is not raises."""

    def writer(self, topic: Topic[T]) -> TopicWriter[T]:
        """The same outside a flow."""

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        """Every message whose key starts with `prefix`, up to the end now, each partition's in its order.

        A changelog that is written anew meanwhile may give a message twice, and loses none that counts.
        """

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        """Messages that come from now on, outside a flow, as they come; an empty sequence while none does."""


class Tables(Protocol):
    """The store: in memory for tests, ClickHouse (embedded or a server) otherwise."""

    def insert(self, table: Table[T]) -> Sink[tuple[str, T]]:
        """Keyed records to `table`, once an epoch; a replay changes nothing."""

    def writer(self, table: Table[T]) -> TableWriter[T]:
        """The same outside a flow, at once."""

    def queries(self) -> Source[Finding]:
        """What the server's own log says was read beside the gate; nothing where there is no such log."""

    def inquiries(self) -> Source[SealedInquiry | RulesInForce | EndOfSnapshot]:
        """The inquiry log in the order of its seals, from where the flow stopped, each behind its rules.

        At every start the rules so far come first, and behind them a mark.
        """


@dataclass(frozen=True)
class Edge:
    """What a flow is built on."""

    topics: Topics
    tables: Tables
