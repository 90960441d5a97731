"""API caller: the person for whom a program acts, by its token."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from platestream.access import tokens
from platestream.access.door import Door
from platestream.schemas.acts import CONFIRMED
from platestream.web.attempts import record_refusal

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

WAY = "token"
_Sent = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A token of `platestream token make`.")),
]


@dataclass(frozen=True)
class Caller:
    """One request of a program."""

    console: "Console"
    door: Door
    now: datetime


def require(part: tokens.Part) -> Callable[[Request, HTTPAuthorizationCredentials | None], Caller]:
    """Return a dependency that yields the caller, whose token must permit this part of the API."""

    def caller(request: Request, sent: _Sent) -> Caller:
        console: Console = request.app.state.console
        now, address = console.clock(), request.client.host if request.client else ""
        if wait := console.addresses.retry_after(address):
            seconds = str(math.ceil(wait))
            raise HTTPException(429, "Too many wrong tokens from this address.", {"Retry-After": seconds})
        found = tokens.stored_tokens(console.settings).find(sent.credentials, now) if sent else None
        if found is None:
            if sent:
                console.addresses.record_failure(address)
                record_refusal(console, request, "", WAY, "invalid or expired")
            raise HTTPException(401, "A valid token is required.", {"WWW-Authenticate": "Bearer"})
        if console.deactivated(found.who):
            record_refusal(console, request, found.who, WAY, "deactivated")
            message = "The person of this token is deactivated."
            raise HTTPException(401, message, {"WWW-Authenticate": "Bearer"})
        if part not in found.parts:
            log.warning("token %s of %s is not for %s", found.id, found.who, part)
            raise HTTPException(403, f"This token is not for `{part}`.")
        door = console.door(found.who, f"api/{found.program}")
        if console.requires_factor(found.who):
            door = replace(door, to_confirm=frozenset(CONFIRMED) - set(door.rules.profile.sign_in.programs))
        return Caller(console, door, now)

    return caller
