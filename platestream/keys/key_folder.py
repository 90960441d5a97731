"""Folder of the hourly keys: one file for each hour, wrapped by the master key.

All processes that read or write what cameras saw share the folder. The retention job destroys the file of an
hour when everything of the hour is due. From then on nobody can read a copy of that hour, unless the folder
itself was copied before. So it belongs on another disk than the data, and into no backup.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from platestream.keys.envelope import KEY_BYTES, HourKey, is_sealed, named_key
from platestream.keys.in_use import note_use
from platestream.keys.master import (
    KeysError,
    Master,
    MasterFile,
    WrongMasterError,
    link_new,
)
from platestream.runtime.faults import Faults
from platestream.runtime.private_file import synchronize, write_file
from platestream.schemas.fields import NOT_JSON, Instant

MASTER = "master.key"
ACCOUNT_KEY = "accounts.key"
PAST = "destroyed.json"
LOCK = "keys.lock"
HOUR = timedelta(hours=1)
OLDEST = timedelta(days=31)
"""No key is made for an hour before this; older captures are refused anyway, and get the key of this hour."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.key")
_FORMAT = "%Y-%m-%dT%H.key"
NAMELESS = "is encrypted: name the folder of its keys in PLATESTREAM_KEYS"
_REREAD_SECONDS = 600.0
"""A key is read again after this time: a running process forgets a destroyed key, too."""


class DamagedKeyError(KeysError):
    """A wrapped key that the master key does not open."""


class KeyDestroyedError(ValueError):
    """The key of a text was destroyed on time."""


class DestroyedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A destroyed key, for the receipt. `hour` is its begin in UTC; a damaged key has no fingerprint.
    `detections` is the number of those of that hour that were deleted.
    """

    hour: Instant
    fingerprint: str
    detections: int = 0


class _Past(msgspec.Struct, frozen=True):
    """Keys of hours before `before` were destroyed; `unreported` are in no receipt yet."""

    before: int = 0
    unreported: list[DestroyedKey] = []


class Sealer(Protocol):
    """Encryption of what is written, by purpose and hour."""

    def seal(self, purpose: str, at: datetime | None, content: bytes) -> bytes:
        """Return `content` encrypted under the key of the hour of `at` (now if None)."""

    def open(self, purpose: str, content: bytes) -> bytes:
        """Return what `seal` was given; a text that is not encrypted as it is.

        Raises KeyDestroyedError, SealError, and KeysError if the key is not there.
        """

    def key_at(self, at: datetime) -> HourKey | None:
        """Return the key of the hour of `at` for writing, None without encryption. Raises KeysError."""

    def key_named(self, hour: int, named: str) -> HourKey:
        """Return the key of an hour since 1970, whose fingerprint begins with `named`.

        Raises KeyDestroyedError, and KeysError if the key is not there.
        """


class Unsealed:
    """No encryption: for tests, and where no folder of keys is named."""

    def seal(self, purpose: str, at: datetime | None, content: bytes) -> bytes:
        return content

    def open(self, purpose: str, content: bytes) -> bytes:
        if is_sealed(content):
            raise KeysError(f"{purpose} {NAMELESS}")
        return content

    def key_at(self, at: datetime) -> None:
        return None

    def key_named(self, hour: int, named: str) -> HourKey:
        raise KeysError(f"this {NAMELESS}")


UNSEALED = Unsealed()


class KeyFolder:
    """The keys below `folder`, wrapped by `master`, by default a file in the folder. It is thread-safe.

    Raises KeysError if they cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        master: Master | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder, self._now = folder, now
        self.master = master or MasterFile(folder / MASTER, may_make=self._is_new)
        self._known: dict[int, tuple[HourKey, float]] = {}

    def seal(self, purpose: str, at: datetime | None, content: bytes) -> bytes:
        return self.key_at(self._now() if at is None else at).seal(purpose, content)

    def open(self, purpose: str, content: bytes) -> bytes:
        if not is_sealed(content):
            return content
        return self.key_named(*named_key(content)).unseal(purpose, content)

    def key_at(self, at: datetime) -> HourKey:
        now = self._now()
        # A camera's clock may be ahead by seconds; a replay must find the same hour.
        hour = hour_of(min(max(at, now - OLDEST), now + HOUR))
        return self._key(hour) or self._make(hour)

    def key_named(self, hour: int, named: str) -> HourKey:
        key = self._key(hour)
        if key is None or key.fingerprint[: len(named)] != named:
            if hour < self._past().before or key is not None:
                raise KeyDestroyedError(f"the key of {begin(hour):%Y-%m-%d %H:00} UTC was destroyed")
            raise KeysError(f"{self.folder} has no key of {begin(hour):%Y-%m-%d %H:00} UTC")
        return key

    def hours(self) -> list[datetime]:
        """Return the hours (UTC) that have a key, oldest first."""
        with suppress(FileNotFoundError):
            names = sorted(path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name))
            return [datetime.strptime(name, _FORMAT).replace(tzinfo=UTC) for name in names]
        return []

    def fingerprints(self) -> list[str]:
        """Return the fingerprints of all keys, oldest first; an empty one of a key that cannot be read."""
        return [self._fingerprint(hour_of(at)) for at in self.hours()]

    def check(self) -> None:
        """Open the newest key. Raises KeysError."""
        for at in self.hours()[-1:]:
            self._key(hour_of(at))

    def destroy(self, cutoff: datetime, faults: Faults) -> list[DestroyedKey]:
        """Destroy the keys of all hours that ended by `cutoff`; return them after those that no receipt has
        yet, oldest first. A key that cannot be destroyed is one of `faults`, and so is a damaged note of the
        destroyed ones, which is written again.

        The file is overwritten before it is removed; on a disk of flash memory, only the encryption of that
        disk destroys it for certain.
        """
        if faults.attempt("destroyed keys", self._past) is None:
            write_file(self.folder / PAST, msgspec.json.encode(_Past(hour_of(cutoff))))
        for at in self.hours():
            if at + HOUR > cutoff:
                break
            faults.attempt(f"the key of {at:%Y-%m-%d %H}:00 UTC", partial(self._destroy, at))
        return self._past().unreported

    def _destroy(self, at: datetime) -> None:
        hour = hour_of(at)
        past, gone = self._past(), DestroyedKey(hour=at, fingerprint=self._fingerprint(hour))
        # A run that was killed here has noted the key, and may have overwritten its file.
        if gone not in past.unreported and (gone.fingerprint or hour >= past.before):
            noted = _Past(max(past.before, hour + 1), [*past.unreported, gone])
            write_file(self.folder / PAST, msgspec.json.encode(noted))
        destroy_file(self.folder, self._path(hour))

    def report(self) -> None:
        """Note that all destroyed keys are in receipts."""
        past = self._past()
        if past.unreported:
            write_file(self.folder / PAST, msgspec.json.encode(_Past(past.before)))

    def wrap(self, key: bytes) -> bytes:
        """Return a key wrapped by the master key. Raises KeysError."""
        note_use(self.folder)
        return self.master.wrap(key)

    def unwrap(self, wrapped: bytes, where: Path) -> bytes:
        """Return a key that `wrap` wrapped, of the file `where`. Raises DamagedKeyError and KeysError."""
        note_use(self.folder)
        try:
            return self.master.unwrap(wrapped)
        except WrongMasterError:
            raise DamagedKeyError(f"{where} is damaged, or not wrapped by {self.master.name}") from None

    def _is_new(self) -> bool:
        keys = {*self.folder.glob("*.key"), *self.folder.glob("*/*")}
        return keys <= {self.folder / MASTER}

    def _fingerprint(self, hour: int) -> str:
        """Return the fingerprint of a key, or an empty one if it cannot be read; forget the key."""
        self._known.pop(hour, None)
        try:
            key = self._key(hour)
        except KeysError:
            return ""
        self._known.pop(hour, None)
        return key.fingerprint if key is not None else ""

    def _key(self, hour: int) -> HourKey | None:
        known, read_at = self._known.get(hour, (None, 0.0))
        if known is not None and time.monotonic() - read_at < _REREAD_SECONDS:
            return known
        self._known.pop(hour, None)
        try:
            wrapped = self._path(hour).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeysError(f"{self._path(hour)}: {error.strerror}") from error
        try:
            key = HourKey(hour, self.unwrap(wrapped, self._path(hour)))
        except DamagedKeyError:
            if hour < self._past().before:
                return None  # overwritten, and not yet removed
            raise
        self._known[hour] = (key, time.monotonic())
        return key

    def _make(self, hour: int) -> HourKey:
        """Make the key of an hour; where another process is first, return its key."""
        path = self._path(hour)
        link_new(path, self.wrap(secrets.token_bytes(KEY_BYTES)))
        key = self._key(hour)
        if key is None:
            raise KeysError(f"{path} is gone while it was made")
        return key

    def _path(self, hour: int) -> Path:
        return self.folder / begin(hour).strftime(_FORMAT)

    def _past(self) -> _Past:
        try:
            return msgspec.json.decode((self.folder / PAST).read_bytes(), type=_Past)
        except FileNotFoundError:
            return _Past()
        except (OSError, *NOT_JSON):
            raise KeysError(f"{self.folder / PAST} is damaged") from None


def being_rewrapped(path: Path) -> Path:
    """Return the file in which a key is wrapped again, before it takes the place of the one at `path`."""
    return path.with_name(f".{path.name}.rewrapped")


def hour_of(at: datetime) -> int:
    """Return the hours since 1970."""
    return (at - _EPOCH) // HOUR


def begin(hour: int) -> datetime:
    """Return the begin (UTC) of an hour since 1970."""
    return _EPOCH + hour * HOUR


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Wait until no other process replaces or destroys a key of the folder, and hold others off."""
    with open(os.open(folder / LOCK, os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def destroy_file(folder: Path, path: Path) -> None:
    """Destroy a key of the folder, and what a killed `rewrap` left of it. Raises OSError."""
    with changing(folder):
        for copy in (being_rewrapped(path), path):
            if copy.exists():
                erase(copy)


def erase(path: Path) -> None:
    """Overwrite a file and remove it. Raises OSError."""
    with open(path, "r+b") as file:
        overwrite(file)
    path.unlink()
    synchronize(path.parent)


def overwrite(file: BinaryIO) -> None:
    """Overwrite the content of an open file with random bytes. Raises OSError."""
    file.seek(0)
    file.write(secrets.token_bytes(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())
