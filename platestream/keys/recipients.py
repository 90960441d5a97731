"""Recipients of encrypted files, and identities that open them, as age writes them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from pyrage import IdentityError, ssh, x25519
from pyrage import RecipientError as NoRecipient

from platestream.runtime.private_file import new_file

PublicKey: TypeAlias = x25519.Recipient | ssh.Recipient
Identity: TypeAlias = x25519.Identity | ssh.Identity
_SECRET = "AGE-SECRET-KEY-"  # noqa: S105 - how an identity begins
_PEM = "-----BEGIN "
_ENCRYPTED = ("age-encryption.org/", "-----BEGIN AGE ")


class RecipientError(ValueError):
    """Error for a recipient or an identity that cannot be used; the message contains no secret."""


@dataclass(frozen=True)
class Recipient:
    """A public key, as `text` without a comment, and as the library's `key`."""

    text: str
    key: PublicKey


def parse_recipient(text: str) -> Recipient:
    """Return the recipient of a line, `age1…` or `ssh-ed25519 …`. Raises RecipientError."""
    if text.upper().startswith((_SECRET, _PEM)):
        raise RecipientError("this is a private key: only its public half belongs here")
    words = text.split()
    try:
        if words[:1] == ["ssh-ed25519"]:
            written = " ".join(words[:2])
            return Recipient(written, ssh.Recipient.from_str(written))
        (written,) = words
        return Recipient(written, x25519.Recipient.from_str(written))
    except (NoRecipient, ValueError):
        raise RecipientError("this is no public key `age1…` or `ssh-ed25519 …`") from None


def read_recipients(path: Path) -> tuple[Recipient, ...]:
    """Read a file with one recipient on each line; `#` begins a comment. Raises RecipientError that names the
    line, and OSError.
    """
    found: dict[str, Recipient] = {}
    for number, line in _lines(path):
        try:
            one = parse_recipient(line)
        except RecipientError as error:
            raise RecipientError(f"{path}, line {number}: {error}") from None
        found[one.text] = one
    if not found:
        raise RecipientError(f"{path}: no recipient is in it")
    return tuple(found.values())


def read_identities(path: Path) -> tuple[Identity, ...]:
    """Read a file of identities: of age, or one private key of OpenSSH. Raises RecipientError and OSError."""
    content = path.read_bytes()
    if content.startswith(tuple(begin.encode() for begin in _ENCRYPTED)):
        raise RecipientError(f"{path} is encrypted: open it first, with age --decrypt")
    try:
        if content.startswith(_PEM.encode()):
            return (ssh.Identity.from_buffer(content),)
        found = tuple(x25519.Identity.from_str(line) for _number, line in _lines(path))
    except IdentityError:
        raise RecipientError(f"{path}: no identity, or one with a passphrase") from None
    if not found:
        raise RecipientError(f"{path}: no identity is in it")
    return found


def new_identity(path: Path, now: datetime) -> str:
    """Make an identity in a new file, readable by its owner only; return its recipient. Raises
    FileExistsError and OSError.
    """
    made = x25519.Identity.generate()
    recipient = str(made.to_public())
    with new_file(path) as file:
        file.write(f"# created: {now:%Y-%m-%dT%H:%M:%SZ}\n# public key: {recipient}\n{made}\n".encode())
    return recipient


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if (content := line.strip()) and not content.startswith("#"):
            yield number, content
