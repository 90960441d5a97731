"""Refused sign-ins: the rate limit by account, address and known browser, and their record."""

import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request

from platestream.schemas.sign_in_event import BROWSER, UNKNOWN, SignInEvent
from platestream.web import cookies

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

TOO_MANY = "too many attempts"


@dataclass(frozen=True)
class Attempts:
    """Failed attempts of a sign-in, counted by account and address.

    A browser in which the person has signed in before is counted for itself, so that nobody's attempts
    elsewhere lock the person out of it.
    """

    console: "Console"
    account: str
    address: str

    @classmethod
    def of(cls, console: "Console", request: Request, who: str, what: str = "") -> "Attempts":
        """Return the attempts of this browser for `who`; `what` is counted for itself."""
        address, key = address_of(request), f"{what}{who[:64]}"
        device = console.known_devices.find(who[:64], cookies.device_mark(request), console.clock())
        return cls(console, key, address) if device is None else cls(console, f"{key} at {device.id}", "")

    @property
    def message(self) -> str:
        """The message that names the time to wait; empty if there is none."""
        return too_many_attempts(self.console, self.account, self.address)

    def record_failure(self) -> None:
        """Count a failed attempt."""
        self.console.attempts.record_failure(self.account)
        if self.address:
            self.console.addresses.record_failure(self.address)

    def record_success(self) -> None:
        """Forget the failed attempts of the account here."""
        self.console.attempts.record_success(self.account)


def too_many_attempts(console: "Console", account: str, address: str) -> str:
    """Return the message for a person or an address with too many failed attempts; empty if there is none."""
    wait = max(
        console.attempts.retry_after(account), console.addresses.retry_after(address) if address else 0.0
    )
    minutes = math.ceil(wait / 60)
    many = "s" if minutes > 1 else ""
    return f"Too many wrong passwords or codes. Try again in {minutes} minute{many}." if wait else ""


def record_refusal(
    console: "Console", request: Request, who: str, way: str, why: str, factor: str = ""
) -> None:
    """Record a refused sign-in under the name `who`; a name that nobody has here is not recorded, because it
    may be a password.
    """
    known, address = console.known_name(who), address_of(request)
    log.warning("no session for %s from %s: %s, %s", known or UNKNOWN, address, factor or way, why)
    event = SignInEvent(
        kind="refused",
        at=console.clock(),
        who=known,
        way=way,
        factor=factor,
        browser=browser_of(console, request, who),
        address=address,
        why=why,
    )
    console.sign_in_log.refused(event)


def browser_of(console: "Console", request: Request, who: str) -> str:
    """Return the begin of the id of this browser if `who` has signed in here before; empty if not."""
    device = console.known_devices.find(who[:64], cookies.device_mark(request), console.clock())
    return device.id[:BROWSER] if device else ""


def address_of(request: Request) -> str:
    """Return the address that a request came from; empty if it is not known."""
    return request.client.host if request.client else ""
