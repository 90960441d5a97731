"""Sign-in of command lines by a short code (RFC 8628): what a command line asks, without a session.

The pages on which its person confirms the code are in `platestream.access.pages.account_terminals`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from platestream.access import terminals
from platestream.runtime.token_file import Token
from platestream.schemas.escape_invisible import escape_invisible
from platestream.web import device_codes, forms, signin_passkey
from platestream.web.attempts import address_of, record_refusal
from platestream.web.device_codes import TooManyError
from platestream.web.failures import FAILURES, error_response

if TYPE_CHECKING:
    from platestream.web.console import Console

CODE, TOKEN, END = "/sign-in/device", "/sign-in/device/token", "/sign-out/device"
PAGE = "/account/terminal"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
WAY = "code of a command line"
LONGEST = 60
Answer = Callable[["Console", Request, FormData], Response]


def routes(console: "Console") -> Sequence[Route]:
    """Return the routes that need no session."""

    def route(path: str, answer: Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            form = await forms.read_form(request, forms.SMALL)
            made = await to_thread.run_sync(partial(answer, console, request, form))
            made.headers["cache-control"] = "no-store"
            return made

        return Route(path, endpoint, methods=["POST"])

    return route(CODE, _begin), route(TOKEN, _poll), route(END, _end)


def _begin(console: "Console", request: Request, form: FormData) -> Response:
    """Return the codes of a command line that names its machine and command."""
    machine, command = (_text(form, name) for name in ("machine", "command"))
    if not machine or not command:
        return _problem("invalid_request")
    try:
        secret, made = console.device_codes.begin(machine, command, address_of(request), console.clock())
    except TooManyError:
        return _problem("slow_down", 429)
    page = f"{signin_passkey.place_of(request).origin}{PAGE}"
    code = device_codes.shown(made.code)
    return JSONResponse(
        {
            "device_code": secret,
            "user_code": code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={code}",
            "expires_in": int(device_codes.LIVES.total_seconds()),
            "interval": int(device_codes.INTERVAL.total_seconds()),
        }
    )


def _poll(console: "Console", request: Request, form: FormData) -> Response:
    """Return the token of a command line whose code was confirmed, once."""
    if form.get("grant_type") != GRANT_TYPE:
        return _problem("unsupported_grant_type")
    address, now = address_of(request), console.clock()
    if console.addresses.retry_after(address):
        return _problem("slow_down", 429)
    found = console.device_codes.poll(_text(form, "device_code"), now)
    if isinstance(found, str):
        if found == "expired_token":
            console.addresses.record_failure(address)
        return _problem(found)
    token = terminals.find(console.settings, found.text, now)
    if token is None:
        return _problem("access_denied")
    return JSONResponse(
        {
            "access_token": found.text,
            "token_type": "Bearer",
            "expires_in": int((token.ends_at - now).total_seconds()),
            "who": token.who,
        }
    )


def _end(console: "Console", request: Request, form: FormData) -> Response:
    """End the token that the request holds."""
    now = console.clock()
    token = _token(console, request, form, now)
    if token is None:
        return JSONResponse({"active": False})
    try:
        terminals.end(console.door(token.who), token.id, now, f"at the command line, {address_of(request)}")
    except FAILURES as error:
        status, message = error_response(error)
        return JSONResponse({"error": "server_error", "error_description": message}, status)
    return JSONResponse({"active": False})


def _token(console: "Console", request: Request, form: FormData, now: datetime) -> Token | None:
    address = address_of(request)
    if console.addresses.retry_after(address):
        return None
    found = terminals.find(console.settings, _text(form, "token", 200), now)
    if found is None:
        console.addresses.record_failure(address)
        record_refusal(console, request, "", WAY, "a token that is not valid")
    elif console.deactivated(found.who):
        return None
    return found


def _text(form: FormData, name: str, longest: int = LONGEST) -> str:
    value = form.get(name, "")
    return escape_invisible(value.strip())[:longest] if isinstance(value, str) else ""


def _problem(name: str, status: int = 400) -> Response:
    return JSONResponse({"error": name}, status)
