"""Split of a stream of several types of records into one stream for each type."""

from typing import Any, TypeVar, overload

import bytewax.operators as op
from bytewax.dataflow import Stream

A = TypeVar("A")
B = TypeVar("B")


@overload
def split_by_type(step_id: str, up: Stream[Any], first: type[A], /) -> tuple[Stream[A]]: ...
@overload
def split_by_type(
    step_id: str, up: Stream[Any], first: type[A], second: type[B], /
) -> tuple[Stream[A], Stream[B]]: ...
def split_by_type(step_id: str, up: Stream[Any], /, *types: type[Any]) -> tuple[Stream[Any], ...]:
    """Return the records of each of `types`, in order; records of other types are dropped.

    The steps are named `step_id` and the name of the type.
    """
    return tuple(_of_type(f"{step_id}_{one.__name__}", up, one) for one in types)


def _of_type(step_id: str, up: Stream[Any], kind: type[A]) -> Stream[A]:
    return op.flat_map_batch(step_id, up, lambda items: [item for item in items if isinstance(item, kind)])
