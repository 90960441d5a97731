"""Passkeys of people, as public keys in one file that only its owner can read."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant
from platestream.settings import ACCOUNTS, Settings

FILE = "passkeys.json"
MOST = 10
"""Passkeys of a person."""


class Passkey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey: its id and public key (Base64 for URLs), the console's host that it is for, and its name."""

    id: str
    public_key: str
    host: str
    name: str
    made_at: Instant

    @property
    def version(self) -> str:
        """The text by which a session knows the passkey that it was begun with."""
        return hashlib.sha256(f"passkey {self.id} {self.public_key}".encode()).hexdigest()

    @property
    def about(self) -> str:
        """The subject of acts about it."""
        return f"passkey/{hashlib.sha256(self.id.encode()).hexdigest()[:32]}"


class StoredPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey with its uses: the counter of its device, and the time of the last one."""

    passkey: Passkey
    count: int = 0
    used_at: Instant | None = None


class Passkeys:
    """The file at `path`, by person. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, tuple[StoredPasskey, ...], "passkeys")

    def all(self) -> dict[str, tuple[StoredPasskey, ...]]:
        """Return the passkeys by person."""
        return self._file.read()

    def of(self, who: str) -> tuple[StoredPasskey, ...]:
        """Return a person's passkeys, the oldest first."""
        return self._file.read().get(who, ())

    def find(self, ident: str) -> tuple[str, StoredPasskey] | None:
        """Return the passkey with this id, and its person."""
        for who, keys in self._file.read().items():
            for one in keys:
                if one.passkey.id == ident:
                    return who, one
        return None

    def add(self, who: str, passkey: Passkey, count: int, act: Callable[[], object]) -> None:
        """Add a passkey of a person. `act` is called before it is stored; if that raises, nothing is stored.

        Raises ValueError for an id that is stored already, and for one passkey too many.
        """
        with self._file.writing() as stored:
            if any(one.passkey.id == passkey.id for keys in stored.values() for one in keys):
                raise ValueError("this passkey is registered already")
            if len(stored.get(who, ())) >= MOST:
                raise ValueError(f"a person has {MOST} passkeys at most: remove one first")
            act()
            stored[who] = (*stored.get(who, ()), StoredPasskey(passkey, count))

    def use(self, who: str, ident: str, before: int, count: int, now: datetime) -> bool:
        """Store the counter of a use; return False if the passkey was removed or used in the meantime."""
        with self._file.writing() as stored:
            keys = stored.get(who, ())
            if not any(one.passkey.id == ident and one.count == before for one in keys):
                return False
            stored[who] = tuple(
                msgspec.structs.replace(one, count=count, used_at=now) if one.passkey.id == ident else one
                for one in keys
            )
            return True

    def end(self, who: str, ident: str = "") -> None:
        """Remove a passkey of a person, or all of them without `ident`."""
        if not self.of(who):
            return
        with self._file.writing() as stored:
            left = tuple(one for one in stored.pop(who, ()) if ident and one.passkey.id != ident)
            if left:
                stored[who] = left


def passkeys(settings: Settings) -> Passkeys:
    """Return the passkeys of the data folder."""
    return Passkeys(settings.data / ACCOUNTS / FILE)
