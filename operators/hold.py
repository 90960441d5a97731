"""Hold until the changelogs have been read: what is judged by a list waits for the whole of it.

Changes, marks and items reach a step in any interleaving, because they come from different sources and
partitions. A step that judged an item early would judge it by part of the list. So each step that joins a
stream with changelogs keeps one `Hold`, for each of its keys.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from schemas.message import EndOfSnapshot

X = TypeVar("X")


class Hold(Generic[X]):
    """Items of one key that wait until the snapshot of each of `changelogs` has been read to its end.

    A step gives it each item (`take`) and each mark (`end`); both return what may be judged now, in the order
    in which it came. `waiting` belongs in the step's state, as the positions of these items are behind them;
    the marks do not, as each start reads the changelogs again.
    """

    def __init__(self, changelogs: Iterable[str], waiting: Iterable[X] = ()) -> None:
        self._ended: dict[str, set[int]] = {name: set() for name in changelogs}
        self._unread = set(self._ended)
        self._waiting = list(waiting)

    @property
    def open(self) -> bool:
        """All changelogs have been read: nothing waits any more."""
        return not self._unread

    @property
    def waiting(self) -> list[X]:
        """What has not been judged, oldest first."""
        return list(self._waiting)

    def take(self, item: X) -> list[X]:
        """The item, or nothing while it has to wait."""
        if not self._unread:
            return [item]
        self._waiting.append(item)
        return []

    def end(self, mark: EndOfSnapshot) -> list[X]:
        """All that waited, where this was the last mark that was missing.

        Raises KeyError for a changelog that is not waited for: the flow is wired wrong.
        """
        ended = self._ended[mark.changelog]
        ended.add(mark.partition)
        if len(ended) >= mark.partitions:
            self._unread.discard(mark.changelog)
        if self._unread:
            return []
        waiting, self._waiting = self._waiting, []
        return waiting
