"""Tokens by which programs speak for a person: each is shown once, and its hash kept for its owner alone."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.private_file import PrivateFile
from schemas.fields import Instant

BEGINS = "platestream"
"""So that a scanner of repositories and logs knows one when it sees it."""


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stored token: `program` speaks for `who`, in these `parts` of the API, until it ends.

    While `hashed` is empty it is a permit: the person has not taken the token yet, and it has no text.
    """

    id: str
    who: str
    program: str
    parts: tuple[str, ...]
    ends_at: Instant
    hashed: str


class Tokens:
    """The file at `path`. Each method raises PrivateFileError for a file that is damaged, and OSError."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Token, "tokens")

    def all(self) -> list[Token]:
        """Those that were made and not ended, by id; past their end, too."""
        return sorted(self._file.read().values(), key=lambda one: one.id)

    def make(
        self,
        who: str,
        program: str,
        parts: Sequence[str],
        ends_at: datetime,
        act: Callable[[Token], object] = lambda _made: None,
    ) -> tuple[Token, str]:
        """A new one, and its text, which nothing here can tell again.

        `act` is done with it before it is stored, and where that raises nothing is.
        """
        secret = secrets.token_urlsafe(32)  # 256 random bits: no slow hash is needed
        made = Token(secrets.token_hex(4), who, program, tuple(parts), ends_at, _hash(secret))
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
        """Note that `who` may take a token; `act` as in `make`."""
        made = Token(secrets.token_hex(4), who, program, tuple(parts), ends_at, "")
        self._store(made, act)
        return made

    def _store(self, made: Token, act: Callable[[Token], object]) -> None:
        act(made)
        with self._file.writing() as kept:
            kept[made.id] = made

    @contextmanager
    def taking(self, ident: str) -> Iterator[tuple[Token, str]]:
        """Make a permit a token, which counts once the block has ended; it, and its text.

        Where the block raises it stays a permit. Raises LookupError where there is no permit of this id.
        """
        with self._file.writing() as kept:
            found = kept.get(ident)
            if found is None or found.hashed:
                raise LookupError(ident)
            secret = secrets.token_urlsafe(32)
            made = msgspec.structs.replace(found, hashed=_hash(secret))
            yield made, f"{BEGINS}_{made.id}_{secret}"
            kept[ident] = made

    def end(self, ident: str) -> Token | None:
        """Take one away; None where there is none of this id."""
        with self._file.writing() as kept:
            return kept.pop(ident, None)

    def end_all(self, who: str) -> None:
        """Take away all of a person, permits too."""
        with self._file.writing() as kept:
            for one in [one for one in kept.values() if one.who == who]:
                del kept[one.id]

    def find(self, text: str, now: datetime) -> Token | None:
        """Which one this is; None where it is none, or past its end."""
        begins, _, rest = text.partition("_")
        ident, _, secret = rest.partition("_")
        found = self._file.read().get(ident) if begins == BEGINS else None
        kept = found.hashed if found else _hash("")
        right = hmac.compare_digest(_hash(secret).encode(), kept.encode())
        return found if right and found is not None and now < found.ends_at else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
