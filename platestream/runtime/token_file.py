"""API tokens of programs that act for a person: each is shown once, and only its hash is stored."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from platestream.runtime.private_file import PrivateFile
from platestream.schemas.fields import Instant

BEGINS = "platestream"
"""Prefix by which scanners of repositories and logs recognize a token."""


TERMINAL = "terminal"
"""The part of a token with which a person's command line signs in, and nothing else."""


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A stored token: `program` acts for `who`, in these `parts` of the API, until it expires.

    While `hashed` is empty it is a permit: the person has not fetched the token yet, and it has no text.
    `made_at` is set in one of a command line: its person gave the second factor then.
    """

    id: str
    who: str
    program: str
    parts: tuple[str, ...]
    ends_at: Instant
    hashed: str
    made_at: Instant | None = None


class Tokens:
    """The file at `path`. Each method raises PrivateFileError for a damaged file, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Token, "tokens")

    def all(self) -> list[Token]:
        """Return the tokens that were not removed, by id, including expired ones."""
        return sorted(self._file.read().values(), key=lambda one: one.id)

    def of(self, who: str) -> list[Token]:
        """Return the tokens and permits of a person."""
        return [one for one in self.all() if one.who == who]

    def make(
        self,
        who: str,
        program: str,
        parts: Sequence[str],
        ends_at: datetime,
        act: Callable[[Token], object] = lambda _made: None,
        made_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """Make a token and return it with its text, which cannot be shown again.

        `act` is called with it before it is stored; if that raises, nothing is stored.
        """
        secret = secrets.token_urlsafe(32)  # 256 random bits: no slow hash is needed
        made = Token(secrets.token_hex(4), who, program, tuple(parts), ends_at, _hash(secret), made_at)
        self._store(made, act)
        return made, f"{BEGINS}_{made.id}_{secret}"

    def permit(
        self,
        who: str,
        program: str,
        parts: Sequence[str],
        ends_at: datetime,
        act: Callable[[Token], object] = lambda _made: None,
    ) -> Token:
        """Store a permit for `who` to fetch a token; `act` as in `make`."""
        made = Token(secrets.token_hex(4), who, program, tuple(parts), ends_at, "")
        self._store(made, act)
        return made

    def _store(self, made: Token, act: Callable[[Token], object]) -> None:
        act(made)
        with self._file.writing() as stored:
            stored[made.id] = made

    @contextmanager
    def taking(self, ident: str) -> Iterator[tuple[Token, str]]:
        """Turn a permit into a token and yield it with its text; it is valid once the block has ended.

        If the block raises, the permit remains. Raises LookupError if there is no permit with this id.
        """
        with self._file.writing() as stored:
            found = stored.get(ident)
            if found is None or found.hashed:
                raise LookupError(ident)
            secret = secrets.token_urlsafe(32)
            made = msgspec.structs.replace(found, hashed=_hash(secret))
            yield made, f"{BEGINS}_{made.id}_{secret}"
            stored[ident] = made

    def end(self, ident: str) -> Token | None:
        """Remove a token and return it, or None if there is none with this id."""
        with self._file.writing() as stored:
            return stored.pop(ident, None)

    def end_all(self, who: str) -> None:
        """Remove all tokens and permits of a person."""
        with self._file.writing() as stored:
            for one in [one for one in stored.values() if one.who == who]:
                del stored[one.id]

    def find(self, text: str, now: datetime) -> Token | None:
        """Return the token with this text, or None if there is none or it has expired."""
        begins, _, rest = text.partition("_")
        ident, _, secret = rest.partition("_")
        found = self._file.read().get(ident) if begins == BEGINS else None
        expected = found.hashed if found else _hash("")
        right = hmac.compare_digest(_hash(secret).encode(), expected.encode())
        return found if right and found is not None and now < found.ends_at else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
