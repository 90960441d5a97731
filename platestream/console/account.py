"""A person's own account: what happened to its password, changing it, and tokens to take."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from platestream.console import cookies
from platestream.console.visit import Routes, Visit
from services import accounts, tokens

if TYPE_CHECKING:
    from platestream.console.app import Console

WHAT = {
    "code": "a one-time code was made",
    "reset": "the password was reset",
    "redeemed": "a one-time code was redeemed",
    "changed": "the password was changed",
}


def shown(visit: Visit) -> Response:
    """Show what happened to one's account, and what can be done with it."""
    visit.session.notice = False
    settings, who = visit.door.settings, visit.session.who
    return visit.page(
        "account.html",
        events=accounts.events(settings, who),
        has_password=bool(visit.console.passwords.version(who)),
        permitted=tokens.permitted(settings, who, visit.now),
        WHAT=WHAT,
        SHORTEST=accounts.SHORTEST,
    )


def password(visit: Visit) -> Response:
    """Change one's own password, with the current one; all of one's sessions end."""
    console, who = visit.console, visit.session.who
    if console.attempts.wait(visit.now, who):
        return visit.refused("Too many wrong passwords: try again in some minutes.", 429)
    current, told = (str(visit.form.get(name, "")) for name in ("current", "password"))
    if told != visit.form.get("again"):
        return visit.refused("The two passwords differ. Nothing was changed: type both again.", 400)
    if not console.passwords.proven(who, current):
        console.attempts.failed(visit.now, who)
    accounts.change_own(visit.door, current, told, visit.now, f"on the console from {visit.address}")
    console.sessions.end_all(who)
    return cookies.signed_out("/sign-in?said=set")


def token(visit: Visit) -> Response:
    """Take a token that the administrator permitted; it is shown this once."""
    place = f"on the console from {visit.address}"
    made, text = tokens.take(visit.door, visit.said("id"), visit.now, place)
    return visit.page("account_token.html", token=made, text=text)


def redeem_page(console: "Console", who: str, said: str, status: int = 200) -> Response:
    """Return the page on which a one-time code is redeemed."""
    page = console.draw("redeem.html", None, who=who, said=said, SHORTEST=accounts.SHORTEST)
    return HTMLResponse(page, status)


def redeemed_where(console: "Console", request: Request, who: str) -> str:
    """Return where a code is redeemed, for the log: the address, and who else that browser has signed in."""
    address = request.client.host if request.client else "an unknown address"
    other = console.session(cookies.token(request), used=False)
    where = f"on the console from {address}"
    if other is not None and other.who != who:
        where += f", in a browser where {other.who} is signed in"
    return where


ROUTES: Routes = {
    ("GET", "/account"): shown,
    ("POST", "/account/password"): password,
    ("POST", "/account/token"): token,
}
