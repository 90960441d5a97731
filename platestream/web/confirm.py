"""Confirmation of an act with the second factor, in the session in which it was sent.

Some acts (`platestream.schemas.acts.CONFIRMED`) ask for the second factor again if it was given more than
CONFIRMED_FOR ago. The form waits in the session meanwhile, with its files, and is carried out as it was sent.
"""

import dataclasses
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.responses import Response

from platestream.access import passkeys, second_factor
from platestream.access.factor_file import FactorError, kind_of
from platestream.schemas.acts import CONFIRMED, CONFIRMED_ALWAYS
from platestream.schemas.sign_in_event import SignInEvent
from platestream.web import signin_passkey
from platestream.web.attempts import TOO_MANY, Attempts, record_refusal
from platestream.web.failures import FAILURES
from platestream.web.forms import SentForm
from platestream.web.page_request import PageRequest
from platestream.web.sessions import HeldForm, Session
from platestream.web.signin_passkey import PASSKEY

CONFIRMED_FOR = timedelta(minutes=5)
FIELD = "confirmed_form"
CONFIRMATION = "confirmation in a session"
WRONG = "The code is wrong or was used before, or the passkey is not yours. Try again with the next code."


class WrongCodeError(Exception):
    """Error for a wrong code; its text is for the person."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def resumed(request: PageRequest) -> PageRequest:
    """Return the request with the door that it may use now; a confirmed one, with the form that waited.

    Raises HTTPException where no form waits any more, and WrongCodeError.
    """
    session = request.session
    if FIELD not in request.form:
        acts = _to_confirm(request)
        return dataclasses.replace(request, door=dataclasses.replace(request.door, to_confirm=acts))
    name = request.field(FIELD)
    held = session.held.get(name, request.now) if name else None
    if held is None or held.path != request.http.url.path:
        raise HTTPException(409, "This form waited too long. Nothing was done: go back and send it again.")
    prove(request, session)
    if session.held.get(name, request.now, take=True) is None:
        raise HTTPException(409, "This form was sent twice. See whether it was carried out.")
    return dataclasses.replace(request, form=held.form.form())


def prove(request: PageRequest, session: Session) -> None:
    """Check the code or passkey in the form of a request, and note the time. Raises WrongCodeError."""
    attempts = Attempts.of(request.console, request.http, session.who, "factor of ")
    if message := attempts.claim():
        record_refusal(request.console, request.http, session.who, CONFIRMATION, TOO_MANY, "second factor")
        raise WrongCodeError(message, 429)
    place, code = request.place, request.field("code")[:64]
    by = kind_of(code)
    try:
        if credential := request.field("credential"):
            _prove_by_passkey(request, credential)
            by = PASSKEY
        else:
            second_factor.prove(request.door, code, request.now, place)
    except FactorError:
        record_refusal(request.console, request.http, session.who, CONFIRMATION, "wrong", "second factor")
        raise WrongCodeError(WRONG, 401) from None
    except FAILURES:
        attempts.give_back()
        raise
    attempts.record_success()
    request.console.sign_in_log.confirmed(
        SignInEvent(
            kind="confirmed",
            at=request.now,
            who=session.who,
            way=CONFIRMATION,
            factor=by,
            address=request.address,
            session=session.name,
        )
    )
    session.change(proved_at=request.now)


def _prove_by_passkey(request: PageRequest, credential: str) -> None:
    console, session = request.console, request.session
    challenge = console.challenges.take(f"use {session.name}", request.now)
    who, _key = passkeys.use(
        console.settings, credential, challenge, signin_passkey.place_of(request.http), request.now
    )
    if who != session.who:
        raise FactorError("the passkey is of somebody else")


def ask(request: PageRequest, message: str = "", status: int = 403) -> Response:
    """Show the page that asks for the second factor; the form of the request waits in the session."""
    session, where = request.session, request.http.url
    if request.http.method != "POST":
        return request.refusal_page("This needs your second factor again. Sign in again.", 403)
    if not message:
        made = HeldForm(where.path, SentForm.of(request.form))
        session.held.put(made.name, made, request.now)
    waiting = session.held.last(request.now)
    held = waiting.name if waiting else ""
    address = f"{where.path}?{where.query}" if where.query else where.path
    return request.page(
        "confirm.html",
        status,
        message=message,
        held=held,
        address=address,
        FIELD=FIELD,
        has_codes=second_factor.has_recovery_codes(request.door.settings, session.who),
        provider=request.console.openid.provider.name if request.console.openid else "",
        has_passkey=bool(request.console.passkeys.of(session.who)),
    )


def _to_confirm(request: PageRequest) -> frozenset[str]:
    """Return the acts for which the person has to give the second factor now."""
    session = request.session
    if not request.console.needs_factor(session.who):
        return frozenset()
    since = request.now - session.proved_at if session.proved_at else CONFIRMED_FOR
    fresh = -CONFIRMED_FOR < since < CONFIRMED_FOR  # a provider's clock may be ahead
    if not fresh:
        return frozenset((*CONFIRMED, *CONFIRMED_ALWAYS))
    return frozenset(CONFIRMED_ALWAYS if request.console.has_factor(session.who) else ())
