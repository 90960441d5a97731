"""The console as an application: its pages, what every answer carries, and who is let in.

A page is a function of a `Visit`; which function answers which address stands in ROUTES. Nobody sees a page
but who signed in, and each form proves that it is of a page of ours.
"""

import gc
import hashlib
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from connectors.settings import Settings
from operators.people import People, PeopleRules
from platestream.console import (
    account,
    administration,
    api,
    audit,
    bolos,
    cookies,
    due,
    evidence,
    forms,
    handling,
    hits,
    home,
    hotlist,
    live,
    offers,
    oidc,
    partners,
    pictures,
    search,
    shift,
    signin,
    transparency,
    undo,
)
from platestream.console.attempts import FREE_OF_ADDRESS, Attempts
from platestream.console.drawing import Drawing, Section
from platestream.console.failures import said_of
from platestream.console.headers import Files, Headers
from platestream.console.patience import STALLED, Patience
from platestream.console.sessions import Session, Sessions
from platestream.console.visit import Page, Routes, Visit
from services import accounts, shifts
from services.door import Clients, Door
from services.hotlist.zone import agency_zone
from services.openid import provider
from services.registry import who_and_where

log = logging.getLogger(__name__)

TOOL = "console"
KNOWN_FOR = timedelta(seconds=2)
"""How old the registry may be by which sessions, tokens and offered pages are judged; the door asks again."""
STATIC = Path(str(files("platestream.console").joinpath("static")))
ROUTES: Routes = {
    **home.ROUTES,
    **account.ROUTES,
    **hits.ROUTES,
    **pictures.ROUTES,
    **shift.ROUTES,
    **search.ROUTES,
    **partners.ROUTES,
    **evidence.ROUTES,
    **hotlist.ROUTES,
    **bolos.ROUTES,
    **offers.ROUTES,
    **audit.ROUTES,
    **due.ROUTES,
    **administration.ROUTES,
    **undo.ROUTES,
}
"""Each page but those of signing in, and the stream of new hits (`live`)."""


_Registered = tuple[datetime, People, PeopleRules, dict[str, tuple[float, float]]]


class Console:
    """What all pages share: settings, sessions, who is who, templates, and new hits as they come.

    Raises RefusedError and OSError for a file of the OpenID provider that cannot be used.
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings, self.clock = settings, clock
        self.sessions, self.passwords = Sessions(), accounts.passwords(settings)
        self.attempts, self.addresses = Attempts(), Attempts(FREE_OF_ADDRESS)
        self.alerts = live.Alerts()
        self.recent = handling.Recent()
        asked = provider(settings)
        self.openid = oidc.SigningIn(asked) if asked else None
        self._clients = Clients(settings, automatic=True)
        self.zone = agency_zone(self.door(""))
        self._drawing = Drawing(self.zone, _version())
        self._lock = threading.Lock()
        self._people: _Registered | None = None

    def door(self, who: str, tool: str = TOOL) -> Door:
        """The door of a person who is signed in here, or for whom the program `tool` speaks."""
        return Door.for_person(self.settings, who, tool, self._clients)

    def people(self) -> tuple[People, PeopleRules]:
        """Who is who, at most KNOWN_FOR old."""
        return self._registered()[1:3]

    def _registered(self) -> "_Registered":
        now = self.clock()
        with self._lock:
            if self._people is None or now - self._people[0] > KNOWN_FOR:
                people, rules, cameras = who_and_where(self.door(""))
                self._people = (now, people, rules, cameras)
            return self._people

    def roles(self, who: str) -> tuple[str, ...]:
        """What the registry lets this person do; the door judges, this only chooses what is offered."""
        user = self.people()[0].users.get(who)
        return tuple(user.roles) if user is not None and user.active else ()

    def session(self, token: str, *, used: bool = True) -> Session | None:
        """Return the session of a browser's token, if it still counts."""
        return self.checked(token, used=used)[0]

    def checked(self, token: str, *, used: bool = True) -> tuple[Session | None, str]:
        """Return the session of a browser's token, or None and the code of why it has ended (`signin.SAID`).

        The password is compared with the file of passwords as it is now; person and shift with the registry
        as it was KNOWN_FOR ago at most.
        """
        now = self.clock()
        found = self.sessions.find(token, now, used=used)
        if found is None:
            return None, ""
        ended = self._ended(found, now)
        if not ended:
            return found, ""
        self.sessions.end(found)
        log.info("a session of %s has ended: %s", found.who, ended)
        return None, ended

    def _ended(self, session: Session, now: datetime) -> str:
        if self.deactivated(session.who):
            return "deactivated"
        if session.password is None:
            ended = session.resets != accounts.resets(self.settings, session.who)
        else:
            ended = session.password != self.passwords.version(session.who)
        if ended:
            return "password"
        on_shift = shifts.of_person(self.people()[0], session.who, now)
        if session.shift and (on_shift is None or on_shift.id != session.shift):
            return "shift"
        if on_shift is not None:
            session.shift = on_shift.id  # also of a browser that did not begin the shift
        return ""

    def deactivated(self, who: str) -> bool:
        """Return whether the registry has this person as deactivated."""
        user = self.people()[0].users.get(who)
        return user is not None and not user.active

    def cameras(self) -> dict[str, tuple[float, float]]:
        """Where the cameras are that the registry knows, at most KNOWN_FOR old."""
        return self._registered()[3]

    def forget_people(self) -> None:
        """Who is who changed just now."""
        with self._lock:
            self._people = None

    def sections(self, who: str) -> list[Section]:
        """What is offered to this person."""
        return self._drawing.sections(self.roles(who))

    def sign_out(self, session: Session) -> Response:
        """End a session; to the page of signing in."""
        self.sessions.end(session)
        log.info("%s signed out", session.who)
        return cookies.signed_out("/sign-in?said=out")

    def draw(self, template: str, visit: Visit | None, **shown: Any) -> str:
        """A template as HTML."""
        roles = self.roles(visit.session.who) if visit else ()
        return self._drawing.page(template, visit=visit, roles=roles, **shown)

    def prepare(self) -> None:
        """Do once, before the first request, what would make pages slow."""
        self._drawing.prepare()
        gc.collect()
        gc.freeze()  # what lives as long as the process: looking through it took 150 ms of one page in ten

    def close(self) -> None:
        """Close the connections."""
        self._clients.close()


