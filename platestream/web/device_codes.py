"""Codes by which command lines ask to be signed in (RFC 8628).

A command line gets a long secret code, with which it asks for the outcome, and a short one, which its person
confirms in the console. Both are for one use within ten minutes.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from platestream.web.shared_state import SharedState, hashed

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowel and no digit, so that a code is no word and is read in one way (RFC 8628, section 6.1)."""
LENGTH = 8
LIVES = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
MOST = 1000
MOST_OF_ADDRESS = 20

_KIND = "command line"

Problem = Literal["authorization_pending", "slow_down", "access_denied", "expired_token"]


class TooManyError(Exception):
    """Too many codes wait."""


@dataclass(frozen=True)
class Request:
    """A command line that asks. `who` has granted it the token `text`. While `claimed`, a decision is being
    carried out.
    """

    code: str
    machine: str
    command: str
    address: str
    ends_at: datetime
    interval: timedelta = INTERVAL
    asked_at: datetime | None = None
    state: Literal["waiting", "claimed", "granted", "denied"] = "waiting"
    text: str = field(default="", repr=False)
    who: str = ""
    name: str = field(default="", repr=False)
    """Hash of the secret code."""


class DeviceCodes:
    """The command lines that wait, at any console. Thread-safe."""

    def __init__(self, state: SharedState) -> None:
        self._state = state

    def begin(self, machine: str, command: str, address: str, now: datetime) -> tuple[str, Request]:
        """Return the secret code of a command line, and its request. Raises TooManyError."""
        secret = secrets.token_urlsafe(32)
        with self._state.change():
            waiting = self._all(now)
            by_address = Counter(one.address for one in waiting)
            if len(waiting) >= MOST or by_address[address] >= MOST_OF_ADDRESS:
                raise TooManyError
            code = "".join(secrets.choice(LETTERS) for _letter in range(LENGTH))
            made = Request(code, machine, command, address, now + LIVES, name=_hash(secret))
            self._put(made)
        return secret, made

    def find(self, code: str, now: datetime) -> Request | None:
        """Return the request with this short code that waits for a decision; None if there is none."""
        plain = normalized(code)
        return next((one for one in self._all(now) if one.state == "waiting" and one.code == plain), None)

    def claim(self, code: str, now: datetime) -> Request | None:
        """Return the request with this short code for one decision; None if there is none. `grant`, `deny` or
        `release` follows.
        """
        with self._state.change():
            found = self.find(code, now)
            if found is not None:
                self._put(replace(found, state="claimed"))
            return found

    def release(self, request: Request) -> None:
        """Let a request wait for a decision again: the last one was not carried out."""
        self._change(request, state="waiting")

    def deny(self, request: Request) -> None:
        """Deny a request."""
        self._change(request, state="denied")

    def grant(self, request: Request, who: str, text: str) -> None:
        """Grant a request the token of a person."""
        self._change(request, state="granted", who=who, text=text)

    def poll(self, secret: str, now: datetime) -> Request | Problem:
        """Return a granted request, once; else the problem, by its name in the RFC."""
        with self._state.change():
            found = self._state.get(_KIND, _hash(secret), Request, now)
            if found is None:
                return "expired_token"
            early = found.asked_at is not None and now - found.asked_at < found.interval
            longer = found.interval + INTERVAL if early else found.interval
            self._put(replace(found, asked_at=now, interval=longer))
            if early:
                return "slow_down"
            if found.state in ("waiting", "claimed"):
                return "authorization_pending"
            self._state.get(_KIND, found.name, Request, now, take=True)
            return found if found.state == "granted" else "access_denied"

    def _all(self, now: datetime) -> Sequence[Request]:
        return self._state.all(_KIND, Request, now)

    def _put(self, request: Request) -> None:
        self._state.put(_KIND, request.name, request, request.ends_at)

    def _change(self, request: Request, **fields: Any) -> None:
        with self._state.change():
            now = self._state.get(_KIND, request.name, Request, request.ends_at - LIVES)
            if now is not None:
                self._put(replace(now, **fields))


def normalized(code: str) -> str:
    """Return a short code as stored, however it was typed.

    >>> normalized("bcdf-ghjk ")
    'BCDFGHJK'
    """
    return "".join(one for one in code.upper() if one in LETTERS)


def shown(code: str) -> str:
    """Return a short code in two groups."""
    return f"{code[:4]}-{code[4:]}"


def _hash(secret: str) -> str:
    return hashed(secret).hex()
