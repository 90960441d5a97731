"""Taking back what was done last, where that does no harm: it is offered on the pages after it, for minutes.

What is taken back is an act like the first one, judged and on record; the first one stays on record, too.
"""

from collections.abc import Callable

from starlette.responses import Response

from platestream.console.sessions import Undo
from platestream.console.visit import Routes, Visit


def offer(visit: Visit, said: str, back: Callable[[Visit], str]) -> None:
    """`said` was done; `back` takes it back and says where to go on, and raises where it is no longer so."""
    visit.session.undo = Undo(said, back, visit.now)


def undo(visit: Visit) -> Response:
    """Take it back, once."""
    kept = visit.session.undo
    if kept is None or kept.name != visit.said("undo"):
        return visit.refused("This can be taken back no more: it was, or some minutes have passed.")
    visit.session.undo = None
    return visit.see(kept.back(visit))


ROUTES: Routes = {("POST", "/undo"): undo}
