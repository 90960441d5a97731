"""Sign-in with a password, and sign-out. Failed attempts are rate-limited by account and by address."""

import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from platestream.access import accounts
from platestream.access.device_file import Device, subject_of
from platestream.access.effects import effect_of_stored
from platestream.access.pages import account
from platestream.operators.people_names import resolve
from platestream.schemas.acts import FACTOR_MINUTES
from platestream.schemas.sign_in_event import BROWSER, SignInEvent
from platestream.web import cookies, forms
from platestream.web.attempts import (
    TOO_MANY,
    Attempts,
    address_of,
    record_refusal,
    too_many_attempts,
)
from platestream.web.failures import FAILURES, error_response
from platestream.web.sessions import PROVIDER

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

FACTOR_PATH = "/sign-in/factor"
AT_ONCE = 2
"""Passwords that are checked at once: each takes 64 MB, and other pages go on meanwhile."""
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
"""Marks in a User-Agent header, the most specific first."""
DEACTIVATED = "This account is deactivated. Ask the ALPR administrator."
LINK_ENDED = "This link was already used or has expired. Ask for another one, or sign in with your password."
SAID = {
    "out": "You are signed out.",
    "set": "Your password is set. Sign in with it.",
    "ended": "Your session has ended. Your request was not carried out. Sign in and send it again.",
    "password": "You were signed out, because the password of this account was changed or revoked. "
    "If you did not change it, tell the ALPR administrator and the auditor.",
    "deactivated": "You were signed out, because this account is deactivated. Ask the ALPR administrator.",
    "factor": "Sign in again: your second factor has changed, or the rules require one now.",
    "shift": "You were signed out, because your shift has ended. Sign in again to continue.",
}


def redirect_to_sign_in(request: Request, ended: str = "") -> Response:
    """Redirect to the sign-in page, with the reason why a session `ended` and the page to return to.

    A session that waits for a second factor is redirected to the page that asks for it.
    """
    if ended == "pending":
        return RedirectResponse(FACTOR_PATH, cookies.DONE)
    if request.method != "GET":
        return RedirectResponse(f"/sign-in?said={ended or 'ended'}", cookies.DONE)
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    where = f"/sign-in?next={quote(address, safe='')}" + (f"&said={ended}" if ended else "")
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": where})
    return RedirectResponse(where, cookies.DONE)


