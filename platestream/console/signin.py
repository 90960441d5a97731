"""Signing in with a password, and out; guesses are slowed down, by account and by address."""

import logging
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from platestream.console import cookies, forms
from services import accounts

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Passwords that are checked at once: each takes 64 MB, and other pages go on meanwhile."""
SAID = {
    "out": "You are signed out.",
    "ended": "Your session has ended. What you sent was not done: sign in, and send it again.",
}


def first(request: Request) -> Response:
    """To the page of signing in, and from there back to the page that was asked for."""
    if request.method != "GET":
        return RedirectResponse("/sign-in?said=ended", cookies.DONE)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = f"/sign-in?next={quote(asked, safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": where})
    return RedirectResponse(where, cookies.DONE)


def routes(console: "Console") -> Sequence[Route]:
    """The pages that nobody needs to be signed in for."""
    limiter = CapacityLimiter(AT_ONCE)

    async def form_page(request: Request) -> Response:
        said = SAID.get(request.query_params.get("said", ""), "")
        return page(console, inside(request.query_params.get("next", "")), said)

    async def sign_in(request: Request) -> Response:
        form = await forms.sent(request, forms.SMALL)
        who, password, where = (str(form.get(name, "")) for name in ("who", "password", "next"))
        call = partial(_sign_in, console, request, who.strip(), password, inside(where))
        return await to_thread.run_sync(call, limiter=limiter)

    async def sign_out(request: Request) -> Response:
        session = console.session(cookies.token(request))
        form = await forms.sent(request, forms.SMALL)
        if session is None or form.get("csrf") != session.csrf:
            return RedirectResponse("/sign-in", cookies.DONE)
        return console.sign_out(session)

    return (
        Route("/sign-in", form_page, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    )


def inside(where: str) -> str:
    """A path of this console; anything else is the first page.

    >>> inside("/hits?a=1"), inside("//elsewhere.example"), inside("https://elsewhere.example")
    ('/hits?a=1', '/', '/')
    """
    plain = where.isprintable() and "\\" not in where
    return where if plain and where.startswith("/") and not where.startswith("//") else "/"


def _sign_in(console: "Console", request: Request, who: str, password: str, where: str) -> Response:
    now = console.clock()
    account, address = who[:64], request.client.host if request.client else ""
    if wait := max(console.attempts.wait(now, account), console.addresses.wait(now, address)):
        minutes = math.ceil(wait.total_seconds() / 60)
        said = f"Too many wrong passwords: try again in {minutes} minute{'s' if minutes > 1 else ''}."
        return page(console, where, said, 429)
    if not accounts.passwords(console.settings).right(who, password):
        console.attempts.failed(now, account)
        console.addresses.failed(now, address)
        log.warning("a wrong password for %r from %s", who[:64], address)
        return page(console, where, "The name or the password is wrong.", 401)
    console.attempts.right(account)
    return begin(console, who, where, address)


def begin(console: "Console", who: str, where: str, address: str) -> Response:
    """A session for whoever proved who they are; on to the page that was asked for."""
    token, _session = console.sessions.begin(who, console.clock())
    log.info("%s signed in from %s", who, address)
    return cookies.signed_in(RedirectResponse(where, cookies.DONE), token)


def page(console: "Console", where: str, said: str, status: int = 200) -> Response:
    """The page of signing in, which says `said` and leads to `where`."""
    provider = console.openid.provider.name if console.openid else ""
    shown = console.draw("signin.html", None, next=where, said=said, provider=provider)
    return HTMLResponse(shown, status)
