"""Account pages of command lines: confirm or deny one that asks, and end one that is signed in."""

from starlette.responses import Response

from platestream.access import terminals
from platestream.runtime.token_file import Token
from platestream.schemas.sign_in_event import SignInEvent
from platestream.web import device_codes
from platestream.web.attempts import TOO_MANY, Attempts, record_refusal
from platestream.web.device_codes import Request
from platestream.web.device_sign_in import PAGE, WAY
from platestream.web.page_request import PageRequest, Routes

NONE = "No command line waits with this code. Codes are for one use within ten minutes."


def show(request: PageRequest) -> Response:
    """Show the command line that asks with a code, or a form for the code."""
    code = request.field("code")
    if not code:
        return request.page("account_terminal.html", asking=None, message="")
    asking = _find(request, code)
    status = 200 if asking else 404
    return request.page(
        "account_terminal.html",
        status,
        asking=asking,
        shown=device_codes.shown,
        message="" if asking else NONE,
    )


def decide(request: PageRequest) -> Response:
    """Allow or deny a command line. To allow one asks for the second factor."""
    if _find(request, request.field("code")) is None:
        return request.page("account_terminal.html", 404, asking=None, message=NONE)
    codes = request.console.device_codes
    asking = codes.claim(request.field("code"), request.now)
    if asking is None:
        return request.page("account_terminal.html", 404, asking=None, message=NONE)
    if request.field("decision") != "allow":
        codes.deny(asking)
        record_refusal(request.console, request.http, request.session.who, WAY, "denied in the console")
        return request.page("account_terminal.html", asking=None, message=f"{asking.machine} is denied.")
    place = f"on the console from {request.address}, for {asking.address or 'an unknown address'}"
    try:
        token, text = terminals.sign_in(request.door, asking.machine, request.now, place)
    except BaseException:
        codes.release(asking)
        raise
    codes.grant(asking, request.session.who, text)
    event = SignInEvent(
        kind="terminal",
        at=request.now,
        who=request.session.who,
        way=WAY,
        address=asking.address,
        session=token.id,
    )
    request.console.sign_in_log.note([event])
    return request.page("account_terminal.html", asking=None, message=f"{asking.machine} is signed in.")


def end(request: PageRequest) -> Response:
    """End a command line of one's own."""
    place = f"on the console from {request.address}"
    ended = terminals.end(request.door, request.field("id"), request.now, place)
    note_ends(request, [ended])
    return request.redirect("/account#sessions")


def note_ends(request: PageRequest, ended: list[Token]) -> None:
    """Record the ends of command lines by the person of the request."""
    by, why = request.session.who, "command line signed out"
    request.console.sign_in_log.note(
        [
            SignInEvent(kind="ended", at=request.now, who=one.who, by=by, session=one.id, why=why)
            for one in ended
        ]
    )


def _find(request: PageRequest, code: str) -> Request | None:
    """Return the request with a code. Guesses are limited by person."""
    attempts = Attempts.of(request.console, request.http, request.session.who, "command line of ")
    if attempts.message:
        record_refusal(request.console, request.http, request.session.who, WAY, TOO_MANY)
        return None
    found = request.console.device_codes.find(code[: 2 * device_codes.LENGTH], request.now)
    if found is None:
        attempts.record_failure()
    return found


ROUTES: Routes = {
    ("GET", PAGE): show,
    ("POST", PAGE): decide,
    ("POST", f"{PAGE}/end"): end,
}