def app(
    console: Console,
    names: Iterable[str] = ("127.0.0.1", "localhost", "[::1]"),
    *,
    published: bool = False,
    stalled: float = STALLED,
) -> Starlette:
    """The application; other `names` of its host are refused. `published`: with the page for everybody;
    a request of which nothing comes for `stalled` seconds is given up.
    """
    pages = [
        Route(path, _of_person(console, page), methods=[method]) for (method, path), page in ROUTES.items()
    ]
    middleware = [
        Middleware(Headers),
        Middleware(Patience, stalled=stalled),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(names), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
    ]
    routes = [
        *pages,
        *signin.routes(console),
        *oidc.routes(console),
        *(transparency.routes(console) if published else ()),
        Route("/hits/live", live.stream(console), methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        Mount("/static", Files(directory=STATIC)),
        Mount("/api", api.app(console)),
    ]
    failures: Any = {HTTPException: _failure(console), Exception: _failure(console)}
    made = Starlette(routes=routes, middleware=middleware, exception_handlers=failures)
    made.state.console = console
    return made


def _of_person(console: Console, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for whoever is signed in; others sign in first, and come back to it."""

    async def answer(request: Request) -> Response:
        session, ended = await run_in_threadpool(console.checked, cookies.token(request))
        if session is None:
            return signin.first(request, ended)
        form = FormData()
        if request.method == "POST":
            form = await forms.sent(request, forms.LARGEST)
            if form.get("csrf") != session.csrf:
                raise HTTPException(
                    403, "this form is of an earlier page: go back, load it again, and repeat"
                )
        visit = Visit(console, request, session, console.door(session.who), console.clock(), form)
        return await run_in_threadpool(_answered, page, visit)

    return answer


def _answered(page: Page, visit: Visit) -> Response:
    try:
        return page(visit)
    except Exception as error:
        status, said = said_of(error)
        if status == 500:
            raise
        return visit.refused(said, status)


def _failure(console: Console) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        status, said = (
            (error.status_code, error.detail) if isinstance(error, HTTPException) else said_of(error)
        )
        if status == 404:
            said = "There is no such page."
        return HTMLResponse(console.draw("failure.html", None, said=said), status)

    return answer


async def _health(_request: Request) -> Response:
    return Response("up\n", media_type="text/plain")


def _version() -> str:
    """Changes with any of the files that pages load."""
    whole = hashlib.sha256()
    for file in sorted(STATIC.iterdir()):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:12]
