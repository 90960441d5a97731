"""A dead letter: what was refused, its original bytes, where it came from and why."""

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.fields import Instant, Record
from schemas.message import Message, RefusedError


class DeadLetter(Record, tag="dead_letter/1", frozen=True, kw_only=True):
    """Nothing that was refused is lost: it can be looked at, mended and sent again."""

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
        """The topic's key: where it came from."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @classmethod
    def of(cls, message: Message, error: RefusedError) -> "DeadLetter":
        """What `message` becomes when `error` refuses it.

        Of what has expired only the headers are kept: its picture may no longer exist (order, section J.1).
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
