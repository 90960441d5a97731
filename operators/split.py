"""One stream of several types of records, as one stream for each type."""

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
    """The records of each of `types`, in their order; records of other types go nowhere.

    The steps are called `step_id` and the name of the type.
    """
    return tuple(_of_type(f"{step_id}_{one.__name__}", up, one) for one in types)


def _of_type(step_id: str, up: Stream[Any], kind: type[A]) -> Stream[A]:
    return op.flat_map_batch(step_id, up, lambda items: [item for item in items if isinstance(item, kind)])
