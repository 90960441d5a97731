"""The approvals that the recognise flow is given: what the registry holds at its start, and by now."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from connectors.changelog import newest
from connectors.clock import Clock, utc_now
from connectors.edge import Edge
from operators.deployments import Approvals, Unapproved
from operators.sensitive_places import SensitivePlaces
from schemas import topics
from schemas.message import RefusedError
from schemas.profile import Places
from schemas.registry import RegistryRecord

SECOND = timedelta(seconds=1)
SHARE = 20
"""Reading the registry again takes no more than so much of the time: a twentieth."""


def open_approvals(edge: Edge, mode: Unapproved, places: Places, now: Clock = utc_now) -> Approvals:
    """Approvals as the registry has them now, and the law's sensitive places.

    The flow tells what changes, and in doubt they ask.
    """
    sensitive = SensitivePlaces(places.refused, places.margin_m)
    return Approvals(mode, _known(edge), sensitive, Seldom(lambda: _known(edge), now))


class Seldom:
    """What `ask` gives, at most once a second and seldom enough; nothing in between.

    Cameras that nobody approved send on and on, and each frame of theirs is a doubt.
    """

    def __init__(self, ask: Callable[[], Iterable[RegistryRecord]], now: Clock) -> None:
        self._ask, self._now = ask, now
        self._again = now()

    def __call__(self) -> list[RegistryRecord]:
        began = self._now()
        if began < self._again:
            return []
        found = list(self._ask())
        self._again = began + max(SECOND, SHARE * (self._now() - began))
        return found


def _known(edge: Edge) -> Iterator[RegistryRecord]:
    for message in newest(edge.topics, topics.REGISTRY).values():
        try:
            yield topics.REGISTRY.decode(message)
        except RefusedError:
            continue  # the flow reads it once more, and makes it a dead letter
