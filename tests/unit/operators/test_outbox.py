"""The outbox: every notice is sent until it is done, and never after."""

from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.notify.outbox import Outbox
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import EndOfSnapshot
from tests.support.notify_rules import NOW, Desk, came_of, message


def test_nothing_is_sent_before_the_ledger_was_read_nor_what_is_in_it() -> None:
    desk, one, two = Desk(), message("link"), message("link", number=2)
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([one, two, came_of(one)])
    assert desk.submitted == []
    box.on_batch([EndOfSnapshot("deliveries", 0, 1)])
    assert desk.submitted == [two]


def test_a_notice_that_comes_again_is_not_sent_again() -> None:
    desk, one = Desk(), message("link")
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one, one])
    desk.done = [came_of(one)]
    assert list(box.on_notify()[0]) == [came_of(one)]
    box.on_batch([one])
    assert desk.submitted == [one]
    assert box.snapshot() == Outbox(None, desk, lambda: NOW).snapshot(), "nothing of it is kept"


def test_what_waits_survives_a_restart_unless_the_ledger_has_it() -> None:
    desk, one, two = Desk(), message("link"), message("link", number=2)
    box = Outbox(None, Desk(), lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one, two])
    again = Outbox(box.snapshot(), desk, lambda: NOW)
    again.on_batch([came_of(two), EndOfSnapshot("deliveries", 0, 1)])
    assert desk.submitted == [one]


def test_what_waits_for_a_receiver_that_is_gone_from_the_rules_does_not_stay_in_the_store() -> None:
    one = msgspec.structs.replace(message("link"), receiver="gone")
    desk = Desk()
    box = Outbox(msgspec.msgpack.encode([one]), desk, lambda: NOW)
    assert box.notify_at() is not None
    box.on_notify()
    assert desk.submitted == [one], "the post gives it up"


def test_what_is_given_up_is_on_record_and_a_dead_letter() -> None:
    desk, one = Desk(), message("link")
    box = Outbox(None, desk, lambda: NOW)
    box.on_batch([EndOfSnapshot("deliveries", 0, 1), one])
    desk.done = [came_of(one, "failed")]
    delivery, letter = box.on_notify()[0]
    assert delivery == came_of(one, "failed")
    assert isinstance(letter, DeadLetter)
    assert (letter.topic, letter.value, letter.reason) == ("notify/dispatch", one.body, "undelivered")


@given(
    st.lists(st.tuples(st.sampled_from(["notice", "crash", "done", "load"]), st.integers(0, 3)), max_size=30)
)
def test_every_notice_is_sent_until_it_is_done_and_never_after(course: list[tuple[str, int]]) -> None:
    notices = [message("link", number=number + 1) for number in range(4)]
    ledger: list[Delivery] = []
    desk, asked = Desk(), set[UUID]()
    box = Outbox(None, desk, lambda: NOW)
    sent: list[UUID] = []
    for what, number in [*course, ("crash", 0), ("load", 0)]:
        if what == "notice":
            asked.add(notices[number].delivery_id)
            box.on_batch([notices[number]])
        elif what == "load":
            box.on_batch([*ledger, EndOfSnapshot("deliveries", 0, 1)])
        elif what == "crash":
            desk = Desk()
            box = Outbox(box.snapshot(), desk, lambda: NOW)
        elif desk.submitted:
            done = came_of(desk.submitted.pop(0))
            assert done.delivery_id not in sent, "sent again after it was delivered"
            sent.append(done.delivery_id)
            ledger.append(done)
            desk.done.append(done)
            box.on_notify()
    waiting = {one.delivery_id for one in desk.submitted}
    assert waiting | set(sent) == asked
    assert not waiting & set(sent)
