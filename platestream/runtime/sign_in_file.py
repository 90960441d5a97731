"""The sign-in of this person's command line, in a file that only they can read: a token for some hours."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from platestream.runtime.private_file import PrivateFileError, open_to_others, write_file
from platestream.schemas.fields import NOT_JSON, Instant


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token `text` of `who`, and the console that gave it."""

    who: str
    text: str
    console: str
    ends_at: Instant

    def __repr__(self) -> str:
        """Return a text without the token."""
        return f"SignIn(who={self.who!r}, console={self.console!r}, ends_at={self.ends_at!r})"


def read(file: Path) -> SignIn | None:
    """Return the sign-in; None without the file. Raises PrivateFileError for a file that others can use or
    that is damaged, and OSError.
    """
    try:
        if open_to_others(file):
            raise PrivateFileError(f"others can read {file}: run chmod 600, and sign in again")
        return msgspec.json.decode(file.read_bytes(), type=SignIn)
    except FileNotFoundError:
        return None
    except NOT_JSON:
        raise PrivateFileError(f"{file} is not a sign-in: remove it, and sign in again") from None


def write(file: Path, made: SignIn) -> None:
    """Store a sign-in in place of another one. Raises OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(file, msgspec.json.encode(made))


def with_token(dsn: str, file: Path) -> str:
    """Return a DSN that has no password with the token of its account as the password; any other DSN, and
    one whose account is not signed in, unchanged. Raises PrivateFileError and OSError.
    """
    try:
        url = urlsplit(dsn)
        bare = url.scheme in ("http", "https") and url.username and not url.password and not url.query
    except ValueError:
        return dsn
    found = read(file) if bare else None
    if found is None or found.who != url.username or datetime.now(UTC) >= found.ends_at:
        return dsn
    host = url.netloc.rpartition("@")[2]
    return url._replace(netloc=f"{url.username}:{quote(found.text, safe='')}@{host}").geturl()
