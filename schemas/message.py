"""Messages of a topic, and the mark at the end of a changelog's snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message of a topic, on any edge.

    `timestamp` is the time of the event in UTC (the capture time for frames and detections). `partition` and
    `offset` are where the message was read, or -1 before it was written.
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
        """The SHA-256 of the value, or of the removal of the key, as 64 hex digits.

        The act that writes the message logs this value.
        """
        content = b"removed\n" + (self.key or b"") if self.value is None else self.value
        return sha256(content).hexdigest()

    @property
    def origin(self) -> str:
        """The place where the message was read, as `topic/partition/offset`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one partition of a changelog, in order, as columns.

    A list of millions is loaded in this form, because one `Message` each would cost more than the work done
    with it. `message` returns one of them by its index.
    """

    partition: int
    keys: list[bytes | None]
    values: list[bytes | None]
    message: Callable[[int], Message]

    @classmethod
    def of(cls, partition: int, messages: list[Message]) -> "Batch":
        """Return the same messages as columns."""
        keys, values = [one.key for one in messages], [one.value for one in messages]
        return cls(partition, keys, values, messages.__getitem__)

    def messages(self) -> list[Message]:
        """Return all messages as `Message` objects."""
        return [self.message(place) for place in range(len(self.keys))]


@dataclass(frozen=True, slots=True)
class EndOfSnapshot:
    """Mark that one partition of a changelog was read to the end that it had when the flow started.

    `changelog` is the name of the topic, which has `partitions` in all. The snapshot is complete when the
    mark of each partition has arrived.
    """

    changelog: str
    partition: int
    partitions: int


class RefusedError(ValueError):
    """A rejected message: `reason` is a bounded code for metrics, `detail` says what is wrong and where.

    `detail` never repeats a rejected value, because it may be a plate.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
