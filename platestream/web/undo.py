"""Undo of the last action, if that does no harm. Pages offer it for some minutes.

Undoing is an act of its own, authorized and logged; the first act stays in the log.
"""

from collections.abc import Callable

from starlette.responses import Response

from platestream.web.page_request import PageRequest, Routes
from platestream.web.sessions import Undo


def offer(request: PageRequest, message: str, back: Callable[[PageRequest], str]) -> None:
    """Offer to undo an action, which `message` describes.

    `back` undoes it, returns the address of the next page, and raises if it can no longer be undone.
    """
    request.session.undo = Undo(message, back, request.now)


def undo(request: PageRequest) -> Response:
    """Undo the action, once."""
    last = request.session.undo
    if last is None or last.name != request.field("undo"):
        return request.refusal_page(
            "This can no longer be undone: it was undone already, or too much time has passed."
        )
    request.session.undo = None
    return request.redirect(last.back(request))


ROUTES: Routes = {("POST", "/undo"): undo}
