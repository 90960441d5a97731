"""Sign-ins, refused ones and ends of sessions as acts of the inquiry log, which the console enters by itself.

A sign-in is logged before its session begins: without the database there is no session, as there is no other
page. Refusals and ends happen in any case. They wait in memory and are written within seconds, so that the
time of an answer does not depend on them, and later if the database is away.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from platestream.access.door import Clients, Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.refusals import Refusals
from platestream.edges.clickhouse_client import ConnectError, DatabaseError
from platestream.schemas.sign_in_event import ACT, SignInEvent
from platestream.settings import Settings

log = logging.getLogger(__name__)

NAME = "console"
"""System job that enters the acts."""
MOST_WAITING = 1000
"""Refusals that wait for the database; further ones are added to the count of the last."""


class SignInLog:
    """Events that wait, and the acts that record them. Thread-safe."""

    def __init__(self, settings: Settings, clients: Clients, clock: Callable[[], datetime]) -> None:
        self._settings, self._clients, self._clock = settings, clients, clock
        self._refusals = Refusals()
        self._waiting: deque[SignInEvent] = deque()
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def signed_in(self, event: SignInEvent, effect: str) -> None:
        """Log a sign-in, after what happened before it. `effect` is the SHA-256 of the browser as it will be
        remembered. Raises DatabaseError, ConnectError and RefusedInquiry, and then no session may begin.
        """
        self.write()
        self._enter(event, effect)

    def confirmed(self, event: SignInEvent) -> None:
        """Log that a person gave the second factor for an act, which is then done. Raises as `signed_in`."""
        self.signed_in(event, "")

    def refused(self, event: SignInEvent) -> None:
        """Note a refused sign-in, to be written soon."""
        with self._lock:
            self._wait(self._refusals.add(event))

    def note(self, events: Sequence[SignInEvent]) -> None:
        """Note ends of sessions and forgotten browsers, to be written soon."""
        with self._lock:
            self._waiting.extend(events)

    def write(self, *, everything: bool = False) -> None:
        """Write what waits, in order, and the counts of refusals whose minute is over, or `everything`.
        Raises DatabaseError and ConnectError; then the rest waits.
        """
        with self._writing:
            with self._lock:
                window = {"window": timedelta()} if everything else {}
                self._wait(self._refusals.due(self._clock(), **window))
                events = len(self._waiting)
            for _number in range(events):
                with self._lock:
                    event = self._waiting.popleft()
                try:
                    self._enter(event)
                except (DatabaseError, ConnectError):
                    with self._lock:
                        self._waiting.appendleft(event)
                    raise
                except RefusedInquiry as refused:
                    log.error("an event of signing in is not logged: %s", refused)

    def try_to_write(self) -> None:
        """Write as `write` does; without the database, try again later."""
        try:
            self.write()
        except (DatabaseError, ConnectError) as error:
            log.warning("%d events of signing in wait for the database: %s", len(self._waiting), error)

    def _wait(self, refusals: Sequence[SignInEvent]) -> None:
        for event in refusals:
            last = self._waiting[-1] if len(self._waiting) >= MOST_WAITING else None
            if last is not None and last.kind == event.kind:
                times = last.times + event.times
                self._waiting[-1] = msgspec.structs.replace(event, who="", browser="", times=times)
            else:
                self._waiting.append(event)

    def _enter(self, event: SignInEvent, effect: str = "") -> None:
        """Enter the act. Its starter is the person where it is certain who that is."""
        starter = event.by or (event.who if event.kind in ("signed_in", "confirmed") else NAME)
        door = Door(
            self._settings, NAME, f"platestream {NAME}", self._clients, automatic=True, set_off_by=starter
        )
        refusal = f"{event.why}: no session" if event.kind == "refused" else ""
        try:
            door.enter(ACT, event.about, change=event.text, effect=effect, refusal=refusal)
        except RefusedInquiry as refused:
            if str(refused) != refusal:
                raise
