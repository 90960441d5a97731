"""Limits of concurrent statements: running, waiting and rejected. No account can take all places."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platestream.engine.errors import TOO_MANY_QUERIES, EngineError


class AdmissionLimits:
    """`queries` run at once and `waiting` more may wait, half of each for one account. For one event loop."""

    def __init__(self, queries: int, waiting: int) -> None:
        own = max(1, queries // 2)
        self._all = asyncio.Semaphore(queries)
        self._own: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(own))
        self._most = queries + waiting
        self._most_own = own + waiting // 2
        self._here: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, account: str) -> AsyncIterator[None]:
        """Hold a place for one statement of `account`. Raises EngineError if too many wait."""
        if self._here[account] >= self._most_own or self._here.total() >= self._most:
            raise EngineError(
                TOO_MANY_QUERIES,
                f"{self._here[account]} requests of this account and {self._here.total()} in all run or wait"
                " here; ask again in a while",
            )
        self._here[account] += 1
        try:
            async with self._own[account], self._all:
                yield
        finally:
            self._here[account] -= 1
