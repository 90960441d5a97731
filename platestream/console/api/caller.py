"""Who calls: the person for whom a program speaks, by its token."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services import tokens
from services.door import Door

if TYPE_CHECKING:
    from platestream.console.app import Console

log = logging.getLogger(__name__)

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


def may(part: tokens.Part) -> Callable[[Request, HTTPAuthorizationCredentials | None], Caller]:
    """A dependency: the caller, whose token is for this part of the API."""

    def caller(request: Request, sent: _Sent) -> Caller:
        console: Console = request.app.state.console
        now, address = console.clock(), request.client.host if request.client else ""
        if wait := console.addresses.wait(now, address):
            seconds = str(math.ceil(wait.total_seconds()))
            raise HTTPException(429, "Too many wrong tokens from this address.", {"Retry-After": seconds})
        found = tokens.kept(console.settings).find(sent.credentials, now) if sent else None
        if found is None:
            if sent:
                console.addresses.failed(now, address)
                log.warning("a wrong or ended token from %s", address)
            raise HTTPException(401, "A token that is in force is needed.", {"WWW-Authenticate": "Bearer"})
        if console.deactivated(found.who):
            log.warning("token %s of %s, who is deactivated, from %s", found.id, found.who, address)
            said = "The person for whom this token speaks is deactivated."
            raise HTTPException(401, said, {"WWW-Authenticate": "Bearer"})
        if part not in found.parts:
            log.warning("token %s of %s is not for %s", found.id, found.who, part)
            raise HTTPException(403, f"This token is not for `{part}`.")
        return Caller(console, console.door(found.who, f"api/{found.program}"), now)

    return caller
