"""Second step of a sign-in: a code of the authenticator app, or a recovery code.

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

from platestream.access import second_factor
from platestream.access.factor_file import FactorError, is_app_code, new_secret
from platestream.access.pages.account_factor import app_to_set_up
from platestream.web import cookies, forms, signin
from platestream.web.attempts import TOO_MANY, Attempts, address_of, record_refusal
from platestream.web.failures import FAILURES, error_response
from platestream.web.sessions import Session

if TYPE_CHECKING:
    from platestream.web.console import Console

APP = "authenticator app"
RECOVERY_CODE = "recovery code"
WRONG = "The code is wrong, or was used before. Wait for the app's next code."


def routes(console: "Console") -> Sequence[Route]:
    """Return the pages of the second step."""

    async def show(request: Request) -> Response:
        return await to_thread.run_sync(_show, console, request)

    async def give(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        code, csrf = (str(form.get(name, "")) for name in ("code", "csrf"))
        return await to_thread.run_sync(partial(_give, console, request, code[:64], csrf))

    return (
        Route(signin.FACTOR_PATH, show, methods=["GET"]),
        Route(signin.FACTOR_PATH, give, methods=["POST"]),
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
    if message := attempts.message:
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
        attempts.record_failure()
        record_refusal(console, request, who, pending.way, "wrong", "second factor")
        return _page(console, pending, WRONG, 401)
    except FAILURES as error:
        status, message = error_response(error)
        return _page(console, pending, message, status)
    attempts.record_success()
    console.sessions.end(pending)
    answer: Response = RedirectResponse(pending.where, cookies.DONE)
    if texts:
        shown = console.render("recovery_codes.html", None, codes=texts, where=pending.where)
        answer = HTMLResponse(shown)
    version = console.factors.version(who)
    by = APP if texts or is_app_code(code) else RECOVERY_CODE
    return signin.signed_in(
        console, request, answer, who, pending.password, version, now, way=pending.way, by=by
    )


def _page(console: "Console", pending: Session, message: str = "", status: int = 200) -> Response:
    app = None
    if not console.has_factor(pending.who):
        pending.secret = pending.secret or new_secret()
        app = app_to_set_up(pending.who, pending.secret)
    has_app, has_passkey = bool(console.factors.of(pending.who)), bool(console.passkeys.of(pending.who))
    shown = console.render(
        "signin_factor.html",
        None,
        session=pending,
        app=app,
        has_app=has_app,
        has_passkey=has_passkey,
        message=message,
    )
    return HTMLResponse(shown, status)
