"""Browsers in which people have signed in, in one file that only its owner can read.

A browser holds a random mark, the file its hash. The mark admits nobody: failed sign-ins elsewhere do not
delay those in a known browser.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant
from platestream.settings import ACCOUNTS, Settings

FILE = "devices.json"
LIVES = timedelta(days=180)
MOST = 20
"""Browsers remembered for each person; those used longest ago are dropped."""


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A browser: the hash of its mark, its description, and its first and last sign-in."""

    id: str
    label: str
    since: Instant
    last: Instant


class KnownDevices:
    """The file at `path`, by person. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, tuple[Device, ...], "known devices")

    def of(self, who: str, now: datetime) -> list[Device]:
        """Return the browsers of a person, the one used last first."""
        found = [one for one in self._file.read().get(who, ()) if now - one.last < LIVES]
        return sorted(found, key=lambda one: one.last, reverse=True)

    def find(self, who: str, mark: str, now: datetime) -> Device | None:
        """Return the browser with this mark, if `who` has signed in there."""
        ident = _hash(mark)
        return next((one for one in self.of(who, now) if one.id == ident), None) if mark else None

    def all(self) -> dict[str, tuple[Device, ...]]:
        """Return the browsers by person."""
        return self._file.read()

    def remember(
        self,
        who: str,
        mark: str,
        label: str,
        now: datetime,
        act: Callable[[Device], object] = lambda _device: None,
    ) -> str:
        """Remember a sign-in of `who`; return the mark of the browser, a new one unless it is known.

        `act` is called with the browser before it is stored; if that raises, nothing is stored.
        """
        known = self.find(who, mark, now)
        mark = mark if known else secrets.token_urlsafe(32)
        made = Device(_hash(mark), label, known.since if known else now, now)
        act(made)
        with self._file.writing() as stored:
            others = [one for one in stored.get(who, ()) if one.id != made.id and now - one.last < LIVES]
            newest = sorted(others, key=lambda one: one.last, reverse=True)[: MOST - 1]
            stored[who] = (made, *newest)
        return mark

    def forget(self, who: str) -> None:
        """Forget all browsers of a person."""
        with self._file.writing() as stored:
            stored.pop(who, None)


def known_devices(settings: Settings) -> KnownDevices:
    """Return the known browsers of the data folder."""
    return KnownDevices(settings.data / ACCOUNTS / FILE)


def subject_of(who: str, device: Device) -> str:
    """Return the text by which a person's browser is named in the effect of an act."""
    return f"browser/{device.id}/{who}"


def _hash(mark: str) -> str:
    return hashlib.sha256(mark.encode("utf-8", "surrogateescape")).hexdigest()
