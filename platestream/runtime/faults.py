"""Faults of a job whose steps do not depend on each other."""

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
MOST = 100
"""Faults that are named; the others are only counted."""

log = logging.getLogger(__name__)


class Faults(list[str]):
    """Faults of a run, one sentence each."""

    def attempt(self, what: str, step: Callable[[], T]) -> T | None:
        """Return the result of a step; where it fails, note the fault and return None.

        Any error is caught: nobody may stop the other steps by breaking what one of them reads.
        """
        try:
            return step()
        except Exception as error:
            log.exception("%s failed", what)
            self.append(f"{what}: {error or type(error).__name__}")
            return None

    @property
    def named(self) -> list[str]:
        """The faults, each once, as a record holds them."""
        found = list(dict.fromkeys(self))
        return [*found[:MOST], *([f"{len(found) - MOST} more faults"] if found[MOST:] else [])]
