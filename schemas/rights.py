"""Rights of each broker account on each topic: the least that its program needs.

`tests/unit/test_rights.py` compares the accounts of the flows with what the flows read and write.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from platestream.schemas import topics
from platestream.schemas.topics import Topic


@dataclass(frozen=True)
class Rights:
    """The rights of an account.

    `compares`: may read the settings of all topics. `makes`: may also create them all and change their
    settings. `claims`: writes in transactions that end when another process takes its share over.
    """

    reads: tuple[Topic[Any], ...] = ()
    writes: tuple[Topic[Any], ...] = ()
    compares: bool = False
    makes: bool = False
    claims: bool = False


PREFIX = "platestream_"
"""Prefix of account names on the broker, as on a ClickHouse server."""

# People change the list and the registry, release frames, look back, and send dead letters to their topic
# again. `policy check` compares the topics, and the copy of the inquiry log with the table.
_BY_PEOPLE = Rights(
    reads=(
        topics.HOTLIST,
        topics.REGISTRY,
        topics.FRAMES_QUARANTINE,
        topics.INQUIRIES,
        topics.DEAD_LETTERS,
        topics.PRESENCE,
        topics.CLAIMS,
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
        reads=(topics.REGISTRY, topics.FRAMES, topics.CLAIMS),
        writes=(
            topics.DETECTIONS,
            topics.IN_VIEW,
            topics.FRAMES_QUARANTINE,
            topics.DEAD_LETTERS,
            topics.CLAIMS,
        ),
        claims=True,
    ),
    "match": Rights(
        reads=(
            topics.REGISTRY,
            topics.HOTLIST,
            topics.DETECTIONS,
            topics.IN_VIEW,
            topics.ALERT_HITS,
            topics.CLAIMS,
        ),
        # Expired entries are removed from the list.
        writes=(topics.ALERT_HITS, topics.HOTLIST, topics.DEAD_LETTERS, topics.CLAIMS),
        claims=True,
    ),
    "audit": Rights(
        reads=(topics.REGISTRY, topics.HIT_ACTIONS, topics.CLAIMS),
        writes=(topics.INQUIRIES, topics.DEAD_LETTERS, topics.CLAIMS),
        claims=True,
    ),
    "notify": Rights(
        # The log of inquiries goes to a SIEM, reports of actions to a records system, and reads to a system
        # of the agency, where the rules name one.
        reads=(
            topics.REGISTRY,
            topics.DELIVERIES,
            topics.ALERT_HITS,
            topics.PRESENCE,
            topics.INQUIRIES,
            topics.HIT_ACTIONS,
            topics.DETECTIONS,
            topics.CLAIMS,
        ),
        writes=(topics.DELIVERIES, topics.DEAD_LETTERS, topics.CLAIMS),
        claims=True,
    ),
    # Its job deletes rows and files. The broker deletes what has expired in a topic.
    "retention": Rights(),
    # The open page of a person on shift shows new hits, and reports that its device is connected.
    "console": replace(
        _BY_PEOPLE,
        reads=(*_BY_PEOPLE.reads, topics.ALERT_HITS),
        writes=(*_BY_PEOPLE.writes, topics.PRESENCE),
    ),
    "tools": _BY_PEOPLE,
}
"""Accounts of earlier releases stay here without rights, so that their rights on the broker are removed."""
