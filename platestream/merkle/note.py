"""Signed notes of C2SP: a text, an empty line, and a line for each signature, Ed25519 of a named key.

A verifier key is `name+hash+base64`. Two kinds are supported: 1 signs the text itself (a log), 4 signs it
with a time before it (a witness: `tlog-cosignature`). Keys are made of random bytes that are passed in.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Kind = Literal[1, 4]
LOG: Kind = 1
WITNESS: Kind = 4
MOST_BYTES, MOST_SIGNATURES = 100_000, 100
_LINE = re.compile(r"— (\S+) (\S+)")
_HASH = 4
_PRIVATE = "PRIVATE+KEY+"


class NoteError(ValueError):
    """A malformed or wrongly signed note or key; the message names the fault."""


class Signature(NamedTuple):
    """A line of a note. `at` is the time with which a witness signed, in seconds since 1970; 0 for a log."""

    name: str
    key_hash: bytes
    raw: bytes

    @property
    def line(self) -> str:
        """The line with its line feed."""
        return f"— {self.name} {b64encode(self.key_hash + self.raw).decode()}\n"

    @property
    def at(self) -> int:
        """The time of a witness's signature."""
        return int.from_bytes(self.raw[:8])


@dataclass(frozen=True)
class Note:
    """A text that ends with a line feed, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(one.line for one in self.signatures)

    def with_also(self, more: Iterable[Signature]) -> "Note":
        """Return the note with these signatures, each replacing an older one of its key."""
        signatures = {(one.name, one.key_hash): one for one in (*self.signatures, *more)}
        return Note(self.text, tuple(signatures.values()))


@dataclass(frozen=True)
class Verifier:
    """A trusted key: a name, a kind and a public key of 32 bytes."""

    name: str
    kind: Kind
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Return the verifier of `name+hash+base64`. Raises NoteError."""
        name, _plus, rest = text.partition("+")
        key_hash, _plus, key = rest.partition("+")
        raw = _decoded(key)
        if not valid_name(name) or len(raw) != 33 or raw[0] not in (LOG, WITNESS):
            raise NoteError(f"no verifier key (name+hash+base64) of a log or witness: {text[:80]!r}")
        found = cls(name, LOG if raw[0] == LOG else WITNESS, raw[1:])
        if key_hash != found.key_hash.hex():
            raise NoteError(f"the key of {name} is mistyped: its hash is {found.key_hash.hex()}")
        return found

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes that identify the key in a signature."""
        return sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:_HASH]

    def of_key(self, one: Signature) -> bool:
        """Return whether the signature names this key."""
        return one.name == self.name and one.key_hash == self.key_hash

    def holds(self, text: str, one: Signature) -> bool:
        """Return whether the signature of the text is valid for this key."""
        raw, said = one.raw, text.encode()
        if self.kind == WITNESS:
            raw, said = raw[8:], _timed(one.at, text)
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(raw, said)
        except (InvalidSignature, ValueError):
            return False
        return True

    def signature(self, note: Note) -> Signature | None:
        """Return the signature of this key, or None. Raises NoteError if it is invalid."""
        for one in note.signatures:
            if self.of_key(one):
                if not self.holds(note.text, one):
                    raise NoteError(f"the signature of {self.name} is not right")
                return one
        return None


@dataclass(frozen=True)
class Signer:
    """A private key with its name; it is never shown."""

    name: str
    kind: Kind
    seed: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """Return the signer of `PRIVATE+KEY+name+hash+base64`. Raises NoteError, which does not repeat it."""
        name, _plus, rest = text.removeprefix(_PRIVATE).partition("+")
        key_hash, _plus, key = rest.partition("+")
        raw = _decoded(key)
        right = text.startswith(_PRIVATE) and valid_name(name) and len(raw) == 33 and raw[0] in (LOG, WITNESS)
        if not right:
            raise NoteError("no private key of a signed note")
        found = cls(name, LOG if raw[0] == LOG else WITNESS, raw[1:])
        if key_hash != found.verifier.key_hash.hex():
            raise NoteError(f"the private key of {name} is damaged")
        return found

    def secret(self) -> str:
        """Return the private key in the form in which a file stores it."""
        key = b64encode(bytes([self.kind]) + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_hash.hex()}+{key}"

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(self.name, self.kind, public)

    def sign(self, text: str, at: int = 0) -> Signature:
        """Sign a text; a witness signs with a time in seconds since 1970."""
        said = _timed(at, text) if self.kind == WITNESS else text.encode()
        raw = Ed25519PrivateKey.from_private_bytes(self.seed).sign(said)
        when = at.to_bytes(8) if self.kind == WITNESS else b""
        return Signature(self.name, self.verifier.key_hash, when + raw)


def valid_name(name: str) -> bool:
    """Return whether a name is not empty and has no spaces or plus signs."""
    return bool(name) and "+" not in name and not any(sign.isspace() for sign in name)


def parse(content: bytes) -> Note:
    """Return a note. Raises NoteError."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise NoteError("a note is UTF-8") from None
    if len(content) > MOST_BYTES or any(sign < " " and sign != "\n" for sign in text):
        raise NoteError("a note is no longer than 100,000 bytes and has no control characters")
    said, gap, lines = text.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteError("a note has an empty line before its signatures, and each ends its line")
    found = signatures(lines)
    if not found:
        raise NoteError("a note has a signature")
    return Note(said + "\n", found)


def signatures(lines: str) -> tuple[Signature, ...]:
    """Return the signatures in lines, each with its line feed. Raises NoteError."""
    split = lines.split("\n")
    if split.pop() or len(split) > MOST_SIGNATURES:
        raise NoteError(f"signatures are whole lines, {MOST_SIGNATURES} at most")
    return tuple(map(_signature, split))


def _signature(line: str) -> Signature:
    match = _LINE.fullmatch(line)
    raw = _decoded(match[2]) if match else b""
    if match is None or not valid_name(match[1]) or len(raw) <= _HASH:
        raise NoteError("a line of signature is: —, a name, base64")
    return Signature(match[1], raw[:_HASH], raw[_HASH:])


def _timed(at: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _decoded(text: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
    except (Error, ValueError):
        return b""
    return raw if b64encode(raw).decode() == text else b""
