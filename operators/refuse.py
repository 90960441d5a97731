"""Steps that may refuse what they are given: what is taken goes on, what is refused becomes a dead letter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Stream, operator

from schemas.dead_letter import DeadLetter
from schemas.message import Batch, EndOfSnapshot, Message, RefusedError
from schemas.topics import Topic

X = TypeVar("X")
Y = TypeVar("Y")


@dataclass(frozen=True)
class Results(Generic[Y]):
    """Both streams must be wired: one that is not is dropped without a word."""

    oks: Stream[Y]
    errs: Stream[DeadLetter]


def in_turn(logic: Callable[[X], Y], items: list[X]) -> list[Y]:
    """One item after the other."""
    return list(map(logic, items))


@operator
def attempt(
    step_id: str,
    up: Stream[X],
    logic: Callable[[X], Y],
    origin: Callable[[X], Message],
    each: Callable[[Callable[[X], Y | DeadLetter], list[X]], list[Y | DeadLetter]] = in_turn,
) -> Results[Y]:
    """`logic` on every item; where it raises RefusedError, `origin` of the item becomes a dead letter. `each`
    applies it to a batch.
    """

    def run(item: X) -> Y | DeadLetter:
        try:
            return logic(item)
        except RefusedError as error:
            return DeadLetter.of(origin(item), error)

    return sift("sift", up, lambda items: each(run, items))


@operator
def sift(step_id: str, up: Stream[X], logic: Callable[[list[X]], list[Y | DeadLetter]]) -> Results[Y]:
    """What `logic` makes of each batch, apart from what it refuses."""
    tried: Any = op.flat_map_batch("try", up, logic)
    return Results(
        oks=op.flat_map_batch("taken", tried, lambda items: [i for i in items if type(i) is not DeadLetter]),
        errs=op.flat_map_batch("refused", tried, lambda items: [i for i in items if type(i) is DeadLetter]),
    )


@operator
def decode(step_id: str, up: Stream[Message], topic: Topic[Y]) -> Results[Y]:
    """Messages of `topic` as its records."""
    return attempt("decode", up, topic.decode, _itself)


@operator
def decode_changes(
    step_id: str, up: Stream[Batch | EndOfSnapshot], topic: Topic[Y]
) -> Results[Y | EndOfSnapshot]:
    """Messages of a changelog as its records; marks go through."""

    def logic(item: Message | EndOfSnapshot) -> Y | EndOfSnapshot:
        return item if isinstance(item, EndOfSnapshot) else topic.decode(item)

    def origin(item: Message | EndOfSnapshot) -> Message:
        assert isinstance(item, Message)  # a mark is never refused
        return item

    return attempt("decode", op.flat_map("messages", up, _messages), logic, origin)


def _messages(item: Batch | EndOfSnapshot) -> list[Message | EndOfSnapshot]:
    return [*item.messages()] if isinstance(item, Batch) else [item]


def _itself(message: Message) -> Message:
    return message
