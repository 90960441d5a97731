"""Reading and writing topics outside a flow: the command line's way, on whatever edge the settings name."""

import time
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from bytewax.inputs import FixedPartitionedSource
from bytewax.outputs import DynamicSink

from connectors.edge import Topics
from schemas.message import Batch, Loaded, Message
from schemas.topics import Topic

T = TypeVar("T")


def newest(topics: Topics, topic: Topic[Any]) -> dict[bytes, Message]:
    """The newest message of every key of a changelog, removed ones left out, read to its end now."""
    found: dict[bytes, Message] = {}
    for message in read_to_end(topics, topic):
        key = message.key or b""
        if message.value is None:
            found.pop(key, None)
        else:
            found[key] = message
    return found


def newest_of(topics: Topics, topic: Topic[Any], key: bytes) -> Message | None:
    """The newest message of one key; None where there is none or it was removed. No other is decoded."""
    found = None
    for message in read_to_end(topics, topic):
        if message.key == key:
            found = message
    return None if found is None or found.value is None else found


def read_to_end(topics: Topics, topic: Topic[Any]) -> Iterable[Message]:
    """Every message of `topic` up to the end it has now, partition by partition in order."""
    source = cast(FixedPartitionedSource[Batch | Loaded, None], topics.load(topic))
    for name in source.list_parts():
        part = source.build_part("changelog", name, None)
        try:
            loaded = False
            while not loaded:
                batch = part.next_batch()
                for item in batch:
                    if isinstance(item, Batch):
                        yield from item.messages()
                loaded = any(isinstance(item, Loaded) for item in batch)
                if not batch:
                    time.sleep(0.005)
        finally:
            part.close()


def publish(topics: Topics, topic: Topic[T], records: list[T]) -> None:
    """Write records and wait until they are acknowledged."""
    sink = cast(DynamicSink[T], topics.write(topic))
    sink.build("publish", 0, 1).write_batch(records)
