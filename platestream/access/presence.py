"""Devices of people on shift that are connected to the console, so that others know who is reached.

Each heartbeat of a live page is a message of the topic `presence`, which the notify flow, commands and other
consoles read (docs/decisions/presence.md). It expires by itself, so a console that fails connects nobody.
"""

import logging
import threading
from datetime import datetime

import msgspec

from platestream.access.door import Door
from platestream.edges.changelog import current, publish
from platestream.edges.kafka_client import BrokerError
from platestream.schemas import topics
from platestream.schemas.presence import PRESENCE_LASTS, Presence

log = logging.getLogger(__name__)


class Devices:
    """The connected devices, as far as this console has heard of them. Thread-safe."""

    def __init__(self) -> None:
        self._last: dict[str, Presence] = {}
        self._lock = threading.Lock()

    def record_heartbeat(self, door: Door, who: str, now: datetime, *, sound: bool) -> None:
        """Publish that the device of `who` is there."""
        with self._lock:
            before = self._last.get(who)
            since = before.since if before is not None and before.until > now else now
            made = Presence(user=who, at=now, since=since, until=now + PRESENCE_LASTS, sound=sound)
            self._last[who] = made
        _publish(door, made)

    def sounds(self, who: str, now: datetime) -> bool:
        """Return whether a device of `who` is there and sounds for new hits."""
        with self._lock:
            last = self._last.get(who)
        return last is not None and last.sound and last.until > now

    def record_sign_out(self, door: Door, who: str, now: datetime) -> None:
        """Publish that `who` has signed out, where a device of theirs was connected here or at another
        console.
        """
        with self._lock:
            last = self._last.pop(who, None) or Presence(user=who, at=now, since=now, until=now, sound=False)
        _publish(door, msgspec.structs.replace(last, at=now, until=now))


def connected(door: Door, now: datetime) -> dict[str, Presence]:
    """Return the people whose devices are connected, by name. The caller enters the act that shows it."""
    found = current(door.streams, topics.PRESENCE)
    return {one.user: one for one in found if one.until > now}


def _publish(door: Door, presence: Presence) -> None:
    try:
        publish(door.streams, topics.PRESENCE, [presence])
    except (BrokerError, OSError) as error:  # the next heartbeat tries again
        log.warning("the presence of %s is not published: %s", presence.user, type(error).__name__)
