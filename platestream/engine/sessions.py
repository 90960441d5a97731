"""Sessions: SET and USE statements of a `session_id`, repeated for each later request of it.

A session belongs to one account, serves one request at a time and ends after its timeout. It holds no
connection open, so only settings, parameters and the current database persist.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from platestream.engine.errors import (
    BAD_ARGUMENTS,
    SESSION_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_QUERIES,
    EngineError,
)

MOST_STATEMENTS = 100
MOST_CHARACTERS = 2**16
"""Characters of all statements of a session at most."""
MOST_SESSIONS = 200
"""Sessions of one account at most, so that it cannot displace others."""


@dataclass
class Session:
    """The statements to repeat, in order."""

    statements: list[str] = field(default_factory=list)
    ends: float = 0
    busy: bool = False

    def remember(self, sql: str) -> None:
        """Store a SET or USE that succeeded."""
        if sql in self.statements:
            self.statements.remove(sql)
        if len(self.statements) >= MOST_STATEMENTS:
            raise EngineError(BAD_ARGUMENTS, f"a session remembers {MOST_STATEMENTS} statements at most")
        if sum(map(len, self.statements)) + len(sql) > MOST_CHARACTERS:
            raise EngineError(
                BAD_ARGUMENTS, f"a session remembers statements of {MOST_CHARACTERS:,} characters at most"
            )
        self.statements.append(sql)


class Sessions:
    """All sessions by account and id; `clock` counts seconds. For one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_id: dict[tuple[str, str], Session] = {}

    @contextmanager
    def use(self, account: str, name: str, timeout: float, *, must_exist: bool) -> Iterator[Session]:
        """Yield the session for one request; one without a name ends with the request. Raises EngineError."""
        if not name:
            yield Session()
            return
        self._end_old()
        session = self._by_id.get((account, name))
        if session is None:
            if must_exist:
                raise EngineError(SESSION_NOT_FOUND, "this session does not exist, or it has ended")
            if sum(owner == account for owner, _ in self._by_id) >= MOST_SESSIONS:
                raise EngineError(
                    TOO_MANY_QUERIES, f"{account} has {MOST_SESSIONS} sessions open; let some end"
                )
            session = self._by_id[account, name] = Session()
        if session.busy:
            raise EngineError(
                SESSION_LOCKED, "this session has a request that still runs; ask it one at a time"
            )
        session.busy = True
        try:
            yield session
        finally:
            session.busy = False
            session.ends = self._clock() + timeout

    def _end_old(self) -> None:
        now = self._clock()
        self._by_id = {key: one for key, one in self._by_id.items() if one.busy or one.ends > now}
