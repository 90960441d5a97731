"""One-time codes for setting passwords, and the events of each account.

The file stores the hash of a code and never its text. A code has 128 random bits, so no slow hash is needed.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant
from platestream.settings import ACCOUNTS, Settings

MOST_EVENTS = 50
What = Literal["code", "reset", "redeemed", "changed", "factor", "recovery", "unfactored"]
FILE = "enrollments.json"


class CodeError(ValueError):
    """A code that is wrong, already redeemed, or expired; the message does not say which."""


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A code that is not yet redeemed: its maker, time and place, and its expiry.

    With `signs_in` it is that of a link that begins a session; otherwise its person sets a password with it.
    """

    hashed: str
    made_by: str
    made_at: Instant
    ends_at: Instant
    place: str
    signs_in: bool = False


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event of an account: its time, person and place."""

    at: Instant
    what: What
    by: str
    place: str


class Enrollment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's open code, if any, and the events of the account, oldest first."""

    code: Code | None = None
    events: tuple[Event, ...] = ()


class Enrollments:
    """The file at `path`, by person. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Enrollment, "one-time codes")

    def codes(self) -> dict[str, Code]:
        """Return the open codes by the person who may redeem them."""
        return {who: one.code for who, one in self._file.read().items() if one.code is not None}

    def of(self, who: str) -> Enrollment:
        """Return the state of a person's account."""
        return self._file.read().get(who, Enrollment())

    def make(self, who: str, code: Code, event: Event) -> None:
        """Store a code for a person; it replaces an open one."""
        with self._file.writing() as stored:
            stored[who] = Enrollment(code, _with(stored.get(who), event))

    def note(self, who: str, event: Event) -> None:
        """Add an event to an account."""
        with self._file.writing() as stored:
            before = stored.get(who, Enrollment())
            stored[who] = Enrollment(before.code, _with(before, event))

    def remove(self, who: str) -> None:
        """Remove an open code."""
        with self._file.writing() as stored:
            if who in stored:
                stored[who] = Enrollment(None, stored[who].events)

    @contextmanager
    def redeeming(
        self, who: str, text: str, now: datetime, place: str, *, signs_in: bool = False
    ) -> Iterator[Code]:
        """Yield a person's code of this kind while it is redeemed; it has ended after the block.

        If the block raises, the code stays open. If several redeem it at once, one succeeds. Raises
        CodeError.
        """
        with self._file.writing() as stored:
            before = stored.get(who, Enrollment())
            code = before.code
            right = hmac.compare_digest(hashed(text).encode(), (code.hashed if code else hashed("")).encode())
            valid = code is not None and code.signs_in == signs_in and code.made_at <= now < code.ends_at
            if code is None or not right or not valid:
                raise CodeError("the name or the code is wrong, or the code was redeemed or has ended")
            yield code
            stored[who] = Enrollment(None, _with(before, Event(now, "redeemed", who, place)))


def enrollments(settings: Settings) -> Enrollments:
    """Return the enrollment codes of the data folder, with the events of each account."""
    return Enrollments(settings.data / ACCOUNTS / FILE)


def hashed(text: str) -> str:
    """Return the SHA-256 of a typed code; case, spaces and dashes are ignored."""
    plain = "".join(text.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def _with(before: Enrollment | None, event: Event) -> tuple[Event, ...]:
    return (*(before.events if before else ()), event)[-MOST_EVENTS:]
