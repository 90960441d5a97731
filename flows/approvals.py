"""Approvals for the recognize flow: the registry's content at the start, and its current content."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta

from platestream.edges.changelog import current
from platestream.edges.edge import Edge
from platestream.operators.approvals import Approvals, Unapproved
from platestream.operators.boundary import Point
from platestream.operators.sensitive_places import SensitivePlaces
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas import topics
from platestream.schemas.profile import Places
from platestream.schemas.registry import RegistryRecord

SECOND = timedelta(seconds=1)
TIME_SHARE = 20
"""Reading the registry again takes at most one part in so many of the time."""


def open_approvals(
    edge: Edge, mode: Unapproved, places: Places, boundary: Sequence[Point] = (), now: Clock = utc_now
) -> Approvals:
    """Return approvals with the registry's current content, the law's sensitive places and the boundary.

    The flow registers changes; in case of doubt the registry is read again.
    """
    sensitive = SensitivePlaces(places.refused, places.margin_m)
    return Approvals(mode, _known(edge), sensitive, CallRateLimit(lambda: _known(edge), now), boundary)


class CallRateLimit:
    """Rate limit of a function: calls `ask` at most once a second and for a limited share of the time.

    Between calls it returns nothing. Unapproved cameras send continuously, and each of their frames is a case
    of doubt.
    """

    def __init__(self, ask: Callable[[], Iterable[RegistryRecord]], now: Clock) -> None:
        self._ask, self._now = ask, now
        self._again = now()

    def __call__(self) -> list[RegistryRecord]:
        began = self._now()
        if began < self._again:
            return []
        found = list(self._ask())
        self._again = began + max(SECOND, TIME_SHARE * (self._now() - began))
        return found


def _known(edge: Edge) -> Iterator[RegistryRecord]:
    # One that cannot be read is read again by the flow, which makes it a dead letter.
    return current(edge.topics, topics.REGISTRY)
