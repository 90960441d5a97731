"""Pages on which a person adds and removes passkeys, and options for the browser."""

from starlette.responses import Response

from platestream.access import passkeys, second_factor
from platestream.access.factor_file import FactorError
from platestream.access.pages.account_factor import check_password, end_others, renew_codes
from platestream.web.page_request import PageRequest, Routes
from platestream.web.signin_passkey import json_answer, place_of

PATH = "/account/passkey"
REFUSED = "The passkey was not added. Try again."


def ask_for_new(request: PageRequest) -> Response:
    """Return the options by which the browser makes a passkey."""
    challenge = request.console.challenges.make(f"new {request.session.name}", request.now)
    made = passkeys.ask_for_new(request.door.settings, request.session.who, challenge, place_of(request.http))
    return json_answer(made)


def ask_for_use(request: PageRequest) -> Response:
    """Return the options by which the browser confirms an act with a passkey."""
    challenge = request.console.challenges.make(f"use {request.session.name}", request.now)
    return json_answer(passkeys.ask_for_use(challenge, place_of(request.http)))


def add(request: PageRequest) -> Response:
    """Add the passkey that the browser made. Sessions without a second factor end."""
    if refused := check_password(request):
        return refused
    session, before = request.session, request.session.factor
    request.door.require_confirmed(passkeys.ACT)  # first, because a challenge counts once
    challenge = request.console.challenges.take(f"new {session.name}", request.now)
    try:
        key = passkeys.add(
            request.door,
            request.field("credential"),
            challenge,
            place_of(request.http),
            request.field("name"),
            request.now,
            request.place,
        )
    except FactorError:
        return request.refusal_page(REFUSED, 403)
    end_others(request, before or key.version)
    if second_factor.has_recovery_codes(request.door.settings, session.who):
        return request.redirect("/account#passkeys")
    return renew_codes(request)


def remove(request: PageRequest) -> Response:
    """Remove one of one's own passkeys. Other sessions that were begun with it end."""
    console, session = request.console, request.session
    if console.requires_factor(session.who) and len(console.factor_versions(session.who)) == 1:
        return request.refusal_page("The rules require a second factor of you: add another one first.")
    passkeys.remove(request.door, request.field("id"), request.now, request.place)
    left = console.factor_versions(session.who)
    if not console.passkeys.of(session.who):
        second_factor.passkey_codes(request.door.settings).end(session.who)
    if session.factor not in left:
        session.change(factor=min(left, default=""))
    return request.redirect("/account#passkeys")


ROUTES: Routes = {
    ("POST", f"{PATH}/options"): ask_for_new,
    ("POST", f"{PATH}/use"): ask_for_use,
    ("POST", PATH): add,
    ("POST", f"{PATH}/remove"): remove,
}
