"""Refused sign-ins: the rate limit by account, address and known browser, and their record."""

import hmac
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from starlette.requests import Request

from platestream.runtime.login_attempts import FREE, MOST, LoginAttempts
from platestream.schemas.sign_in_event import BROWSER, UNKNOWN, SignInEvent
from platestream.web import cookies
from platestream.web.shared_state import SharedState

if TYPE_CHECKING:
    from platestream.web.console import Console

log = logging.getLogger(__name__)

TOO_MANY = "too many attempts"
REMEMBERED = timedelta(days=1)
"""Time after the last failure at which failures are forgotten. To wait for it gains no attempts."""


class Claim(NamedTuple):
    """An attempt that may be made now if there is no time to `wait`. It counts as failed, `at` a time; the
    failure `before` it was then.
    """

    wait: float
    at: float = 0.0
    before: float = 0.0


class SharedAttempts:
    """Failed attempts that all consoles count together, with the delays of `LoginAttempts`."""

    def __init__(self, state: SharedState, kind: str, clock: Callable[[], float], free: int = FREE) -> None:
        self._state, self._kind, self._clock = state, kind, clock
        self._delays: LoginAttempts[str] = LoginAttempts(free)

    def claim(self, name: str) -> Claim:
        """Claim an attempt. Attempts that are made at once, at any console, cannot all be the next one."""
        with self._state.change():
            wait, now = self.retry_after(name), self._clock()
            if wait:
                return Claim(wait)
            found = self._found(name)
            self.record_failure(name)
            return Claim(0.0, now, found[1] if found else 0.0)

    def give_back(self, name: str, claim: Claim) -> None:
        """Let a claimed attempt count no more."""
        sql = """UPDATE failures SET count = count - 1, last = iif(last <= ?, ?, last)
            WHERE kind = ? AND key = ? AND count > 0"""
        self._state.run(sql, claim.at, claim.before, self._kind, self._key(name))

    def retry_after(self, name: str) -> float:
        """Return the time in seconds until the next attempt may be made; 0 for now."""
        found = self._found(name)
        return self._delays.wait(found[0], found[1], self._clock()) if found else 0.0

    def record_failure(self, name: str) -> None:
        """Count a failed attempt."""
        now, key = self._clock(), self._key(name)
        with self._state.change():
            count = (self._found(name) or (0, 0.0))[0]
            sql = "INSERT OR REPLACE INTO failures (kind, key, count, last) VALUES (?, ?, ?, ?)"
            self._state.run(sql, self._kind, key, count + 1, now)
            sql = """DELETE FROM failures WHERE kind = ? AND last <
                coalesce((SELECT last FROM failures WHERE kind = ? ORDER BY last DESC LIMIT 1 OFFSET ?), 0)"""
            self._state.run(sql, self._kind, self._kind, MOST - 1)

    def record_success(self, name: str) -> None:
        """Forget the failures under a name."""
        self._state.run("DELETE FROM failures WHERE kind = ? AND key = ?", self._kind, self._key(name))

    def _found(self, name: str) -> tuple[int, float] | None:
        sql = "SELECT count, last FROM failures WHERE kind = ? AND key = ?"
        found = self._state.run(sql, self._kind, self._key(name))
        forgotten = not found or found[0][1] + REMEMBERED.total_seconds() <= self._clock()
        return None if forgotten else (found[0][0], found[0][1])

    def _key(self, name: str) -> bytes:
        """A text that was typed as a name may be a password."""
        return hmac.digest(self._state.key or b"-", name.encode("utf-8", "surrogateescape"), "sha256")


@dataclass
class Attempts:
    """An attempt of a sign-in, counted by account and address.

    A browser in which the person has signed in before is counted for itself, so that nobody's attempts
    elsewhere lock the person out of it.
    """

    console: "Console"
    account: str
    address: str
    _claims: tuple[Claim, Claim] = field(default=(Claim(0.0), Claim(0.0)))

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

    def claim(self) -> str:
        """Claim an attempt, which counts as failed until `record_success` or `give_back`. Return the message
        that names the time to wait; empty if there is none.
        """
        with self.console.shared.change():
            if message := self.message:
                return message
            address = self.console.addresses.claim(self.address) if self.address else Claim(0.0)
            self._claims = self.console.attempts.claim(self.account), address
        return ""

    def give_back(self) -> None:
        """Let the claimed attempt count no more."""
        account, address = self._claims
        self.console.attempts.give_back(self.account, account)
        if self.address:
            self.console.addresses.give_back(self.address, address)

    def record_success(self) -> None:
        """Forget the failed attempts of the account here."""
        self.give_back()
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
