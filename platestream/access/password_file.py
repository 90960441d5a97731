"""Passwords of people, as Argon2id hashes in one file that only its owner can read."""

import hashlib
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from platestream.runtime.private_file import PrivateFile

SHORTEST = 12
"""Minimum length of a password; login attempts are rate-limited (NIST SP 800-63B)."""


class PasswordError(ValueError):
    """A password that is not acceptable; it is not in the message."""


class Passwords:
    """The file at `path`. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self._file, self._hasher = PrivateFile(path, str, "passwords"), hasher or PasswordHasher()

    def all(self) -> dict[str, str]:
        """Return the hashes of the passwords by person."""
        return self._file.read()

    def names(self) -> list[str]:
        """Return the people who have a password."""
        return sorted(self._file.read())

    def put(self, who: str, password: str, act: Callable[[str], object] = lambda _hashed: None) -> None:
        """Set a person's password.

        `act` is called with its hash before it is stored; if that raises, nothing is stored. Raises
        PasswordError for a password that is too short.
        """
        if len(password) < SHORTEST:
            raise PasswordError(f"a password has {SHORTEST} characters or more")
        hashed = self._hasher.hash(password)
        act(hashed)
        with self._file.writing() as stored:
            stored[who] = hashed

    def end(self, who: str) -> bool:
        """Remove a person's password. Returns whether there was one."""
        with self._file.writing() as stored:
            return stored.pop(who, None) is not None

    def version(self, who: str) -> str:
        """Return a text that changes with each new password, and is empty without one.

        The file is read each time, so that changes of other processes apply at once.
        """
        return _version(self._file.read().get(who, ""))

    def proven(self, who: str, password: str) -> str:
        """Return the version of the person's password if it matches, else an empty text.

        It takes as long for a person without a password.
        """
        stored = self._file.read().get(who, "")
        try:
            right = self._hasher.verify(stored or _decoy_hash(), password)
        except (VerificationError, InvalidHashError):
            return ""
        return _version(stored) if right else ""


def _version(hashed: str) -> str:
    return hashlib.sha256(hashed.encode()).hexdigest() if hashed else ""


@cache
def _decoy_hash() -> str:
    """Return a hash to compare with if a person has no password, so that the answer takes as long."""
    return PasswordHasher().hash(secrets.token_urlsafe())
