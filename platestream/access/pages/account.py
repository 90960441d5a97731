"""Account pages: password events, changing the password, sessions, and tokens to take."""

import logging
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from platestream.access import accounts, terminals, tokens
from platestream.access.pages.account_factor import asks_password
from platestream.access.second_factor import passkey_codes
from platestream.web import cookies
from platestream.web.page_request import PageRequest, Routes

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

WHAT = {
    "code": "a one-time code was made",
    "reset": "the password was reset",
    "redeemed": "a one-time code was redeemed",
    "changed": "the password was changed",
    "factor": "a second factor or recovery codes were set up",
    "recovery": "a recovery code was used",
    "unfactored": "the second factor was removed",
}


def show_account(request: PageRequest) -> Response:
    """Show the events of one's own account and the actions on it."""
    if request.session.notice:
        request.session.change(notice=False)
    settings, who = request.door.settings, request.session.who
    return request.page(
        "account.html",
        events=accounts.events(settings, who),
        has_password=bool(request.console.passwords.version(who)),
        factor=request.console.factors.stored(who),
        codes=request.console.factors.stored(who) or passkey_codes(settings).stored(who),
        passkeys=request.console.passkeys.of(who),
        asks_password=asks_password(request),
        sessions=request.console.sessions.of(who, request.now),
        terminals=terminals.of(settings, who, request.now),
        permitted=tokens.permits_of(settings, who, request.now),
        WHAT=WHAT,
        SHORTEST=accounts.SHORTEST,
    )


def change_password(request: PageRequest) -> Response:
    """Change one's own password, with the current one. All sessions of the person end."""
    console, who = request.console, request.session.who
    current, new = (str(request.form.get(name, "")) for name in ("current", "password"))
    if new != request.form.get("again"):
        return request.refusal_page("The two passwords differ. Nothing was changed. Enter both again.", 400)
    claim = console.attempts.claim(who)
    if claim.wait:
        return request.refusal_page("Too many wrong passwords. Try again in a few minutes.", 429)
    if console.passwords.proven(who, current):
        console.attempts.give_back(who, claim)
    accounts.change_own(request.door, current, new, request.now, request.place)
    console.sessions.end_all(who, who, "the password was changed")
    return cookies.end_session("/sign-in?said=set")


def end_session(request: PageRequest) -> Response:
    """End one of one's own sessions; where it is this one, the person is signed out."""
    console, who = request.console, request.session.who
    name = request.field("session")
    found = next((one for one in console.sessions.of(who, request.now) if one.name == name), None)
    if found is not None and found.key == request.session.key:
        return console.sign_out(request.session)
    if found is not None:
        console.sessions.end(found, who, "ended in another session")
        log.info("%s ended another session of theirs", who)
    return request.redirect("/account#sessions")


def take_token(request: PageRequest) -> Response:
    """Take a token that the administrator permitted. It is shown once."""
    made, text = tokens.take(request.door, request.field("id"), request.now, request.place)
    return request.page("account_token.html", token=made, text=text)


def redeem_page(console: "Console", who: str, message: str, status: int = 200, code: str = "") -> Response:
    """Return the page on which a one-time code is redeemed."""
    page = console.render(
        "redeem.html", None, who=who, message=message, code=code, SHORTEST=accounts.SHORTEST
    )
    return HTMLResponse(page, status)


def redeemed_where(console: "Console", request: Request, who: str) -> str:
    """Return the place where a code is redeemed, for the log: the address, and other people signed in at that
    browser.
    """
    address = request.client.host if request.client else "an unknown address"
    other = console.session(cookies.session_token(request), used=False)
    where = f"on the console from {address}"
    if other is not None and other.who != who:
        where += f", in a browser where {other.who} is signed in"
    return where


ROUTES: Routes = {
    ("GET", "/account"): show_account,
    ("POST", "/account/password"): change_password,
    ("POST", "/account/session"): end_session,
    ("POST", "/account/token"): take_token,
}
