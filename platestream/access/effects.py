"""Effects of acts: a record is finished before its act, and the act holds its SHA-256.

The record that is written afterwards is compared with the act, so that nothing else can be written by it. An
import changes many records by one act: the act holds the head of a Merkle tree over all of them, and each
message carries its proof, by which it can be verified alone, however the list has changed since.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from platestream.access.door import Door, Permit
from platestream.edges.edge import Topics
from platestream.merkle import tree as merkle
from platestream.schemas.message import Message
from platestream.schemas.topics import Topic

T = TypeVar("T")
HEADER = "import"
HASH = 32


class OtherRecordError(RuntimeError):
    """Error for a record other than the one that its act names: a fault of the program; nothing was
    written.
    """


def effect_of(topic: Topic[T], record: T) -> str:
    """Return the SHA-256 of `record` as it crosses `topic`, which its act names."""
    return topic.encode(record).effect


def effect_of_stored(about: str, item: object) -> str:
    """Return the SHA-256 of a stored item about a person, an agency or a token in the data folder."""
    return sha256(about.encode() + b"\n" + msgspec.json.encode(item)).hexdigest()


def write(permit: Permit, door: Door, topic: Topic[T], record: T) -> None:
    """Write the record that the act names to its topic. Raises OtherRecordError and BrokerError."""
    message = topic.encode(record)
    if message.effect != permit.effect:
        raise OtherRecordError(f"{permit.act} names another record than the one to be written")
    publish_encoded(door.streams, topic, [message])


def publish_encoded(streams: Topics, topic: Topic[Any], messages: Sequence[Message]) -> None:
    """Write messages unchanged, headers included. Raises BrokerError."""
    streams.writer(replace(topic, encode=lambda message: message)).publish(messages)


@dataclass(frozen=True)
class Bulk:
    """The records that one act writes, in order, as a Merkle tree."""

    levels: tuple[bytes, ...]

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "Bulk":
        """Build the tree over `messages`."""
        level = b"".join(_leaf(one) for one in messages)
        levels = [level]
        while len(level) > HASH:
            pairs = range(0, len(level) - HASH, 2 * HASH)
            level = b"".join(
                merkle.node_hash(level[at : at + HASH], level[at + HASH : at + 2 * HASH]) for at in pairs
            )
            levels.append(level)
        return cls(tuple(levels))

    @property
    def size(self) -> int:
        """The number of records."""
        return len(self.levels[0]) // HASH

    @property
    def effect(self) -> str:
        """The head of the tree, 64 hex digits."""
        return merkle.root(self.size, self._node).hex() if self.size else ""

    def proved(self, permit: Permit, number: int, message: Message) -> Message:
        """Return the message with its proof. Raises OtherRecordError for a message that is not in the act."""
        if permit.effect != self.effect or self._node(0, number) != _leaf(message):
            raise OtherRecordError(f"{permit.act} names other records than the one to be written")
        path = b"".join(merkle.inclusion(number, self.size, self._node))
        header = f"{permit.inquiry_id} {number} {self.size} {b64encode(path).decode()}"
        return msgspec.structs.replace(message, headers={**message.headers, HEADER: header})

    def _node(self, level: int, index: int) -> bytes:
        return self.levels[level][index * HASH : (index + 1) * HASH]


@dataclass(frozen=True)
class Proof:
    """The proof of a message: the act that wrote it, and its position in the act's tree."""

    inquiry_id: UUID
    number: int
    size: int
    path: tuple[bytes, ...]

    @classmethod
    def read(cls, message: Message) -> "Proof | None":
        """Return the proof that a message carries; None without a readable one."""
        try:
            inquiry, number, size, path = message.headers[HEADER].split(" ")
            raw = b64decode(path, validate=True)
            parts = tuple(raw[at : at + HASH] for at in range(0, len(raw), HASH))
            return cls(UUID(inquiry), int(number), int(size), parts)
        except (KeyError, ValueError):
            return None

    def holds(self, message: Message, effect: str) -> bool:
        """Return whether the act with this `effect` wrote this message."""
        if len(effect) != 2 * HASH or not 0 <= self.number < self.size:
            return False
        return merkle.includes(self.number, self.size, _leaf(message), self.path, bytes.fromhex(effect))


def _leaf(message: Message) -> bytes:
    return merkle.leaf_hash(bytes.fromhex(message.effect))
