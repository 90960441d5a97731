"""Passwords of people, as hashes of Argon2id in one file for its owner alone: JSON, a hash for each name."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
"""Characters of a password at least: guesses are slowed down (NIST SP 800-63B)."""


class PasswordError(ValueError):
    """A password that may not be one, or a file that is none; no secret is in the message."""


class Passwords:
    """The file at `path`; what is written is on the disk on return, whole or not at all."""

    def __init__(self, path: Path, hasher: PasswordHasher | None = None) -> None:
        self._path, self._hasher = path, hasher or PasswordHasher()

    def names(self) -> list[str]:
        """Who has a password. Raises PasswordError and OSError."""
        return sorted(self._read())

    def put(self, who: str, password: str) -> None:
        """Give somebody a password. Raises PasswordError for one that is too short, and OSError."""
        if len(password) < SHORTEST:
            raise PasswordError(f"a password has {SHORTEST} characters or more")
        hashed = self._hasher.hash(password)
        with self._writing() as kept:
            kept[who] = hashed

    def end(self, who: str) -> bool:
        """Take somebody's password away; whether there was one. Raises PasswordError and OSError."""
        with self._writing() as kept:
            return kept.pop(who, None) is not None

    def right(self, who: str, password: str) -> bool:
        """Whether this is the person's password; takes as long for a person who has none."""
        kept = self._read().get(who)
        try:
            return self._hasher.verify(kept or _nobodys(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False

    def _read(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except FileNotFoundError:
            return {}
        except msgspec.DecodeError:
            raise PasswordError(f"{self._path} is not a file of passwords") from None

    @contextmanager
    def _writing(self) -> Iterator[dict[str, str]]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = self._read()
            yield kept
            making = self._path.with_suffix(".making")
            with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
                made.write(msgspec.json.encode(kept))
                made.flush()
                os.fsync(made.fileno())
            making.replace(self._path)


@cache
def _nobodys() -> str:
    """What the password of somebody who has none is compared with, so that the answer takes as long."""
    return PasswordHasher().hash(secrets.token_urlsafe())
