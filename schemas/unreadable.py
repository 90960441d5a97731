"""Records that cannot be read: passed over, and reported by whatever needed them.

The owner of the database or of a folder can write a record that nobody can read. It is a fault, and must stop
nothing that goes by the other records. A job or a check opens `unreadable` around its work, so that it says
what it could not read.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

log = logging.getLogger(__name__)
_collecting: ContextVar[tuple[list[str], ...]] = ContextVar("unreadable", default=())


@contextmanager
def unreadable() -> Iterator[list[str]]:
    """Yield a list of what cannot be read inside, one sentence each; outer lists get it, too."""
    found: list[str] = []
    token = _collecting.set((*_collecting.get(), found))
    try:
        yield found
    finally:
        _collecting.reset(token)


def note_unreadable(what: str) -> None:
    """Report that a record cannot be read. `what` is a sentence that names it."""
    lists = _collecting.get()
    if not lists:
        log.warning("%s", what)
    for found in lists:
        found.append(what)
