"""The topics, declared once: name, key, partitions, how long they keep, and what crosses them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from schemas.alert_hit import AlertHit
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.detection import Detection
from schemas.fields import Record
from schemas.frame import Frame
from schemas.hit_action import HitAction
from schemas.hotlist import HotListChange
from schemas.inquiry import SealedInquiry
from schemas.message import Message
from schemas.registry import RegistryRecord

T = TypeVar("T")
R = TypeVar("R", bound=Record)

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE
RETENTION = timedelta(days=30)
SEVEN_YEARS = timedelta(days=7 * 365)


@dataclass(frozen=True)
class Topic(Generic[T]):
    """A topic of records `T`. `keep` is None where the topic is compacted instead.

    What is kept counts from the message's own time, that of the capture; with `time_of_arrival` from when it
    reached the broker. `a_poll` messages at most come in one batch: what is large or slow holds the worker,
    and what does not fit its caches slows it. A record of a `repeatable` topic may be there twice, so its
    writer asks for no producer id: getting one takes a second at the first write.

    On the embedded edge at most `most_bytes` are kept, past which the oldest go; of a `read_once` topic each
    message goes when its readers are past it, and at `most_bytes` a writer has to wait for them. There, too,
    `few_keys`, such as cameras, get partitions in turn: by a hash, some would share one and others be empty.

    Of a topic that `grows` with the cameras a broker may have more partitions than declared here: each is
    read by one process at most. Of another it may not: who reads it counts on the number.
    """

    name: str
    partitions: int
    keep: timedelta | None
    max_bytes: int
    decode: Callable[[Message], T]
    encode: Callable[[T], Message]
    time_of_arrival: bool = False
    a_poll: int = 128
    repeatable: bool = False
    most_bytes: int | None = None
    read_once: bool = False
    few_keys: bool = False
    grows: bool = False


def _topic(
    name: str,
    record: type[R],
    key: Callable[[R], str],
    keep: timedelta | None,
    *,
    time: Callable[[R], datetime | None] = lambda _record: None,
    partitions: int = 4,
    max_bytes: int = 4 * MEGABYTE,
) -> Topic[R]:
    def encode(item: R) -> Message:
        return Message(key(item).encode(), item.to_json(), timestamp=time(item))

    return Topic(name, partitions, keep, max_bytes, lambda message: record.from_json(message.value), encode)


# A frame is kept a day: long enough to replay an outage, far below the 30 days of its detections. It counts
# from arrival: a broker refuses a time that lies ahead, and all that came in one batch with it, so that one
# camera with a wrong clock would stop others; and a frame from 2100 would keep its segment until then.
FRAMES: Topic[Frame] = Topic(
    "frames",
    8,
    timedelta(hours=24),
    20 * MEGABYTE,
    Frame.from_message,
    lambda frame: frame.message,
    time_of_arrival=True,
    a_poll=16,
    most_bytes=4 * GIGABYTE,
    read_once=True,
    few_keys=True,
    grows=True,
)
# Frames of cameras that nobody approved: nobody reads or searches them; who approves the camera within the
# day may release them.
FRAMES_QUARANTINE: Topic[Frame] = replace(
    FRAMES, name="frames_quarantine", most_bytes=GIGABYTE, read_once=False
)
DETECTIONS = replace(
    _topic(
        "detections",
        Detection,
        lambda detection: detection.camera_id,
        timedelta(days=7),
        time=lambda detection: detection.captured_at,
        partitions=8,
    ),
    grows=True,
)
HOTLIST: Topic[HotListChange] = Topic(
    "hotlist", 4, None, MEGABYTE, HotListChange.from_message, HotListChange.to_message
)
ALERT_HITS = _topic(
    "alert_hits",
    AlertHit,
    lambda hit: hit.entry.entry_id,
    timedelta(days=7),
    time=lambda hit: hit.detection.captured_at,
)
HIT_ACTIONS = _topic(
    "hit_actions", HitAction, lambda action: str(action.hit_id), SEVEN_YEARS, time=lambda action: action.at
)
# The ledger of notifications: kept as long as the hits that could be read again, and read from its beginning
# at each start. It holds no plate.
DELIVERIES = replace(
    _topic("deliveries", Delivery, lambda delivery: delivery.key, timedelta(days=14), partitions=1),
    repeatable=True,
)
# One partition: its order is the order of the seals.
INQUIRIES = _topic(
    "inquiries",
    SealedInquiry,
    lambda sealed: sealed.inquiry.who,
    SEVEN_YEARS,
    time=lambda sealed: sealed.inquiry.at,
    partitions=1,
)
REGISTRY = _topic("registry", RegistryRecord, lambda record: record.key, None, partitions=1)
# In base64 a frame of the largest size grows by a third.
DEAD_LETTERS = replace(
    _topic(
        "dead_letters", DeadLetter, lambda letter: letter.origin, timedelta(days=7), max_bytes=28 * MEGABYTE
    ),
    most_bytes=GIGABYTE,
)

TOPICS: tuple[Topic[Any], ...] = (
    FRAMES,
    FRAMES_QUARANTINE,
    DETECTIONS,
    HOTLIST,
    ALERT_HITS,
    HIT_ACTIONS,
    DELIVERIES,
    INQUIRIES,
    REGISTRY,
    DEAD_LETTERS,
)

# Topics whose messages hold what cameras saw: none of them keeps longer than the agency keeps data.
PLATED: tuple[Topic[Any], ...] = (FRAMES, FRAMES_QUARANTINE, DETECTIONS, ALERT_HITS, DEAD_LETTERS)


def within(period: timedelta) -> tuple[Topic[Any], ...]:
    """All topics of an agency that keeps data for `period`."""
    return tuple(
        replace(topic, keep=min(topic.keep, period)) if topic in PLATED and topic.keep else topic
        for topic in TOPICS
    )
