"""Topics on any edge whose messages of cameras are encrypted; the others are as they are."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from bytewax.inputs import FixedPartitionedSource, Source, StatefulSourcePartition
from bytewax.outputs import Sink

from platestream.edges.edge import Topics
from platestream.edges.writer import TopicWriter
from platestream.keys.envelope import SealError, is_sealed
from platestream.keys.key_folder import KeyDestroyedError, Sealer
from platestream.schemas.frame import CAMERA_READS
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.topics import Topic

T = TypeVar("T")

log = logging.getLogger(__name__)

_CAPTURED_AT = "captured-at"


class _Hidden(msgspec.Struct, frozen=True, array_like=True):
    """The encrypted part of a message: its value, and the headers that have a plate."""

    value: bytes | None
    headers: dict[str, str]


class SealedTopics:
    """The topics of `inner`, encrypted by `keys` if they hold data of cameras."""

    def __init__(self, inner: Topics, keys: Sealer) -> None:
        self._inner, self._keys = inner, keys

    def read(self, topic: Topic[Any]) -> Source[Message]:
        source = self._inner.read(topic)
        if not topic.plated:
            return source
        if not isinstance(source, FixedPartitionedSource):
            raise TypeError(f"{topic.name}: {type(source).__name__} has no partitions")
        return _OpenedSource(source, self._opener(topic))

    def load(self, topic: Topic[Any]) -> FixedPartitionedSource[Batch | EndOfSnapshot, None]:
        return self._inner.load(topic)

    def write(self, topic: Topic[T]) -> Sink[T]:
        return self._inner.write(self._sealed(topic))

    def writer(self, topic: Topic[T]) -> TopicWriter[T]:
        return self._inner.writer(self._sealed(topic))

    def append(self, topic: Topic[Any], messages: Sequence[Message]) -> None:
        """Write messages that are no records yet, as cameras do."""
        self.writer(replace(topic, encode=lambda message: message)).publish(messages)

    def read_to_end(self, topic: Topic[Any], prefix: bytes = b"") -> Iterator[Message]:
        found = self._inner.read_to_end(topic, prefix)
        return map(self._opener(topic), found) if topic.plated else found

    def follow(self, topic: Topic[Any]) -> Iterator[Sequence[Message]]:
        found = self._inner.follow(topic)
        if not topic.plated:
            return found
        opener = self._opener(topic)
        return ([opener(one) for one in messages] for messages in found)

    def _sealed(self, topic: Topic[T]) -> Topic[T]:
        if not topic.plated:
            return topic
        return replace(
            topic, encode=lambda record: seal_message(self._keys, topic.name, topic.encode(record))
        )

    def _opener(self, topic: Topic[Any]) -> Callable[[Message], Message]:
        def opened(message: Message) -> Message:
            try:
                return open_message(self._keys, topic.name, message)
            except (KeyDestroyedError, SealError) as error:
                # It stays as it is, so that it is refused where it is read and becomes a dead letter.
                log.warning("%s: %s", message.origin, error)
                return message

        return opened


def seal_message(keys: Sealer, purpose: str, message: Message) -> Message:
    """Encrypt the value of a message, and its headers that have a plate, by the hour of its capture."""
    secret = {CAMERA_READS: message.headers[CAMERA_READS]} if CAMERA_READS in message.headers else {}
    if not message.value and not secret:
        return message
    if message.value is not None and is_sealed(message.value):
        raise SealError(f"{purpose}: a message that is encrypted already")
    content = msgspec.msgpack.encode(_Hidden(message.value, secret))
    sealed = keys.seal(purpose, _captured_at(message), content)
    if sealed is content:
        return message
    shown = {name: text for name, text in message.headers.items() if name not in secret}
    return msgspec.structs.replace(message, value=sealed, headers=shown)


def open_message(keys: Sealer, purpose: str, message: Message) -> Message:
    """Return the message that `seal_message` was given; one that is not encrypted as it is.

    Raises KeyDestroyedError, SealError and KeysError.
    """
    if message.value is None or not is_sealed(message.value):
        return message
    hidden = msgspec.msgpack.decode(keys.open(purpose, message.value), type=_Hidden)
    return msgspec.structs.replace(message, value=hidden.value, headers={**message.headers, **hidden.headers})


def _captured_at(message: Message) -> datetime | None:
    if message.timestamp is not None:
        return message.timestamp
    try:
        at = datetime.fromisoformat(message.headers[_CAPTURED_AT])
    except (KeyError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None


class _OpenedSource(FixedPartitionedSource[Message, Any]):
    def __init__(
        self, inner: FixedPartitionedSource[Message, Any], opened: Callable[[Message], Message]
    ) -> None:
        self._inner, self._opened = inner, opened

    def list_parts(self) -> list[str]:
        return self._inner.list_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> "_OpenedPartition":
        return _OpenedPartition(self._inner.build_part(step_id, for_part, resume_state), self._opened)


class _OpenedPartition(StatefulSourcePartition[Message, Any]):
    def __init__(
        self, inner: StatefulSourcePartition[Message, Any], opened: Callable[[Message], Message]
    ) -> None:
        self._inner, self._opened = inner, opened

    def next_batch(self) -> list[Message]:
        return [self._opened(one) for one in self._inner.next_batch()]

    def next_awake(self) -> datetime | None:
        return self._inner.next_awake()

    def snapshot(self) -> Any:
        return self._inner.snapshot()

    def close(self) -> None:
        self._inner.close()
