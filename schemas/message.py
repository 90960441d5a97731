"""What every edge carries: messages of a topic, and the mark at the end of a changelog's snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a topic, whichever edge it crosses.

    `timestamp` is the time of what the message tells of (capture time for frames and detections), UTC;
    `partition` and `offset` are where it was read, -1 before it was written.
    """

    key: bytes | None
    value: bytes | None
    headers: dict[str, str] = {}
    timestamp: datetime | None = None
    topic: str = ""
    partition: int = -1
    offset: int = -1

    @property
    def effect(self) -> str:
        """SHA-256 of what it says, 64 hex digits, as the act that writes it holds it: of its value, or of the
        removal of its key.
        """
        said = b"removed\n" + (self.key or b"") if self.value is None else self.value
        return sha256(said).hexdigest()

    @property
    def origin(self) -> str:
        """Where it was read, as `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition of a changelog, in their order, as columns.

    A list of millions is loaded like this: a `Message` each would cost more than what is done with it.
    `message` gives one of them whole, by its place.
    """

    partition: int
    keys: list[bytes | None]
    values: list[bytes | None]
    message: Callable[[int], Message]

    @classmethod
    def of(cls, partition: int, messages: list[Message]) -> "Batch":
        """The same messages as columns."""
        keys, values = [one.key for one in messages], [one.value for one in messages]
        return cls(partition, keys, values, messages.__getitem__)

    def messages(self) -> list[Message]:
        """All of them, whole."""
        return [self.message(place) for place in range(len(self.keys))]


@dataclass(frozen=True, slots=True)
class EndOfSnapshot:
    """One partition of a changelog has been read to the end that it had when the flow started.

    `changelog` is the name of its topic, which has `partitions` in all: who has seen the mark of each has the
    whole snapshot.
    """

    changelog: str
    partition: int
    partitions: int


class RefusedError(ValueError):
    """What is not taken in: `reason` is a bounded code for metrics, `detail` says what and where.

    `detail` never repeats a value that was refused: it may be a plate.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
