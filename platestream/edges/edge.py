"""Interfaces of a flow's edge: its streams and tables. A flow receives an edge and names no broker."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from bytewax.inputs import FixedPartitionedSource, Source
from bytewax.outputs import Sink

from platestream.edges.writer import TableWriter, TopicWriter
from platestream.keys.key_folder import UNSEALED, Sealer
from platestream.schemas.finding import Finding
from platestream.schemas.gate_rules import RulesInForce
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.tables import Table
from platestream.schemas.topics import Topic

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """A share of the partitions of a topic: number 0 to `of` - 1.

    Changelogs are loaded completely by each share.
    """

    number: int = 0
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Return the share of a text such as 1/2, the first of two."""
        number, _slash, of = text.partition("/")
        return cls(int(number) - 1, int(of))

    def __call__(self, partitions: Iterable[int]) -> list[int]:
        return [one for one in partitions if self.owns(one)]

    def owns(self, partition: int) -> bool:
        """Return whether this share reads a partition, or of a changelog does what only one share may do."""
        return partition % self.of == self.number

    def is_part_of(self, whole: "Share") -> bool:
        """Return whether `whole` owns each partition of this share, whatever their number."""
        return self.of % whole.of == 0 and whole.owns(self.number)

    def __str__(self) -> str:
        return f"{self.number + 1}/{self.of}"


ALL_PARTITIONS = Share()


class Topics(Protocol):
    """Streams: in memory for tests, in files for one machine, in Kafka for an agency."""

    def read(self, topic: Topic[Any]) -> Source[Message]:
        """Return the messages of `topic` from the stored position.

        They wait for the changelogs of the same edge.
        """

    def load(self, topic: Topic[Any]) -> FixedPartitionedSource[Batch | EndOfSnapshot, None]:
        """Return a changelog from its beginning, at every start; `EndOfSnapshot` marks the end at that time.

        Each partition belongs to one worker; `platestream.edges.broadcast` gives all of it to every worker.
        """

    def write(self, topic: Topic[T]) -> Sink[T]:
        """Return a sink of records to `topic`. It waits for acknowledgment and raises if there is none."""

    def writer(self, topic: Topic[T]) -> TopicWriter[T]:
        """Return a writer to `topic` outside a flow."""

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        """Yield every message whose key starts with `prefix`, up to the current end.

        Messages of one partition are in order. If a changelog is compacted during the read, a message may
        come twice, and no valid message is lost.
        """

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        """Yield new messages outside a flow as they arrive; an empty sequence while there are none."""


class Tables(Protocol):
    """The database: in memory for tests, otherwise ClickHouse (embedded or a server)."""

    def insert(self, table: Table[T]) -> Sink[tuple[str, T]]:
        """Return a sink of keyed records to `table`, written once an epoch; a replay changes nothing."""

    def writer(self, table: Table[T]) -> TableWriter[T]:
        """Return a writer to `table` outside a flow; it writes at once."""

    def queries(self) -> Source[Finding]:
        """Return the findings from the server's query log about reads that bypassed the gate.

        There are none without such a log.
        """

    def inquiries(self) -> Source[SealedInquiry | RulesInForce | EndOfSnapshot]:
        """Return the inquiry log in order of its seals, from the stored position.

        At every start the rules so far come first, followed by a mark. Each inquiry follows its rules.
        """


@dataclass(frozen=True)
class Edge:
    """The streams and tables that a flow is built on, the encryption of its state, and the share that
    `topics` reads. `check` raises once another process has taken the share over.
    """

    topics: Topics
    tables: Tables
    keys: Sealer = UNSEALED
    share: Share = ALL_PARTITIONS
    check: Callable[[], None] = lambda: None
