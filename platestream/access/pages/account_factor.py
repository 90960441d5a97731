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
    session.secret = session.secret or new_secret()
    return request.page(
        "account_factor.html",
        app=app_to_set_up(session.who, session.secret),
        replaces=bool(session.factor),
        has_password=bool(request.console.passwords.version(session.who)),
    )


def set_up(request: PageRequest) -> Response:
    """Set up the app that was shown. The person's other sessions end."""
    console, session, who = request.console, request.session, request.session.who
    if refused := _refused(request):
        return refused
    before, place = session.factor, f"on the console from {request.address}"
    try:
        if before:
            second_factor.prove(request.door, request.field("current"), request.now, place)
        elif console.passwords.version(who) and not console.passwords.proven(who, _password(request)):
            console.attempts.record_failure(_key(who))
            return request.refusal_page("The password is wrong. Nothing was changed.", 403)
        code = request.field("code")
        texts = second_factor.set_up(request.door, session.secret, code, before, request.now, place)
    except FactorError:
        console.attempts.record_failure(_key(who))
        return request.refusal_page(WRONG, 403)
    session.secret, session.factor = "", console.factors.version(who)
    console.sessions.end_all(who, but=session)
    return _codes(request, texts)


def renew_codes(request: PageRequest) -> Response:
    """Make other recovery codes, and show them once."""
    if refused := _refused(request):
        return refused
    place = f"on the console from {request.address}"
    try:
        texts = second_factor.renew_codes(request.door, request.field("code"), request.now, place)
    except FactorError:
        request.console.attempts.record_failure(_key(request.session.who))
        return request.refusal_page(WRONG, 403)
    return _codes(request, texts)


def _codes(request: PageRequest, texts: tuple[str, ...]) -> Response:
    request.console.attempts.record_success(_key(request.session.who))
    return request.page("recovery_codes.html", codes=texts, where="/account")


def _refused(request: PageRequest) -> Response | None:
    if request.console.attempts.retry_after(_key(request.session.who)):
        return request.refusal_page("Too many wrong codes. Try again in a few minutes.", 429)
    return None


def _key(who: str) -> str:
    """Return the name by which wrong codes of a person who is signed in are counted."""
    return f"own factor of {who}"


def _password(request: PageRequest) -> str:
    return str(request.form.get("password", ""))


ROUTES: Routes = {
    ("GET", PATH): show,
    ("POST", PATH): set_up,
    ("POST", f"{PATH}/codes"): renew_codes,
}
