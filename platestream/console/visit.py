"""One request of a person who is signed in: who asks, what was sent, the door, and how refusals look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from platestream.console.cookies import DONE
from platestream.console.sessions import Session
from services.door import Door
from services.inquiries.gate import MOST_VEHICLES

if TYPE_CHECKING:
    from platestream.console.app import Console


@dataclass(frozen=True)
class Visit:
    """What a page is made from. `form` is empty but for forms that were sent."""

    console: "Console"
    request: Request
    session: Session
    door: Door
    now: datetime
    form: FormData = field(default_factory=FormData)

    def said(self, name: str) -> str:
        """A field of the form, or of the address; empty where it was not filled in."""
        value = self.form.get(name, self.request.query_params.get(name, ""))
        return "" if isinstance(value, UploadFile) else value.strip()

    def time(self, name: str) -> datetime | None:
        """A time of the form, by the agency's clock; None where it was not filled in. Raises ValueError."""
        told = self.said(name)
        return datetime.fromisoformat(told).replace(tzinfo=self.console.zone) if told else None

    def vehicles(self) -> int:
        """Return how many different vehicles are asked for; 0: the default. Raises ValueError."""
        told = self.said("vehicles")
        if told and not (told.isdecimal() and len(told) < 6 and int(told) <= MOST_VEHICLES):
            raise ValueError(f"the number of different vehicles is a whole number up to {MOST_VEHICLES:,}")
        return int(told or 0)

    def several(self, name: str) -> list[str]:
        """A field that may be there more than once."""
        sent = self.form.getlist(name) or self.request.query_params.getlist(name)
        return [one for one in sent if isinstance(one, str) and one.strip()]

    @property
    def address(self) -> str:
        """The address that the request came from."""
        return self.request.client.host if self.request.client else "an unknown address"

    @property
    def partly(self) -> bool:
        """Whether a part of a page is asked for, to be put into the one that is open."""
        return "hx-request" in self.request.headers

    def page(self, template: str, status: int = 200, **shown: Any) -> Response:
        """The template with what every page shows."""
        return HTMLResponse(self.console.draw(template, self, **shown), status)

    def refused(self, said: str, status: int = 409) -> Response:
        """A page that says which rule, and what to do."""
        return self.page("refused.html", status, said=said)

    def see(self, where: str) -> Response:
        """Go on to a page."""
        return RedirectResponse(where, DONE)


Page = Callable[[Visit], Response]
Routes = Mapping[tuple[str, str], Page]
"""Method and path of each page."""
