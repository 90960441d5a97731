"""Challenges of passkeys: random numbers that a device signs once, in the browser that asked for them."""

import secrets
from datetime import datetime, timedelta

from platestream.web.shared_state import SharedState

LIVES = timedelta(minutes=5)
_KIND = "challenge"


class Challenges:
    """The challenges that wait for an answer, by browser or session. Thread-safe."""

    def __init__(self, state: SharedState) -> None:
        self._state = state

    def make(self, mark: str, now: datetime) -> bytes:
        """Return a new challenge for the browser or session with this mark; it replaces an earlier one."""
        made = secrets.token_bytes(32)
        self._state.put(_KIND, mark, made, now + LIVES)
        return made

    def take(self, mark: str, now: datetime) -> bytes:
        """Return the challenge of a browser or session, once; random bytes, which nothing answers, if none
        waits.
        """
        return self._state.get(_KIND, mark, bytes, now, take=True) or secrets.token_bytes(32)
