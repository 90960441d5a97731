"""Console application: its pages, the headers of every answer, and admission.

A page is a function of a `PageRequest`; ROUTES maps addresses to functions. Only signed-in users see a page.
Each form carries a token that proves that it came from one of our pages.
"""

from collections.abc import Awaitable, Callable, Iterable
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

from platestream.access import recovery
from platestream.access.door import UnconfirmedError
from platestream.access.pages import (
    account,
    account_factor,
    account_passkeys,
    account_terminals,
    agencies,
    overview,
    people,
    setup,
    shift,
)
from platestream.audit.pages import audit, periodic
from platestream.cameras.pages import cameras, new_camera, sensitive_places
from platestream.evidence import pages as evidence
from platestream.hits.pages import hits, live_feed
from platestream.hotlist.pages import bolo, hotlist, sources
from platestream.inquiries.pages import pictures, saved, search
from platestream.maps import pages as maps
from platestream.operations import pages as rejected_messages
from platestream.partners.pages import offers
from platestream.partners.pages import search as partners
from platestream.reports import http_server as public_page
from platestream.reports.pages import incidents
from platestream.runtime.http_server import STALL_SECONDS, BodyTimeout
from platestream.web import (
    api,
    confirm,
    cookies,
    device_sign_in,
    forms,
    help,
    installation,
    signin,
    signin_factor,
    signin_passkey,
    undo,
)
from platestream.web.console import STATIC, Console
from platestream.web.failures import error_response
from platestream.web.headers import Files, Headers
from platestream.web.page_request import Page, PageRequest, Routes


def show_home(request: PageRequest) -> Response:
    """Redirect to the first section of this person: alert hits for people who may see them.

    Before anybody is registered it is the set-up.
    """
    if sections := request.console.sections(request.session.who):
        return request.redirect(sections[0].path)
    if not recovery.status(request.door).founded:
        return request.redirect(setup.PATH)
    return request.page("no_access.html")


ROUTES: Routes = {
    ("GET", "/"): show_home,
    **account.ROUTES,
    **account_factor.ROUTES,
    **account_passkeys.ROUTES,
    **account_terminals.ROUTES,
    **hits.ROUTES,
    **pictures.ROUTES,
    **setup.ROUTES,
    **maps.ROUTES,
    **shift.ROUTES,
    **search.ROUTES,
    **saved.ROUTES,
    **partners.ROUTES,
    **evidence.ROUTES,
    **hotlist.ROUTES,
    **bolo.ROUTES,
    **offers.ROUTES,
    **audit.ROUTES,
    **periodic.ROUTES,
    **overview.ROUTES,
    **people.ROUTES,
    **agencies.ROUTES,
    **cameras.ROUTES,
    **new_camera.ROUTES,
    **sensitive_places.ROUTES,
    **incidents.ROUTES,
    **sources.ROUTES,
    **rejected_messages.ROUTES,
    **undo.ROUTES,
}
"""Each page but those of signing in, and the stream of new hits (`live`)."""


def app(
    console: Console,
    names: Iterable[str] = ("127.0.0.1", "localhost", "[::1]"),
    *,
    published: bool = False,
    stalled: float = STALL_SECONDS,
) -> Starlette:
    """Return the application. Other `names` of its host are refused. `published` adds the public page. A
    request that sends nothing for `stalled` seconds is ended.
    """
    pages = [
        Route(path, _for_signed_in(console, page), methods=[method])
        for (method, path), page in ROUTES.items()
    ]
    middleware = [
        Middleware(Headers),
        Middleware(BodyTimeout, stalled=stalled),
        Middleware(TrustedHostMiddleware, allowed_hosts=list(names), www_redirect=False),
        Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5),
    ]
    routes = [
        *pages,
        *signin.routes(console),
        *signin_factor.routes(console),
        *signin_passkey.routes(console),
        *device_sign_in.routes(console),
        *_openid_routes(console),
        *([Mount("/transparency", public_page.app(console.settings, console.clock))] if published else ()),
        Route("/hits/live", live_feed.stream(console), methods=["GET"]),
        Route("/hits/here", live_feed.heartbeat(console), methods=["POST"]),
        Route("/health", _health, methods=["GET"]),
        *installation.routes(console),
        *help.routes(console),
        Mount("/static", Files(directory=STATIC)),
        Mount("/api", api.app(console)),
    ]
    failures: Any = {HTTPException: _failure_page(console), Exception: _failure_page(console)}
    made = Starlette(routes=routes, middleware=middleware, exception_handlers=failures)
    made.state.console = console
    return made


ADMINISTRATION = ("/administration", "/setup")
"""Forms below these paths change people and rules, and count for the next page at once."""


def _for_signed_in(console: Console, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """Wrap a page for signed-in users; others sign in first and are redirected back."""

    async def answer(request: Request) -> Response:
        session, ended = await run_in_threadpool(console.check_session, cookies.session_token(request))
        if session is None:
            return signin.redirect_to_sign_in(request, ended)
        form = FormData()
        if request.method == "POST":
            form = await forms.read_form(request, forms.LARGEST)
            if form.get("csrf") != session.csrf:
                raise HTTPException(403, "this form has expired: go back, reload the page and repeat")
        changes = request.method == "POST" and request.url.path.startswith(ADMINISTRATION)
        if changes:
            console.forget()
        now = console.clock()
        page_request = PageRequest(console, request, session, console.door(session.who), now, form)
        answered = await run_in_threadpool(_call_page, page, page_request)
        if changes:
            console.forget()
        return answered

    return answer


def _call_page(page: Page, request: PageRequest) -> Response:
    try:
        return page(confirm.resumed(request))
    except UnconfirmedError:
        return confirm.ask(request)
    except confirm.WrongCodeError as error:
        return confirm.ask(request, str(error), error.status)
    except Exception as error:
        status, message = error_response(error)
        if status == 500:
            raise
        return request.refusal_page(message, status)


def _failure_page(console: Console) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(_request: Request, error: Exception) -> Response:
        status, message = (
            (error.status_code, error.detail) if isinstance(error, HTTPException) else error_response(error)
        )
        if status == 404:
            message = "This page does not exist."
        return HTMLResponse(console.render("failure.html", None, message=message), status)

    return answer


async def _health(_request: Request) -> Response:
    return Response("up\n", media_type="text/plain")


def _openid_routes(console: Console) -> Iterable[Route]:
    """Return the routes of the OpenID provider, whose library is an extra of the package."""
    if console.openid is None:
        return ()
    from platestream.web import oidc

    return oidc.routes(console)
