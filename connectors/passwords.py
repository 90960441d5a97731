"""Passwords of people, as hashes of Argon2id in one file for its owner alone."""

import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connectors.private_file import PrivateFile

SHORTEST = 12
"""Characters of a password at least: guesses are slowed down (NIST SP 800-63B)."""


class PasswordError(ValueError):
    """A password that may not be one; it is not in the message."""


class Passwords:
    """The file at `path`. Each method raises PrivateFileError for a file that is damaged, and OSError."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self._file, self._hasher = PrivateFile(path, str, "passwords"), hasher or PasswordHasher()

    def all(self) -> dict[str, str]:
        """The hashes of the passwords by who has them."""
        return self._file.read()

    def names(self) -> list[str]:
        """Who has a password."""
        return sorted(self._file.read())

    def put(self, who: str, password: str, act: Callable[[str], object] = lambda _hashed: None) -> None:
        """Give somebody a password; `act` is done with its hash before it is stored, and where that raises
        nothing is. Raises PasswordError for one that is too short.
        """
        if len(password) < SHORTEST:
            raise PasswordError(f"a password has {SHORTEST} characters or more")
        hashed = self._hasher.hash(password)
        act(hashed)
        with self._file.writing() as kept:
            kept[who] = hashed

    def end(self, who: str) -> bool:
        """Take somebody's password away; whether there was one."""
        with self._file.writing() as kept:
            return kept.pop(who, None) is not None

    def version(self, who: str) -> str:
        """Return what changes with each new password, and is empty where there is none. Reads the file, so
        that what another process wrote counts at once.
        """
        return _version(self._file.read().get(who, ""))

    def proven(self, who: str, password: str) -> str:
        """Return the version of the person's password where this is it, else an empty text.

        Takes as long for a person who has no password.
        """
        kept = self._file.read().get(who, "")
        try:
            right = self._hasher.verify(kept or _nobodys(), password)
        except (VerificationError, InvalidHashError):
            return ""
        return _version(kept) if right else ""


def _version(hashed: str) -> str:
    return hashlib.sha256(hashed.encode()).hexdigest() if hashed else ""


@cache
def _nobodys() -> str:
    """What the password of somebody who has none is compared with, so that the answer takes as long."""
    return PasswordHasher().hash(secrets.token_urlsafe())
