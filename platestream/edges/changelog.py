"""Reading and writing topics outside a flow, on the edge that the settings name."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from platestream.edges.edge import Topics
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.topics import Topic
from platestream.schemas.unreadable import note_unreadable

T = TypeVar("T")


def newest(topics: Topics, topic: Topic[Any], prefix: bytes = b"") -> dict[bytes, Message]:
    """Return the newest message of every key that starts with `prefix`, without removed ones."""
    found: dict[bytes, Message] = {}
    for message in read_to_end(topics, topic, prefix):
        key = message.key or b""
        if message.value is None:
            found.pop(key, None)
        else:
            found[key] = message
    return found


def current(topics: Topics, topic: Topic[T], prefix: bytes = b"") -> Iterator[T]:
    """Yield the current record of every key that starts with `prefix`.

    One that cannot be read is noted, and the record before it stays: else it would remove a rule, such as a
    sensitive place or a feed that alone maintains its entries.
    """
    for key, message in newest(topics, topic, prefix).items():
        try:
            yield topic.decode(message)
        except RefusedError:
            if (record := current_of(topics, topic, key)) is not None:
                yield record


def current_of(topics: Topics, topic: Topic[T], key: bytes) -> T | None:
    """Return the current record of one key, or None if there is none or it was removed."""
    found: T | None = None
    for message in read_to_end(topics, topic, key):
        if message.key == key:
            found = None if message.value is None else next(readable(topic, [message]), found)
    return found


def read_to_end(topics: Topics, topic: Topic[Any], prefix: bytes = b"") -> Iterable[Message]:
    """Return every message of `topic` up to its current end, in order within each partition.

    Messages whose keys do not start with `prefix` are not decoded.
    """
    return topics.read_to_end(topic, prefix)


def readable(topic: Topic[T], messages: Iterable[Message]) -> Iterator[T]:
    """Yield the records of messages; one that cannot be read is noted (`schemas/unreadable.py`)."""
    for message in messages:
        try:
            record = topic.decode(message)
        except RefusedError as error:
            key = (message.key or b"").decode(errors="replace")
            note_unreadable(f"a message of {topic.name} cannot be read ({key!r}): {error.detail}")
        else:
            yield record


def publish(topics: Topics, topic: Topic[T], records: Sequence[T]) -> None:
    """Write records and wait until they are acknowledged."""
    topics.writer(topic).publish(records)
