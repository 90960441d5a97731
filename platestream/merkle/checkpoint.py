"""Heads, proofs and requests to witnesses in the formats of C2SP.

`tlog-checkpoint` is the text of a head, `tlog-proof` an inclusion proof with its head, and the body of
`add-checkpoint` (`tlog-witness`) a head with the proof that it extends the last one.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from platestream.merkle import tree as merkle
from platestream.merkle.note import Note, NoteError, Verifier, parse

PROOF = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9]\d{0,17}")


class Head(NamedTuple):
    """A tree of `size` entries with this root, of the log `origin`."""

    origin: str
    size: int
    root: bytes
    more: str = ""

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n{self.more}"


@dataclass(frozen=True)
class Proof:
    """The proof that the entry at `index` is under the head of `note`."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        lines = "".join(f"{_base64(one)}\n" for one in self.hashes)
        return f"{PROOF}\nindex {self.index}\n{lines}\n{self.note}"


class AddCheckpointRequest(NamedTuple):
    """A request to a witness: the size that it is assumed to know, the proof from there, the head."""

    old: int
    hashes: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        lines = "".join(f"{_base64(one)}\n" for one in self.hashes)
        return f"old {self.old}\n{lines}\n{self.note}".encode()


def read_head(text: str) -> Head:
    """Return the head in a text. Raises NoteError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or "" in lines[:-1]:
        raise NoteError("a checkpoint is lines of origin, size and hash, none empty")
    root = _hash(lines[2])
    return Head(lines[0], _number(lines[1]), root, "".join(f"{line}\n" for line in lines[3:-1]))


def open_checkpoint(content: bytes, key: Verifier) -> tuple[Head, Note]:
    """Return a checkpoint that the log's `key` signed. Raises NoteError."""
    note = parse(content)
    if key.signature(note) is None:
        raise NoteError(f"the checkpoint is not signed by {key.name} with the key {key.key_hash.hex()}")
    head = read_head(note.text)
    if head.origin != key.name:
        raise NoteError(f"the checkpoint is of the log {head.origin}, and not of {key.name}")
    return head, note


def read_proof(content: bytes) -> Proof:
    """Return a proof. Raises NoteError."""
    head, lines, note = _parts(content)
    if head != PROOF:
        raise NoteError(f"a proof begins with {PROOF}")
    if lines and lines[0].startswith("extra "):
        lines = lines[1:]
    if not lines or not lines[0].startswith("index "):
        raise NoteError("a proof names the index of its entry")
    return Proof(_number(lines[0][6:]), tuple(map(_hash, lines[1:])), note)


def read_request(content: bytes) -> AddCheckpointRequest:
    """Return a request to a witness. Raises NoteError."""
    head, lines, note = _parts(content)
    if not head.startswith("old "):
        raise NoteError("the first line is: old, a space, a size")
    return AddCheckpointRequest(_number(head[4:]), tuple(map(_hash, lines)), note)


def _parts(content: bytes) -> tuple[str, list[str], Note]:
    """Return the first line, the lines before the empty one, and the note after it."""
    before, gap, rest = content.partition(b"\n\n")
    try:
        first, *lines = before.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise NoteError("lines before the checkpoint are ASCII") from None
    if not gap or len(lines) > merkle.LONGEST + 2:
        raise NoteError("an empty line is before the checkpoint, and 63 hashes at most before that")
    return first, lines, parse(rest)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise NoteError(f"no number of entries: {text[:20]!r}")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except (Error, ValueError):
        found = b""
    if len(found) != merkle.SIZE or _base64(found) != text:
        raise NoteError(f"no hash of 32 bytes in base64: {text[:60]!r}")
    return found


def _base64(raw: Sequence[int] | bytes) -> str:
    return b64encode(bytes(raw)).decode()
