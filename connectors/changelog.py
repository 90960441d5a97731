"""Reading and writing topics outside a flow, on whatever edge the settings name."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from connectors.edge import Topics
from schemas.message import Message
from schemas.topics import Topic

T = TypeVar("T")


def newest(topics: Topics, topic: Topic[Any], prefix: bytes = b"") -> dict[bytes, Message]:
    """The newest message of every key of a changelog that starts with `prefix`, removed ones left out."""
    found: dict[bytes, Message] = {}
    for message in read_to_end(topics, topic, prefix):
        key = message.key or b""
        if message.value is None:
            found.pop(key, None)
        else:
            found[key] = message
    return found


def newest_of(topics: Topics, topic: Topic[Any], key: bytes) -> Message | None:
    """The newest message of one key of a changelog; None where there is none, or it was removed."""
    return newest(topics, topic, key).get(key)


def read_to_end(topics: Topics, topic: Topic[Any], prefix: bytes = b"") -> Iterable[Message]:
    """Every message of `topic` up to the end it has now, each partition's in its order.

    Of keys that do not start with `prefix` nothing is decoded.
    """
    return topics.read_to_end(topic, prefix)


def publish(topics: Topics, topic: Topic[T], records: Sequence[T]) -> None:
    """Write records and wait until they are acknowledged."""
    topics.writer(topic).publish(records)
