"""What each account of a broker may do with which topic: what its program does, and no more.

`tests/unit/test_rights.py` compares the flows' accounts with what the flows read and write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas import topics
from schemas.topics import Topic


@dataclass(frozen=True)
class Rights:
    """`compares`: may read the settings of all topics; `makes`: may make all of them and set these, too."""

    reads: tuple[Topic[Any], ...] = ()
    writes: tuple[Topic[Any], ...] = ()
    compares: bool = False
    makes: bool = False


PREFIX = "platestream_"
"""Before the name of an account on the broker, as on a ClickHouse server."""

# People change the list and the registry, release frames, look back, and send dead letters again to where
# they came from; `policy check` compares the topics, and the copy of the inquiry log with the table.
_BY_PEOPLE = Rights(
    reads=(
        topics.HOTLIST,
        topics.REGISTRY,
        topics.FRAMES_QUARANTINE,
        topics.INQUIRIES,
        topics.DEAD_LETTERS,
    ),
    writes=(
        topics.HOTLIST,
        topics.REGISTRY,
        topics.HIT_ACTIONS,
        topics.ALERT_HITS,
        topics.FRAMES,
        topics.FRAMES_QUARANTINE,
        topics.DETECTIONS,
        topics.DEAD_LETTERS,
    ),
    compares=True,
)

ACCOUNTS: Mapping[str, Rights] = {
    "setup": Rights(compares=True, makes=True),
    "cameras": Rights(writes=(topics.FRAMES,)),
    "recognize": Rights(
        reads=(topics.REGISTRY, topics.FRAMES),
        writes=(topics.DETECTIONS, topics.FRAMES_QUARANTINE, topics.DEAD_LETTERS),
    ),
    "match": Rights(
        reads=(topics.REGISTRY, topics.HOTLIST, topics.DETECTIONS),
        writes=(
            topics.ALERT_HITS,
            topics.HOTLIST,
            topics.DEAD_LETTERS,
        ),  # entries that expired leave the list
    ),
    "audit": Rights(
        reads=(topics.REGISTRY, topics.HIT_ACTIONS),
        writes=(topics.INQUIRIES, topics.DEAD_LETTERS),
    ),
    "notify": Rights(
        reads=(topics.REGISTRY, topics.DELIVERIES, topics.ALERT_HITS),
        writes=(topics.DELIVERIES, topics.DEAD_LETTERS),
    ),
    # Its job deletes rows and files; what is past its time in a topic is the broker's to delete.
    "retention": Rights(),
    # Whoever is on shift sees hits come to the open page.
    "console": replace(_BY_PEOPLE, reads=(*_BY_PEOPLE.reads, topics.ALERT_HITS)),
    "tools": _BY_PEOPLE,
}
"""An account that a release no longer has stays here without rights, so that the broker takes them away."""
