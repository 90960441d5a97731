"""Dead letter: a rejected message with its original bytes, its origin and the reason."""

from typing import Annotated

import msgspec
from msgspec import Meta

from platestream.schemas.fields import Instant, Record
from platestream.schemas.message import Message, RefusedError


class DeadLetter(Record, tag="dead_letter/1", frozen=True, kw_only=True):
    """A message that was rejected. It can be inspected, corrected and sent again."""

    topic: str
    partition: int
    offset: int
    reason: Annotated[str, Meta(max_length=64, description="a code from a bounded set")]
    detail: Annotated[str, Meta(description="what and where; never a value, it may be a plate")]
    key: bytes | None = None
    value: bytes | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timestamp: Instant | None = None

    @property
    def origin(self) -> str:
        """The origin of the message as `topic/partition/offset`, which is the topic's key."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def of(cls, message: Message, error: RefusedError) -> "DeadLetter":
        """Return the dead letter of a `message` that `error` rejects.

        Of an expired message only the headers are stored: its picture may no longer exist (order, section
        J.1).
        """
        return cls(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            reason=error.reason,
            detail=error.detail,
            key=message.key,
            value=None if error.reason == "expired" else message.value,
            headers=message.headers,
            timestamp=message.timestamp,
        )
