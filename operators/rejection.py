"""Steps that can reject items: accepted ones continue, rejected ones become dead letters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream, operator

from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.message import Batch, EndOfSnapshot, Message, RefusedError
from platestream.schemas.topics import Topic

X = TypeVar("X")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Checked(Generic[Y]):
    """Accepted and rejected items. Both streams must be wired; an unwired one is dropped silently."""

    oks: Stream[Y]
    errs: Stream[DeadLetter]


def one_by_one(logic: Callable[[X], Y], items: list[X]) -> list[Y]:
    """Apply `logic` to one item after the other."""
    return list(map(logic, items))


@operator
def try_each(
    step_id: str,
    up: Stream[X],
    logic: Callable[[X], Y],
    origin: Callable[[X], Message],
    each: Callable[[Callable[[X], Y | DeadLetter], list[X]], list[Y | DeadLetter]] = one_by_one,
) -> Checked[Y]:
    """Apply `logic` to every item; if it raises RefusedError, `origin` of the item becomes a dead letter.

    `each` applies it to a batch.
    """

    def run(item: X) -> Y | DeadLetter:
        try:
            return logic(item)
        except RefusedError as error:
            return DeadLetter.of(origin(item), error)

    return split_rejected("sift", up, lambda items: each(run, items))


@operator
def split_rejected(
    step_id: str, up: Stream[X], logic: Callable[[list[X]], list[Y | DeadLetter]]
) -> Checked[Y]:
    """Apply `logic` to each batch and separate its results from its dead letters."""
    tried: Any = op.flat_map_batch("try", up, logic)
    return Checked(
        oks=op.flat_map_batch("taken", tried, lambda items: [i for i in items if type(i) is not DeadLetter]),
        errs=op.flat_map_batch("refused", tried, lambda items: [i for i in items if type(i) is DeadLetter]),
    )


@operator
def decode(step_id: str, up: Stream[Message], topic: Topic[Y]) -> Checked[Y]:
    """Decode messages of `topic` to its records."""
    return try_each("decode", up, topic.decode, _itself)


@operator
def decode_changes(
    step_id: str, up: Stream[Batch | EndOfSnapshot], topic: Topic[Y]
) -> Checked[Y | EndOfSnapshot]:
    """Decode messages of a changelog to its records; marks pass through."""

    def logic(item: Message | EndOfSnapshot) -> Y | EndOfSnapshot:
        return item if isinstance(item, EndOfSnapshot) else topic.decode(item)

    def origin(item: Message | EndOfSnapshot) -> Message:
        assert isinstance(item, Message)  # a mark is never rejected
        return item

    return try_each("decode", op.flat_map("messages", up, _messages), logic, origin)


def _messages(item: Batch | EndOfSnapshot) -> list[Message | EndOfSnapshot]:
    return [*item.messages()] if isinstance(item, Batch) else [item]


def _itself(message: Message) -> Message:
    return message
