"""Declarations of the topics: name, key, partitions, retention and records."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.claim import Claim
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Record
from platestream.schemas.frame import Frame
from platestream.schemas.hit_action import HitAction
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.message import Message
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord

T = TypeVar("T")
R = TypeVar("R", bound=Record)

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE
RETENTION = timedelta(days=30)
SEVEN_YEARS = timedelta(days=7 * 365 + 2)
"""The longest seven years: two of them are leap years."""


@dataclass(frozen=True)
class Topic(Generic[T]):
    """A topic of records `T`.

    `keep` is the retention, or None if the topic is compacted. It counts from the time stamp of the message,
    which is the capture time, or with `time_of_arrival` from its arrival at the broker. `a_poll` is the
    largest number of messages in one batch: large or slow messages would block the worker, and a batch beyond
    its caches slows it. A record of a `repeatable` topic may occur twice, so its writer requests no producer
    id, which would take a second at the first write.

    On the embedded edge a topic holds `most_bytes` at most, and the oldest messages are dropped beyond it. A
    message of a `read_once` topic is deleted when all readers have passed it, and a writer waits for them
    when `most_bytes` is reached. Also there, `few_keys`, such as cameras, get partitions in turn: with a
    hash, some would share one and others would be empty.

    A topic that `grows` with the cameras may have more partitions on a broker than declared here; each is
    read by one process at most. Other topics may not, because their readers rely on the number. A topic has
    as many as the one that it is `parted_as`, with the same keys: a share then reads the same keys of both.

    A `plated` topic holds data of cameras. It is stored no longer than the agency's retention, and encrypted
    by hourly keys.
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
    parted_as: str = ""
    plated: bool = False


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


# A frame is stored for a day: long enough to replay an outage, far below the 30 days of its detections. The
# day counts from arrival. A broker rejects a time in the future with its whole batch, so one camera with a
# wrong clock would stop others, and a frame from 2100 would hold its segment until then.
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
    plated=True,
)
# Frames of unapproved cameras. They are not read or searched. They can be released if the camera is approved
# within the day.
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
    plated=True,
)
# Repeated every few seconds while a vehicle stands; of use to nobody afterwards.
IN_VIEW = replace(
    _topic("in_view", VehicleInView, lambda seen: seen.detection.camera_id, timedelta(hours=1), partitions=8),
    repeatable=True,
    time_of_arrival=True,
    most_bytes=GIGABYTE,
    grows=True,
    parted_as=DETECTIONS.name,
    plated=True,
)
HOTLIST: Topic[HotListChange] = Topic(
    "hotlist", 4, None, MEGABYTE, HotListChange.from_message, HotListChange.to_message
)
ALERT_HITS = replace(
    _topic(
        "alert_hits",
        AlertHit,
        lambda hit: hit.entry.entry_id,
        timedelta(days=7),
        time=lambda hit: hit.detection.captured_at,
    ),
    plated=True,
)
HIT_ACTIONS = _topic(
    "hit_actions", HitAction, lambda action: str(action.hit_id), SEVEN_YEARS, time=lambda action: action.at
)
# The ledger of notifications. It is stored as long as the hits that could be replayed, and read from its
# beginning at each start. It holds no plate.
DELIVERIES = replace(
    _topic("deliveries", Delivery, lambda delivery: delivery.key, timedelta(days=14), partitions=1),
    repeatable=True,
)
# Heartbeats of devices, each valid for 45 s. Like the ledger, read from its beginning at each start.
PRESENCE = replace(
    _topic("presence", Presence, lambda presence: presence.user, timedelta(hours=1), partitions=1),
    repeatable=True,
    time_of_arrival=True,
)
# The process that has a share, by a heartbeat every few seconds. One partition: its order decides. The newest
# of each share stays: a process that had a share once may wake.
CLAIMS = replace(
    _topic("claims", Claim, lambda claim: claim.key, None, partitions=1),
    repeatable=True,
    time_of_arrival=True,
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
    plated=True,
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
    PRESENCE,
    IN_VIEW,
    CLAIMS,
)

PLATED: tuple[Topic[Any], ...] = tuple(one for one in TOPICS if one.plated)


def topics_for_retention(period: timedelta) -> tuple[Topic[Any], ...]:
    """Return all topics for an agency that stores data for `period`."""
    return tuple(
        replace(topic, keep=min(topic.keep, period)) if topic in PLATED and topic.keep else topic
        for topic in TOPICS
    )
