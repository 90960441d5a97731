"""Sign-in with a passkey, without a name or password: two factors in one step."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from platestream.access import passkeys
from platestream.access.factor_file import FactorError
from platestream.schemas.loopback import is_loopback
from platestream.web import cookies, forms, signin
from platestream.web.attempts import TOO_MANY, address_of, record_refusal, too_many_attempts
from platestream.web.challenges import LIVES

if TYPE_CHECKING:
    from platestream.web.console import Console

PATH = "/sign-in/passkey"
PASSKEY = "passkey"
REFUSED = "This passkey does not sign you in. Try again, or sign in with a password."


def routes(console: "Console") -> Sequence[Route]:
    """Return the routes that need no sign-in."""

    async def ask(request: Request) -> Response:
        await forms.read_form(request, forms.SMALL)
        browser = cookies.pending_sign_in(request) or secrets.token_urlsafe(32)
        challenge = console.challenges.make(browser, console.clock())
        answer = json_answer(passkeys.ask_for_use(challenge, place_of(request)))
        return cookies.set_pending_sign_in(answer, browser, LIVES)

    async def use(request: Request) -> Response:
        form = await forms.read_form(request, forms.SMALL)
        credential, where = (str(form.get(name, "")) for name in ("credential", "where"))
        return await to_thread.run_sync(_use, console, request, credential, signin.local_path(where))

    return Route(f"{PATH}/options", ask, methods=["POST"]), Route(PATH, use, methods=["POST"])


def place_of(request: Request) -> passkeys.Place:
    """Return the console's address in the browser: https, also behind a proxy that ends TLS, except on this
    machine.
    """
    host = request.url.hostname or ""
    plain = request.url.scheme == "http" and is_loopback(host)
    return passkeys.Place(f"{'http' if plain else 'https'}://{request.url.netloc}", host)


def json_answer(text: str) -> Response:
    """Return options for a browser."""
    return Response(text, media_type="application/json")


def _use(console: "Console", request: Request, credential: str, where: str) -> Response:
    now, address = console.clock(), address_of(request)
    if message := too_many_attempts(console, "", address):
        record_refusal(console, request, "", PASSKEY, TOO_MANY)
        return signin.sign_in_page(console, where, message, 429)
    challenge = console.challenges.take(cookies.pending_sign_in(request), now)
    try:
        who, key = passkeys.use(console.settings, credential, challenge, place_of(request), now)
    except FactorError as error:
        console.addresses.record_failure(address)
        record_refusal(console, request, "", PASSKEY, str(error))
        return signin.sign_in_page(console, where, REFUSED, 401)
    if console.deactivated(who):
        record_refusal(console, request, who, PASSKEY, "deactivated")
        return signin.sign_in_page(console, where, signin.DEACTIVATED, 403)
    if pending := console.pending_session(cookies.session_token(request)):
        console.sessions.end(pending)
    password = console.passwords.version(who) or None
    answer = RedirectResponse(where, cookies.DONE)
    return signin.signed_in(console, request, answer, who, password, key.version, now, way=PASSKEY)
