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
    asking = _find(request, code) if code else None
    if asking is None:
        return _page(request, NONE if code else "", 404 if code else 200)
    return request.page("account_terminal.html", asking=asking, shown=device_codes.shown, message="")


def decide(request: PageRequest) -> Response:
    """Allow or deny a command line. To allow one asks for the second factor."""
    codes, code = request.console.device_codes, request.field("code")
    asking = codes.claim(code, request.now) if _find(request, code) else None
    if asking is None:
        return _page(request, NONE, 404)
    if request.field("decision") != "allow":
        codes.deny(asking)
        record_refusal(request.console, request.http, request.session.who, WAY, "denied in the console")
        return _page(request, f"{asking.machine} is denied.")
    place = f"{request.place}, for {asking.address or 'an unknown address'}"
    try:
        token, text = terminals.sign_in(request.door, asking.machine, request.now, place)
    except BaseException:
        codes.release(asking)
        raise
    codes.grant(asking, request.session.who, text)
    who, address = request.session.who, asking.address
    event = SignInEvent(kind="terminal", at=request.now, who=who, way=WAY, address=address, session=token.id)
    request.console.sign_in_log.note([event])
    return _page(request, f"{asking.machine} is signed in.")


def end(request: PageRequest) -> Response:
    """End a command line of one's own."""
    note_ends(request, [terminals.end(request.door, request.field("id"), request.now, request.place)])
    return request.redirect("/account#sessions")


def note_ends(request: PageRequest, ended: list[Token]) -> None:
    """Record the ends of command lines by the person of the request."""
    by, why = request.session.who, "command line signed out"
    events = [
        SignInEvent(kind="ended", at=request.now, who=one.who, by=by, session=one.id, why=why)
        for one in ended
    ]
    request.console.sign_in_log.note(events)


def _page(request: PageRequest, message: str, status: int = 200) -> Response:
    return request.page("account_terminal.html", status, asking=None, message=message)


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
