"""Codes by which command lines ask to be signed in (RFC 8628), in memory.

A command line gets a long secret code, with which it asks for the outcome, and a short one, which its person
confirms in the console. Both are for one use within ten minutes.
"""

import hashlib
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowel and no digit, so that a code is no word and is read in one way (RFC 8628, section 6.1)."""
LENGTH = 8
LIVES = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
MOST = 1000
MOST_OF_ADDRESS = 20

Problem = Literal["authorization_pending", "slow_down", "access_denied", "expired_token"]


class TooManyError(Exception):
    """Too many codes wait."""


@dataclass
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


class DeviceCodes:
    """The command lines that wait. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Request] = {}
        self._lock = threading.Lock()

    def begin(self, machine: str, command: str, address: str, now: datetime) -> tuple[str, Request]:
        """Return the secret code of a command line, and its request. Raises TooManyError."""
        secret = secrets.token_urlsafe(32)
        with self._lock:
            self._forget(now)
            by_address = Counter(one.address for one in self._waiting.values())
            if len(self._waiting) >= MOST or by_address[address] >= MOST_OF_ADDRESS:
                raise TooManyError
            code = "".join(secrets.choice(LETTERS) for _letter in range(LENGTH))
            made = Request(code, machine, command, address, now + LIVES)
            self._waiting[_hash(secret)] = made
        return secret, made

    def find(self, code: str, now: datetime) -> Request | None:
        """Return the request with this short code that waits for a decision; None if there is none."""
        plain = normalized(code)
        with self._lock:
            self._forget(now)
            waiting = (one for one in self._waiting.values() if one.state == "waiting")
            return next((one for one in waiting if one.code == plain), None)

    def claim(self, code: str, now: datetime) -> Request | None:
        """Return the request with this short code for one decision; None if there is none. `grant`, `deny` or
        `release` follows.
        """
        found = self.find(code, now)
        with self._lock:
            if found is None or found.state != "waiting":
                return None
            found.state = "claimed"
            return found

    def release(self, request: Request) -> None:
        """Let a request wait for a decision again: the last one was not carried out."""
        request.state = "waiting"

    def deny(self, request: Request) -> None:
        """Deny a request."""
        request.state = "denied"

    def grant(self, request: Request, who: str, text: str) -> None:
        """Grant a request the token of a person."""
        request.who, request.text = who, text
        request.state = "granted"

    def poll(self, secret: str, now: datetime) -> Request | Problem:
        """Return a granted request, once; else the problem, by its name in the RFC."""
        key = _hash(secret)
        with self._lock:
            self._forget(now)
            found = self._waiting.get(key)
            if found is None:
                return "expired_token"
            early = found.asked_at is not None and now - found.asked_at < found.interval
            found.asked_at = now
            if early:
                found.interval += INTERVAL
                return "slow_down"
            if found.state in ("waiting", "claimed"):
                return "authorization_pending"
            del self._waiting[key]
            return found if found.state == "granted" else "access_denied"

    def _forget(self, now: datetime) -> None:
        self._waiting = {key: one for key, one in self._waiting.items() if now < one.ends_at}


def normalized(code: str) -> str:
    """Return a short code as stored, however it was typed.

    >>> normalized("bcdf-ghjk ")
    'BCDFGHJK'
    """
    return "".join(one for one in code.upper() if one in LETTERS)


def shown(code: str) -> str:
    """Return a short code in two groups."""
    return f"{code[:4]}-{code[4:]}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
