"""The position of a receiver of acts, over crashes at any point: each act is sent at least once, in order."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bytewax.inputs import StatefulSourcePartition
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.notifications.acts import ActLines
from platestream.notifications.followed import Followed
from platestream.operators.notify.message import Notice
from platestream.runtime.clock import utc_now
from platestream.schemas import topics
from platestream.schemas.delivery import Delivery
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import Message

SEALED = SealedInquiry.from_json(bytes(example("sealed_inquiry").accepted))
LOG = [topics.INQUIRIES.encode(SEALED)] * 10


class Log(StatefulSourcePartition[Message, int]):
    def __init__(self, position: int) -> None:
        self.position = position

    def next_batch(self) -> list[Message]:
        batch = LOG[self.position : self.position + 2]
        self.position += len(batch)
        return batch

    def snapshot(self) -> int:
        return self.position


class Source:
    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Log:
        return Log(resume_state or 0)


class Edge:
    """An edge whose only topic is the log."""

    @property
    def topics(self) -> Any:
        return self

    def read(self, _topic: Any) -> Source:
        return Source()


class Post:
    """Delivers what it was given when it is told to."""

    def __init__(self) -> None:
        self.given: list[Notice] = []
        self.delivered = 0
        self.done: list[Delivery] = []

    def submit(self, notice: Notice) -> None:
        self.given.append(notice)

    def deliver(self) -> None:
        if self.given:
            self.delivered += len(self.given.pop().body.splitlines())
            self.done.append(DELIVERED)

    def finished(self, _box: str) -> list[Delivery]:
        done, self.done = self.done, []
        return done

    def knows(self, _receiver: str) -> bool:
        return True

    def drain(self, _receiver: str) -> None:
        """Nothing waits."""


DELIVERED = Delivery(
    delivery_id=UUID(int=1),
    hit_id=UUID(int=1),
    receiver="siem",
    priority=3,
    outcome="delivered",
    at=datetime(2026, 11, 24, tzinfo=UTC),
    captured_at=datetime(2026, 11, 24, tzinfo=UTC),
)


def test_a_batch_on_its_way_holds_back_its_own_position_only() -> None:
    edge: Any = Edge()
    post = Post()
    part = Followed(edge, topics.INQUIRIES, post, ActLines("siem"), utc_now).build_part(
        "acts_siem", "0", None
    )
    for taken in (0, 2, 4):
        part.next_batch()
        assert part.snapshot() == taken
        post.deliver()
        part.next_batch()


@given(st.lists(st.sampled_from(["next", "deliver", "epoch", "kill"]), max_size=60))
def test_no_position_passes_an_act_that_was_not_taken(steps: list[str]) -> None:
    edge: Any = Edge()
    stored, taken_to = 0, 0
    post = Post()
    part = Followed(edge, topics.INQUIRIES, post, ActLines("siem"), utc_now).build_part(
        "acts_siem", "0", None
    )
    start = 0
    for step in steps:
        match step:
            case "next":
                part.next_batch()
            case "deliver":
                post.deliver()
                taken_to = max(taken_to, start + post.delivered)
            case "epoch":
                stored = part.snapshot()
            case "kill":
                post, start = Post(), stored
                part = Followed(edge, topics.INQUIRIES, post, ActLines("siem"), utc_now).build_part(
                    "acts_siem", "0", stored
                )
        assert stored <= taken_to
        assert len(post.given) <= 1, "one batch is on its way, and no more"
    for _round in range(12):
        part.next_batch()
        post.deliver()
        part.next_batch()
    assert part.snapshot() == len(LOG)
    assert start + post.delivered == len(LOG)
