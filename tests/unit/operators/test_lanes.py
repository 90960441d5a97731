import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.reading.keyed_threads import KeyedThreadPool

Item = tuple[str, int]


def key(item: Item) -> str:
    return item[0]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 99))), st.integers(1, 3))
def test_answers_come_in_the_order_of_the_items_and_each_key_keeps_its_own(
    items: list[Item], count: int
) -> None:
    begun, lock = list[Item](), threading.Lock()

    def logic(item: Item) -> Item:
        with lock:
            begun.append(item)
        return item[0], -item[1]

    assert KeyedThreadPool(count, key)(logic, items) == [(name, -number) for name, number in items]
    for name in "abcd":
        assert [one for one in begun if one[0] == name] == [one for one in items if one[0] == name]


def test_keys_are_worked_on_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    assert KeyedThreadPool(2, key)(lambda item: meeting.wait() >= 0, [("a", 1), ("b", 1)]) == [True, True]


@pytest.mark.parametrize(
    ("count", "items", "at_once"),
    [
        pytest.param(4, [("a", number) for number in range(8)], 1, id="of one key"),
        pytest.param(2, [(name, 1) for name in "abcdef"], 2, id="of more keys than asked for"),
    ],
)
def test_no_more_items_are_worked_on_at_once_than_keys_and_count_allow(
    count: int, items: list[Item], at_once: int
) -> None:
    inside, most = list[Item](), list[int]()

    def logic(item: Item) -> None:
        inside.append(item)
        most.append(len(inside))
        time.sleep(0.005)
        inside.remove(item)

    KeyedThreadPool[Item](count, key)(logic, items)
    assert max(most) == at_once


@pytest.mark.parametrize("count", [1, 3])
def test_what_one_raises_is_raised(count: int) -> None:
    with pytest.raises(ZeroDivisionError):
        KeyedThreadPool(count, key)(lambda item: 1 // item[1], [("a", 1), ("b", 0), ("c", 1)])
