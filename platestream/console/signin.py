"""Signing in with a password, and out; guesses are slowed down, by account and by address."""

import logging
import math
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from operators.people_names import resolve
from platestream.console import account, cookies, forms
from platestream.console.failures import FAILURES, said_of
from services import accounts

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Passwords that are checked at once: each takes 64 MB, and other pages go on meanwhile."""
DEACTIVATED = "This account is deactivated. Ask the ALPR administrator."
SAID = {
    "out": "You are signed out.",
    "set": "Your password is set. Sign in with it.",
    "ended": "Your session has ended. What you sent was not done: sign in, and send it again.",
    "password": "You were signed out, because this account got another password or has none any more. "
    "If you did not change it, tell the ALPR administrator and the auditor.",
    "deactivated": "You were signed out, because this account is deactivated. Ask the ALPR administrator.",
    "shift": "You were signed out, because your shift has ended. Sign in again to go on.",
}


def first(request: Request, ended: str = "") -> Response:
    """Redirect to the sign-in page, which says why a session `ended` and leads back to the page asked for."""
    if request.method != "GET":
        return RedirectResponse(f"/sign-in?said={ended or 'ended'}", cookies.DONE)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = f"/sign-in?next={quote(asked, safe='')}" + (f"&said={ended}" if ended else "")
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
        session = console.sessions.find(cookies.token(request), console.clock())
        form = await forms.sent(request, forms.SMALL)
        if session is None or form.get("csrf") != session.csrf:
            return RedirectResponse("/sign-in", cookies.DONE)
        return console.sign_out(session)

    async def redeem_form(_request: Request) -> Response:
        return await to_thread.run_sync(account.redeem_page, console, "", "")

    async def redeem(request: Request) -> Response:
        form = await forms.sent(request, forms.SMALL)
        who, code, password, again = (
            str(form.get(name, "")) for name in ("who", "code", "password", "again")
        )
        call = partial(_redeem, console, request, who.strip(), code, password, again)
        return await to_thread.run_sync(call, limiter=limiter)

    return (
        Route("/redeem", redeem_form, methods=["GET"]),
        Route("/redeem", redeem, methods=["POST"]),
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


def _wait(console: "Console", now: datetime, account: str, address: str) -> str:
    """Return what to say to a person, or an address, that guessed too often; empty: nothing."""
    wait = max(console.attempts.wait(now, account), console.addresses.wait(now, address))
    minutes = math.ceil(wait.total_seconds() / 60)
    many = "s" if minutes > 1 else ""
    return f"Too many wrong passwords: try again in {minutes} minute{many}." if wait else ""


def _redeem(console: "Console", request: Request, who: str, code: str, password: str, again: str) -> Response:
    now, address = console.clock(), request.client.host if request.client else ""
    if said := _wait(console, now, f"code of {who[:64]}", address):
        return account.redeem_page(console, who, said, 429)
    if password != again:
        return account.redeem_page(console, who, "The two passwords differ. Type both again.", 400)
    if console.deactivated(who):  # as for a wrong code: nobody learns who exists
        return _wrong_code(console, now, who, address)
    try:
        where = account.redeemed_where(console, request, who)
        accounts.redeem(console.door(who), code, password, now, where)
    except accounts.CodeError:
        return _wrong_code(console, now, who, address)
    except FAILURES as error:
        status, said = said_of(error)
        return account.redeem_page(console, who, said, status)
    console.attempts.right(f"code of {who[:64]}")
    console.sessions.end_all(who)
    log.info("%s redeemed a code %s", who, where)
    return cookies.signed_out("/sign-in?said=set")


def _wrong_code(console: "Console", now: datetime, who: str, address: str) -> Response:
    console.attempts.failed(now, f"code of {who[:64]}")
    console.addresses.failed(now, address)
    log.warning("a wrong or ended code for %r from %s", who[:64], address)
    said = "The name or the code is wrong, or the code was redeemed or has ended. Ask for another one."
    return account.redeem_page(console, who, said, 401)


def _sign_in(console: "Console", request: Request, who: str, password: str, where: str) -> Response:
    now = console.clock()
    name, address = who[:64], request.client.host if request.client else ""
    if said := _wait(console, now, name, address):
        return page(console, where, said, 429)
    proven = console.passwords.proven(who, password)
    if not proven:
        console.attempts.failed(now, name)
        console.addresses.failed(now, address)
        log.warning("a wrong password for %r from %s", who[:64], address)
        return page(console, where, "The name or the password is wrong.", 401)
    console.attempts.right(name)
    return begin(console, who, where, address, proven)


def begin(console: "Console", who: str, where: str, address: str, password: str | None = None) -> Response:
    """Begin a session of a person who proved their identity, and go to the page that was asked for.

    `password` is the version of the password that proved it, None where a provider did. A deactivated person
    is refused. A provider's name that differs from a registered one in case alone is that person's.
    """
    if password is None:
        who = resolve(who, console.people()[0].users)
    if console.deactivated(who):
        log.warning("no session for %r from %s: deactivated", who, address)
        return page(console, where, DEACTIVATED, 403)
    token, session = console.sessions.begin(who, console.clock(), password)
    session.resets = accounts.resets(console.settings, who)
    session.notice = accounts.notable(console.settings, who, console.clock())
    log.info("%s signed in from %s", who, address)
    return cookies.signed_in(RedirectResponse(where, cookies.DONE), token)


def page(console: "Console", where: str, said: str, status: int = 200) -> Response:
    """The page of signing in, which says `said` and leads to `where`."""
    provider = console.openid.provider.name if console.openid else ""
    shown = console.draw("signin.html", None, next=where, said=said, provider=provider)
    return HTMLResponse(shown, status)
