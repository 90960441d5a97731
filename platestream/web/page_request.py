"""One request of a signed-in person: caller, fields, door, and refusals."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Match

from platestream.access.door import Documentation, Door
from platestream.access.gate import MOST_VEHICLES
from platestream.schemas.acts import BY_NAME
from platestream.schemas.spans import instant_of
from platestream.web.cookies import DONE
from platestream.web.sessions import Session

if TYPE_CHECKING:
    from platestream.web.console import Console

ENDS = ("until", "release")
"""Fields with the end of a time, whose hour is the last one where it comes twice."""


@dataclasses.dataclass(frozen=True)
class PageRequest:
    """Request from which a page is made. `form` is empty unless a form was sent."""

    console: "Console"
    http: Request
    session: Session
    door: Door
    now: datetime
    form: FormData = dataclasses.field(default_factory=FormData)

    def field(self, name: str) -> str:
        """Return a field of the form, or of the address; empty if it was not filled in."""
        value = self.form.get(name, self.http.query_params.get(name, ""))
        return "" if isinstance(value, UploadFile) else value.strip()

    def values(self, *names: str) -> dict[str, Any]:
        """Return several fields by name, as `field` returns each."""
        return {name: self.field(name) for name in names}

    def named(self, name: str) -> Any:
        """Return a part of the path, of the type that its route declares."""
        return self.http.path_params[name]

    def may(self, act: str) -> bool:
        """Return whether one of the person's roles may do this act, so that it is offered. The door
        decides.
        """
        return not set(self.console.roles(self.session.who)).isdisjoint(BY_NAME[act].roles)

    def time(self, name: str) -> datetime | None:
        """Return a time of the form, in the agency's time zone; None if it was not filled in. Raises
        ValueError.
        """
        if not (text := self.field(name)):
            return None
        return instant_of(datetime.fromisoformat(text), self.console.zone, last=name in ENDS)

    def vehicles(self) -> int:
        """Return the requested number of different vehicles; 0: the default. Raises ValueError."""
        text = self.field("vehicles")
        if text and not (text.isdecimal() and len(text) < 6 and int(text) <= MOST_VEHICLES):
            raise ValueError(
                f"the number of different vehicles must be a whole number up to {MOST_VEHICLES:,}"
            )
        return int(text or 0)

    def fields(self, name: str) -> list[str]:
        """Return the values of a field that may occur more than once."""
        sent = self.form.getlist(name) or self.http.query_params.getlist(name)
        return [one for one in sent if isinstance(one, str) and one.strip()]

    def documentation(self, *names: str) -> Documentation:
        """Return fields of the form that document an inquiry."""
        return cast("Documentation", self.values(*names))

    def documentation_of_link(self) -> Documentation:
        """Return the documentation of the inquiry whose page has this link. Raises HTTPException."""
        look, query = self.http.path_params["look"], self.http.query_params
        why = self.session.documentation.get(look, self.now)
        link = (self.http.url.path, query.get("ends", ""), query.get("sign", ""))
        if why is None or not self.session.is_valid_link(*link, self.now):
            raise HTTPException(403, "This link has expired. Reload its page or search again.")
        return why

    @property
    def address(self) -> str:
        """Return the address that the request came from."""
        return self.http.client.host if self.http.client else "an unknown address"

    @property
    def place(self) -> str:
        """Return where an act of this request is done, for the log."""
        return f"on the console from {self.address}"

    @property
    def is_partial(self) -> bool:
        """Return whether only a part of a page is requested, to be placed into the open one."""
        return "hx-request" in self.http.headers

    def page(self, template: str, status: int = 200, **shown: Any) -> Response:
        """Render the template with the variables of every page."""
        return HTMLResponse(self.console.render(template, self, **shown), status)

    def refusal_page(self, message: str, status: int = 409) -> Response:
        """Render a page that names the rule of a refusal and the next step."""
        return self.page("refused.html", status, message=message, back=self._form_page())

    def _form_page(self) -> str:
        """Return the path of the page that sent this form; empty where it is unknown."""
        if self.http.method != "POST":
            return ""
        came = urlsplit(self.http.headers.get("referer", ""))
        scope = {"type": "http", "method": "GET", "path": came.path, "root_path": ""}
        shown = any(one.matches(scope)[0] is Match.FULL for one in self.http.app.routes)
        return came.path if shown and came.netloc == self.http.url.netloc else ""

    def redirect(self, where: str) -> Response:
        """Redirect to a page."""
        return RedirectResponse(where, DONE)


Page = Callable[[PageRequest], Response]
Routes = Mapping[tuple[str, str], Page]
"""Method and path of each page."""
