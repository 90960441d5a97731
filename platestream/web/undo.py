"""Undo of the last action, if that does no harm. Pages offer it for some minutes.

Undoing is an act of its own, authorized and logged; the first act stays in the log.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from starlette.responses import Response

from platestream.web.page_request import PageRequest, Routes
from platestream.web.sessions import Undo

T = TypeVar("T")


class Action(Generic[T]):
    """Kind of action that can be undone. `back` undoes a change of type `change`, returns the address of the
    next page, and raises if it can no longer be undone. `name` is stored in sessions.
    """

    by_name: ClassVar[dict[str, Any]] = {}

    def __init__(self, name: str, change: type[T], back: Callable[[PageRequest, T], str]) -> None:
        self._name, self._change, self._back = name, change, back
        self.by_name[name] = self

    def offer(self, request: PageRequest, message: str, change: T) -> None:
        """Offer to undo a change, which `message` describes."""
        last = Undo(message, self._name, msgspec.msgpack.encode(change))
        request.session.undos.put(last.name, last, request.now)

    def undo(self, request: PageRequest, change: bytes) -> str:
        """Undo a change as it was encoded; return the address of the next page."""
        return self._back(request, msgspec.msgpack.decode(change, type=self._change))


def undo(request: PageRequest) -> Response:
    """Undo the action, once."""
    name = request.field("undo")
    last = request.session.undos.get(name, request.now, take=True) if name else None
    if last is None:
        return request.refusal_page(
            "This can no longer be undone: it was undone already, or too much time has passed."
        )
    return request.redirect(Action.by_name[last.action].undo(request, last.change))


ROUTES: Routes = {("POST", "/undo"): undo}
