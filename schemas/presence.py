"""Presence: the device of a person on shift is connected to the console. It holds no plate."""

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from platestream.schemas.fields import Instant, Name, Record

PRESENCE_LASTS = timedelta(seconds=45)
"""Time after a heartbeat for which a device counts as connected: three heartbeats."""


class Presence(Record, tag="presence/1", frozen=True, kw_only=True):
    """Heartbeat of a live page: its device is connected until `until`, unless another heartbeat follows.

    `since`: the start of the connection. `until` is not after `at` where the person has signed out.
    """

    user: Name
    at: Instant
    since: Instant
    until: Instant
    sound: Annotated[bool, Meta(description="the device sounds for a new hit")] = False
