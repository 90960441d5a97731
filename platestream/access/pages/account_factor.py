"""Pages on which a person sets up or replaces their second factor, and makes other recovery codes."""

from typing import NamedTuple

import pyotp
import segno
from markupsafe import Markup
from starlette.responses import Response

from platestream.access import second_factor
from platestream.access.factor_file import FactorError, new_secret
from platestream.web.page_request import PageRequest, Routes

ISSUER = "Platestream"
PATH = "/account/factor"
WRONG = "The code is wrong, or was used before. Nothing was changed. Wait for the app's next code."


class AppToSetUp(NamedTuple):
    """An authenticator app that is being set up: its QR code, and the secret for typing."""

    drawing: Markup
    secret: str


def app_to_set_up(who: str, secret: str) -> AppToSetUp:
    """Return what a person needs to set up an authenticator app with this secret."""
    address = pyotp.TOTP(secret).provisioning_uri(name=who, issuer_name=ISSUER)
    drawing = segno.make(address, error="m").svg_inline(scale=5, light="#fff", dark="#000", border=4)
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return AppToSetUp(Markup(drawing), groups)  # noqa: S704 - drawn by segno, without any of the text


def show(request: PageRequest) -> Response:
    """Show a new app to set up, in place of the current one if there is one."""
    session = request.session
    if not session.secret:
        session.change(secret=new_secret())
    return request.page(
        "account_factor.html",
        app=app_to_set_up(session.who, session.secret),
        replaces=bool(request.console.factors.stored(session.who)),
        asks_password=asks_password(request),
    )


def set_up(request: PageRequest) -> Response:
    """Set up the app that was shown. The person's other sessions end."""
    console, session, who = request.console, request.session, request.session.who
    if refused := check_password(request):
        return refused
    before, place = console.factors.version(who), request.place
    code, now = request.field("code")[:64], request.now
    try:
        texts = second_factor.set_up(request.door, session.secret, code, before, now, place)
    except FactorError:
        return request.refusal_page(WRONG, 403)
    session.change(secret="")
    end_others(request, console.factors.version(who))
    return request.page("recovery_codes.html", codes=texts, where="/account")


def renew_codes(request: PageRequest) -> Response:
    """Make other recovery codes, and show them once."""
    texts = second_factor.renew_codes(request.door, request.now, request.place)
    return request.page("recovery_codes.html", codes=texts, where="/account")


def asks_password(request: PageRequest) -> bool:
    """Return whether the first factor beside the password is set up, which the password proves."""
    who = request.session.who
    return not request.console.has_factor(who) and bool(request.console.passwords.version(who))


def check_password(request: PageRequest) -> Response | None:
    """Return a refusal if the password that proves the first factor is wrong."""
    if not asks_password(request):
        return None
    console, who = request.console, request.session.who
    claim = console.attempts.claim(who)
    if claim.wait:
        return request.refusal_page("Too many wrong passwords. Try again in a few minutes.", 429)
    if console.passwords.proven(who, str(request.form.get("password", ""))):
        console.attempts.give_back(who, claim)
        return None
    return request.refusal_page("The password is wrong. Nothing was changed.", 403)


def end_others(request: PageRequest, version: str) -> None:
    """Let this session know the factor with this version, and end the person's other sessions."""
    request.session.change(factor=version)
    request.console.sessions.end_all(
        request.session.who, request.session.who, "the second factor was changed", but=request.session
    )


ROUTES: Routes = {
    ("GET", PATH): show,
    ("POST", PATH): set_up,
    ("POST", f"{PATH}/codes"): renew_codes,
}
