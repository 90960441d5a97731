"""The approvals that the recognise flow is given: what the registry holds when the flow starts."""

from collections.abc import Iterator

from connectors.changelog import newest
from connectors.edge import Edge
from operators.deployments import Approvals, Unapproved
from operators.sensitive_places import SensitivePlaces
from schemas import topics
from schemas.message import RefusedError
from schemas.profile import Places
from schemas.registry import RegistryRecord


def open_approvals(edge: Edge, mode: Unapproved, places: Places) -> Approvals:
    """Approvals as the registry has them now, and the law's sensitive places; the flow tells what changes."""
    return Approvals(mode, _known(edge), SensitivePlaces(places.refused, places.margin_m))


def _known(edge: Edge) -> Iterator[RegistryRecord]:
    for message in newest(edge.topics, topics.REGISTRY).values():
        try:
            yield topics.REGISTRY.decode(message)
        except RefusedError:
            continue  # the flow reads it once more, and makes it a dead letter
