"""One-time codes by which people set their passwords, and what happened to each account.

The file has the hash of a code and never its text. A code has 128 random bits, so no slow hash is needed.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from connectors.private_file import PrivateFile
from schemas.fields import Instant

MOST_EVENTS = 50
What = Literal["code", "reset", "redeemed", "changed"]


class CodeError(ValueError):
    """A code that is wrong, was redeemed, or has ended; the message says none of which."""


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code that was not redeemed yet: who made it when and where, and until when it counts."""

    hashed: str
    made_by: str
    made_at: Instant
    ends_at: Instant
    place: str


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event of an account: when, by whom and where."""

    at: Instant
    what: What
    by: str
    place: str


class Enrollment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's code, if one is out, and what happened to the account, oldest first."""

    code: Code | None = None
    events: tuple[Event, ...] = ()


class Enrollments:
    """The file at `path`, by person. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Enrollment, "one-time codes")

    def codes(self) -> dict[str, Code]:
        """The codes that are out, by who may redeem them."""
        return {who: one.code for who, one in self._file.read().items() if one.code is not None}

    def of(self, who: str) -> Enrollment:
        """Return the state of a person's account."""
        return self._file.read().get(who, Enrollment())

    def make(self, who: str, code: Code, event: Event) -> None:
        """Give a person a code, in place of one that is out."""
        with self._file.writing() as kept:
            kept[who] = Enrollment(code, _with(kept.get(who), event))

    def note(self, who: str, event: Event) -> None:
        """Add what happened to an account."""
        with self._file.writing() as kept:
            before = kept.get(who, Enrollment())
            kept[who] = Enrollment(before.code, _with(before, event))

    def withdraw(self, who: str) -> None:
        """Take away a code that is out."""
        with self._file.writing() as kept:
            if who in kept:
                kept[who] = Enrollment(None, kept[who].events)

    @contextmanager
    def redeeming(self, who: str, text: str, now: datetime, place: str) -> Iterator[Code]:
        """Hold a person's code while it is redeemed: it has ended once the block has.

        Where the block raises it stays. Of several that redeem it at once one does. Raises CodeError.
        """
        with self._file.writing() as kept:
            before = kept.get(who, Enrollment())
            code = before.code
            right = hmac.compare_digest(hashed(text).encode(), (code.hashed if code else hashed("")).encode())
            if code is None or not right or not code.made_at <= now < code.ends_at:
                raise CodeError("the name or the code is wrong, or the code was redeemed or has ended")
            yield code
            kept[who] = Enrollment(None, _with(before, Event(now, "redeemed", who, place)))


def hashed(text: str) -> str:
    """Return the SHA-256 of a code as it is typed: case, spaces and dashes do not count."""
    plain = "".join(text.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def _with(before: Enrollment | None, event: Event) -> tuple[Event, ...]:
    return (*(before.events if before else ()), event)[-MOST_EVENTS:]
