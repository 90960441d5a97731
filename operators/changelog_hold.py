"""Hold for items that need a complete changelog: they wait until it was read.

Changes, marks and items reach a step in any order, because they come from different sources and partitions.
Without waiting, an item could be judged by a part of the list. Each step that joins a stream with changelogs
therefore has one `ChangelogHold` for each of its keys.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from platestream.schemas.message import EndOfSnapshot

X = TypeVar("X")


class ChangelogHold(Generic[X]):
    """Items of one key that wait until the snapshots of all `changelogs` have been read.

    A step passes it each item (`take`) and each mark (`end`); both return the items that may be judged now,
    in order. `waiting` belongs in the step's state, because the stream's position is after these items. The
    marks do not, because each start reads the changelogs again.
    """

    def __init__(self, changelogs: Iterable[str], waiting: Iterable[X] = ()) -> None:
        self._ended: dict[str, set[int]] = {name: set() for name in changelogs}
        self._unread = set(self._ended)
        self._waiting = list(waiting)

    @property
    def open(self) -> bool:
        """True if all changelogs have been read, so that nothing waits."""
        return not self._unread

    @property
    def waiting(self) -> list[X]:
        """The items that have not been judged, oldest first."""
        return list(self._waiting)

    def take(self, item: X) -> list[X]:
        """Return the item, or nothing while it has to wait."""
        if not self._unread:
            return [item]
        self._waiting.append(item)
        return []

    def end(self, mark: EndOfSnapshot) -> list[X]:
        """Return all waiting items if this was the last missing mark.

        Raises KeyError for an unknown changelog: the flow is wired wrong.
        """
        ended = self._ended[mark.changelog]
        ended.add(mark.partition)
        if len(ended) >= mark.partitions:
            self._unread.discard(mark.changelog)
        if self._unread:
            return []
        waiting, self._waiting = self._waiting, []
        return waiting
