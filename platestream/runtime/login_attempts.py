"""Rate limit of sign-ins: failed ones delay further ones."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b
from secrets import token_bytes
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

FREE = 5
"""Failed sign-ins in a row that delay nothing."""
MOST = 10_000
"""Keys remembered; those that failed longest ago are dropped."""
MOST_DOUBLINGS = 20


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float
    guess: bytes


class LoginAttempts(Generic[Key]):
    """Recent failed sign-ins by key, for example by account and address. Thread-safe; times are in seconds.

    After `free` failures the next attempt waits for `first`, then each time twice as long, at most `longest`.
    Failures are forgotten `memory` after the last one.
    """

    def __init__(
        self,
        free: int = FREE,
        *,
        first: float = 30.0,
        longest: float = 900.0,
        memory: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free, self._first, self._longest, self._memory = free, first, longest, memory
        self._clock = clock
        self._failures: dict[Key, _Failures] = {}
        self._lock = threading.Lock()
        self._secret = token_bytes(32)

    def __bool__(self) -> bool:
        """Return whether any sign-in failed recently."""
        with self._lock:
            self._forget()
            return bool(self._failures)

    def retry_after(self, key: Key) -> float:
        """Return the time until the next attempt may be made; 0 for now."""
        with self._lock:
            failures = self._failures.get(key)
        return self.wait(failures.count, failures.last, self._clock()) if failures is not None else 0.0

    def wait(self, count: int, last: float, now: float) -> float:
        """Return the time until the next attempt may be made after `count` failures, of which the last was
        at `last`.
        """
        if count < self._free:
            return 0.0
        doublings = min(count - self._free, MOST_DOUBLINGS)
        return max(0.0, last + min(self._longest, self._first * 2.0**doublings) - now)

    def record_failure(self, key: Key, guess: str = "") -> int:
        """Count a failed sign-in and return the number of them.

        The last `guess` again is no new attempt: a program that holds an old password repeats it.
        """
        digest = blake2b(guess.encode(), key=self._secret).digest() if guess else b""
        with self._lock:
            self._forget()
            before = self._failures.get(key)
            if before and digest and before.guess == digest:
                return before.count
            self._failures.pop(key, None)
            if len(self._failures) >= MOST:
                del self._failures[next(iter(self._failures))]
            count = 1 + (before.count if before else 0)
            # Appended, so that the first is the oldest.
            self._failures[key] = _Failures(count, self._clock(), digest)
            return count

    def record_success(self, key: Key) -> None:
        """Forget the failures of a key after a successful sign-in."""
        with self._lock:
            self._failures.pop(key, None)

    def _forget(self) -> None:
        while self._failures and next(iter(self._failures.values())).last + self._memory <= self._clock():
            del self._failures[next(iter(self._failures))]