def routes(console: "Console") -> Sequence[Route]:
    """Return the pages that need no sign-in."""
    limiter = CapacityLimiter(AT_ONCE)

    async def form_page(request: Request) -> Response:
        message = SAID.get(request.query_params.get("said", ""), "")
        where = local_path(request.query_params.get("next", ""))
        return await to_thread.run_sync(partial(sign_in_page, console, where, message))

    async def sign_in(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        who, password, where = (str(form.get(name, "")) for name in ("who", "password", "next"))
        call = partial(_sign_in, console, request, who.strip(), password, local_path(where))
        return await to_thread.run_sync(call, limiter=limiter)

    async def sign_out(request: Request) -> Response:
        session = console.sessions.find(cookies.session_token(request), console.clock())
        form = await forms.read_form(request, forms.SMALL)
        if session is None or form.get("csrf") != session.csrf:
            return RedirectResponse("/sign-in", cookies.DONE)
        return console.sign_out(session)

    async def redeem_form(request: Request) -> Response:
        who, code = (request.query_params.get(name, "")[:64] for name in ("who", "code"))
        return await to_thread.run_sync(partial(account.redeem_page, console, who, "", code=code))

    async def redeem(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        who, code, password, again = (
            str(form.get(name, "")) for name in ("who", "code", "password", "again")
        )
        call = partial(_redeem, console, request, who.strip(), code, password, again)
        return await to_thread.run_sync(call, limiter=limiter)

    async def link_page(request: Request) -> Response:
        named = {name: request.query_params.get(name, "")[:64] for name in ("who", "code")}
        page = partial(console.render, "signin_link.html", None, **named, **console.use_notice())
        return HTMLResponse(await to_thread.run_sync(page))

    async def use_link(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        who, code = (str(form.get(name, "")) for name in ("who", "code"))
        return await to_thread.run_sync(partial(_use_link, console, request, who, code), limiter=limiter)

    return (
        Route("/sign-in/link", link_page, methods=["GET"]),
        Route("/sign-in/link", use_link, methods=["POST"]),
        Route("/redeem", redeem_form, methods=["GET"]),
        Route("/redeem", redeem, methods=["POST"]),
        Route("/sign-in", form_page, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    )


def local_path(where: str) -> str:
    """Return a path of this console; the home page for any other address.

    >>> local_path("/hits?a=1"), local_path("//elsewhere.example"), local_path("https://elsewhere.example")
    ('/hits?a=1', '/', '/')
    """
    plain = where.isprintable() and "\\" not in where
    return where if plain and where.startswith("/") and not where.startswith("//") else "/"


def _redeem(console: "Console", request: Request, who: str, code: str, password: str, again: str) -> Response:
    now, address = console.clock(), address_of(request)
    if message := too_many_attempts(console, f"code of {who[:64]}", address):
        record_refusal(console, request, who, "code", TOO_MANY)
        return account.redeem_page(console, who, message, 429)
    if password != again:
        return account.redeem_page(console, who, "The two passwords differ. Enter both again.", 400)
    if console.deactivated(who):  # same as for a wrong code, so that nobody learns which accounts exist
        return _wrong_code(console, request, who)
    try:
        where = account.redeemed_where(console, request, who)
        accounts.redeem(console.door(who), code, password, now, where)
    except accounts.CodeError:
        return _wrong_code(console, request, who)
    except FAILURES as error:
        status, message = error_response(error)
        return account.redeem_page(console, who, message, status)
    console.attempts.record_success(f"code of {who[:64]}")
    console.sessions.end_all(who, who, "a one-time code was redeemed")
    log.info("%s redeemed a code %s", who, where)
    return cookies.end_session("/sign-in?said=set")


def _use_link(console: "Console", request: Request, who: str, code: str) -> Response:
    now, address = console.clock(), address_of(request)
    if message := too_many_attempts(console, f"code of {who[:64]}", address):
        record_refusal(console, request, who, "link", TOO_MANY)
        return sign_in_page(console, "/", message, 429)
    try:
        if console.deactivated(who):
            raise accounts.CodeError
        accounts.use_link(console.door(who), code, now, account.redeemed_where(console, request, who))
    except accounts.CodeError:
        console.attempts.record_failure(f"code of {who[:64]}")
        console.addresses.record_failure(address)
        record_refusal(console, request, who, "link", "wrong, used or expired")
        return sign_in_page(console, "/", LINK_ENDED, 401)
    except FAILURES as error:
        status, message = error_response(error)
        return sign_in_page(console, "/", message, status)
    console.attempts.record_success(f"code of {who[:64]}")
    return begin_session(console, request, who, "/", way="link")


def _wrong_code(console: "Console", request: Request, who: str) -> Response:
    console.attempts.record_failure(f"code of {who[:64]}")
    console.addresses.record_failure(address_of(request))
    record_refusal(console, request, who, "code", "wrong, used or expired")
    message = (
        "The name or the code is wrong, or the code was already redeemed or has expired. Ask for another one."
    )
    return account.redeem_page(console, who, message, 401)


def _sign_in(console: "Console", request: Request, who: str, password: str, where: str) -> Response:
    attempts = Attempts.of(console, request, who)
    if message := attempts.claim():
        record_refusal(console, request, who, "password", TOO_MANY)
        return sign_in_page(console, where, message, 429)
    proven = console.passwords.proven(who, password)
    if not proven:
        record_refusal(console, request, who, "password", "wrong")
        return sign_in_page(console, where, "The name or the password is wrong.", 401)
    attempts.record_success()
    return begin_session(console, request, who, where, proven)


def begin_session(
    console: "Console",
    request: Request,
    who: str,
    where: str,
    password: str | None = None,
    *,
    way: str = "password",
    vouched: bool = False,
    proved_at: datetime | None = None,
) -> Response:
    """Begin a session of an authenticated person, and redirect to the requested page, or first to the page of
    the second factor where the person needs one.

    `password` is the version of the password that was used, None with a provider. A deactivated person is
    refused. Names of a provider match registered names regardless of case; `vouched` says that it asked for
    two factors, at `proved_at` if that is known.
    """
    if password is None:
        who = resolve(who, console.people()[0].users)
    if console.deactivated(who):
        record_refusal(console, request, who, way, "deactivated")
        return sign_in_page(console, where, DEACTIVATED, 403)
    if not console.needs_factor(who):
        answer = RedirectResponse(where, cookies.DONE)
        return signed_in(console, request, answer, who, password, way=way)
    if vouched:
        answer = RedirectResponse(where, cookies.DONE)
        return signed_in(console, request, answer, who, password, PROVIDER, proved_at, way=way, by=PROVIDER)
    resets = accounts.resets(console.settings, who)
    token, _pending = console.sessions.begin(
        who, console.clock(), password, pending=True, way=way, resets=resets, where=where
    )
    return cookies.set_session(RedirectResponse(FACTOR_PATH, cookies.DONE), token)


def signed_in(
    console: "Console",
    request: Request,
    answer: Response,
    who: str,
    password: str | None,
    factor: str = "",
    proved_at: datetime | None = None,
    *,
    way: str,
    by: str = "",
) -> Response:
    """Log the sign-in of a person who has given all that they need, begin the session, and remember the
    browser. Without the database there is none.

    `factor` is the version of the second factor, or PROVIDER, and `proved_at` the time at which it was given.
    `way` names the first step, and `by` the kind of the second factor. One that was given long ago, at a
    provider, is logged as such and counts for no act. Raises DatabaseError.
    """
    now, address = console.clock(), address_of(request)
    late = by == PROVIDER and (proved_at is None or abs(now - proved_at) > timedelta(minutes=FACTOR_MINUTES))
    label = f"{browser_name(request.headers.get('user-agent', ''))}, {address}"
    name = secrets.token_urlsafe(9)

    def enter(device: Device) -> None:
        event = SignInEvent(
            kind="signed_in",
            at=now,
            who=who,
            way=way,
            factor="" if late else by,
            why=f"the second factor of {by} is of {proved_at or 'no time'}" if late else "",
            browser=device.id[:BROWSER],
            address=address,
            session=name,
        )
        console.sign_in_log.signed_in(event, effect_of_stored(subject_of(who, device), device))

    mark = console.known_devices.remember(who, cookies.device_mark(request), label, now, enter)
    token, _session = console.sessions.begin(
        who,
        now,
        password,
        label,
        way=way,
        name=name,
        factor=factor,
        proved_at=proved_at,
        resets=accounts.resets(console.settings, who),
        notice=accounts.has_news(console.settings, who, now),
    )
    log.info("%s signed in from %s", who, address)
    return cookies.set_device_mark(cookies.set_session(answer, token), mark)


def browser_name(agent: str) -> str:
    """Return browser and system by a User-Agent header, for people.

    >>> browser_name("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36")
    'Chrome on Android'
    """
    browser = next((name for mark, name in BROWSERS if mark in agent), "another program")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


def sign_in_page(console: "Console", where: str, message: str, status: int = 200) -> Response:
    """Render the sign-in page, which shows `message` and leads to `where`."""
    provider = console.openid.provider.name if console.openid else ""
    named = {"next": where, "message": message, "provider": provider}
    shown = console.render("signin.html", None, **named, **console.use_notice())
    return HTMLResponse(shown, status)
