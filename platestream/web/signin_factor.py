"""Second step of a sign-in: a code of the authenticator app, or a recovery code; a passkey is set up here.

The first step leaves a session that waits for the second and opens no page. Where the rules require a second
factor of somebody who has none, the second step sets it up.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from platestream.access import passkeys, second_factor
from platestream.access.factor_file import APP, FactorError, kind_of, new_secret
from platestream.access.pages.account_factor import app_to_set_up
from platestream.web import cookies, forms, signin
from platestream.web.attempts import TOO_MANY, Attempts, address_of, record_refusal
from platestream.web.failures import FAILURES, error_response
from platestream.web.sessions import Session
from platestream.web.signin_passkey import PASSKEY, json_answer, place_of

if TYPE_CHECKING:
    from platestream.web.console import Console

PASSKEY_PATH = f"{signin.FACTOR_PATH}/passkey"
WRONG = "The code is wrong, or was used before. Wait for the app's next code."


def routes(console: "Console") -> Sequence[Route]:
    """Return the pages of the second step."""

    async def show(request: Request) -> Response:
        return await to_thread.run_sync(_show, console, request)

    async def give(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        code, csrf = (str(form.get(name, "")) for name in ("code", "csrf"))
        return await to_thread.run_sync(partial(_give, console, request, code[:64], csrf))

    async def ask_for_passkey(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        return await to_thread.run_sync(_ask_for_passkey, console, request, str(form.get("csrf", "")))

    async def add_passkey(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        given = {name: str(form.get(name, "")) for name in ("csrf", "credential", "name")}
        return await to_thread.run_sync(partial(_add_passkey, console, request, **given))

    return (
        Route(signin.FACTOR_PATH, show, methods=["GET"]),
        Route(signin.FACTOR_PATH, give, methods=["POST"]),
        Route(f"{PASSKEY_PATH}/options", ask_for_passkey, methods=["POST"]),
        Route(PASSKEY_PATH, add_passkey, methods=["POST"]),
    )


def _show(console: "Console", request: Request) -> Response:
    pending = console.pending_session(cookies.session_token(request))
    return _page(console, pending) if pending else RedirectResponse("/sign-in", cookies.DONE)


def _give(console: "Console", request: Request, code: str, csrf: str) -> Response:
    pending = console.pending_session(cookies.session_token(request))
    if pending is None or csrf != pending.csrf:
        return RedirectResponse("/sign-in?said=ended", cookies.DONE)
    who = pending.who
    attempts = Attempts.of(console, request, who, "factor of ")
    if message := attempts.claim():
        record_refusal(console, request, who, pending.way, TOO_MANY, "second factor")
        return _page(console, pending, message, 429)
    door, now = console.door(who), console.clock()
    place = f"on the console from {address_of(request) or 'an unknown address'}"
    texts: tuple[str, ...] = ()
    try:
        if console.has_factor(who):
            second_factor.prove(door, code, now, place)
        else:
            texts = second_factor.set_up(door, pending.secret, code, "", now, place)
    except FactorError:
        record_refusal(console, request, who, pending.way, "wrong", "second factor")
        return _page(console, pending, WRONG, 401)
    except FAILURES as error:
        attempts.give_back()
        status, message = error_response(error)
        return _page(console, pending, message, status)
    attempts.record_success()
    console.sessions.end(pending)
    answer: Response = RedirectResponse(pending.where, cookies.DONE)
    if texts:
        shown = console.render("recovery_codes.html", None, codes=texts, where=pending.where)
        answer = HTMLResponse(shown)
    # A recovery code of a person without an app stands for a passkey.
    version = console.factors.version(who) or min(console.factor_versions(who), default="")
    by = APP if texts else kind_of(code)
    return signin.signed_in(
        console, request, answer, who, pending.password, version, now, way=pending.way, by=by
    )


def _ask_for_passkey(console: "Console", request: Request, csrf: str) -> Response:
    """Return the options by which the browser makes the first passkey."""
    pending = _without_factor(console, request, csrf)
    if pending is None:
        return Response(status_code=403)
    challenge = console.challenges.make(f"new {pending.name}", console.clock())
    return json_answer(passkeys.ask_for_new(console.settings, pending.who, challenge, place_of(request)))


def _add_passkey(console: "Console", request: Request, csrf: str, credential: str, name: str) -> Response:
    """Set up a passkey instead of an app, show its recovery codes, and sign in."""
    pending = _without_factor(console, request, csrf)
    if pending is None:
        return RedirectResponse("/sign-in?said=ended", cookies.DONE)
    door, now = console.door(pending.who), console.clock()
    place = f"on the console from {address_of(request) or 'an unknown address'}"
    try:
        challenge = console.challenges.take(f"new {pending.name}", now)
        key = passkeys.add(door, credential, challenge, place_of(request), name, now, place)
        codes = second_factor.renew_codes(door, now, place)
    except FactorError:
        return _page(console, pending, "The passkey was not added. Try again.", 403)
    except FAILURES as error:
        status, message = error_response(error)
        return _page(console, pending, message, status)
    console.sessions.end(pending)
    shown = console.render("recovery_codes.html", None, codes=codes, where=pending.where)
    return signin.signed_in(
        console,
        request,
        HTMLResponse(shown),
        pending.who,
        pending.password,
        key.version,
        now,
        way=pending.way,
        by=PASSKEY,
    )


def _without_factor(console: "Console", request: Request, csrf: str) -> Session | None:
    """Return the session that waits for its person to set up the first factor."""
    pending = console.pending_session(cookies.session_token(request))
    if pending is None or csrf != pending.csrf or console.has_factor(pending.who):
        return None
    return pending


def _page(console: "Console", pending: Session, message: str = "", status: int = 200) -> Response:
    app = None
    if not console.has_factor(pending.who):
        if not pending.secret:
            pending.change(secret=new_secret())
        app = app_to_set_up(pending.who, pending.secret)
    has_app, has_passkey = bool(console.factors.stored(pending.who)), bool(console.passkeys.of(pending.who))
    shown = console.render(
        "signin_factor.html",
        None,
        session=pending,
        app=app,
        has_app=has_app,
        has_codes=second_factor.has_recovery_codes(console.settings, pending.who),
        has_passkey=has_passkey,
        message=message,
    )
    return HTMLResponse(shown, status)
