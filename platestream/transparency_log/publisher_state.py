"""Private state of a log's publisher: its key, the last signed head, and the state of the witnesses.

The head is on the disk before anybody sees it, so this file knows every signed head.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from platestream.runtime.private_file import PrivateFile, PrivateFileError, new_file, write_file
from platestream.schemas.fields import NOT_JSON

T = TypeVar("T")
KEY = "key"


class BusyError(RuntimeError):
    """Another process is publishing this log."""


class SignedHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last head: the signed note, and the hash of the last seal of the chain in it."""

    note: str
    size: int
    seal_hash: str
    signed_at: float


class WitnessState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The size that a witness is known to have, its last cosignature, and its failure since then, if any."""

    size: int = 0
    cosigned_at: float = 0.0
    failed_since: float = 0.0
    said: str = ""


class LastRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of publishing: the reasons if nothing was signed (`refused`) or stamped (`unstamped`)."""

    at: float
    refused: str = ""
    unstamped: str = ""


class PublisherState:
    """The folder at `root`, which only its owner can read."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for one process. Raises BusyError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self.root / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"another process publishes the log of {self.root} just now") from None
            yield

    def secret(self, name: str = KEY) -> str | None:
        """Return a private key, or None if there is none yet."""
        try:
            return (self.root / name).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def store_secret(self, text: str, name: str = KEY) -> None:
        """Store a private key. An existing one is never overwritten. Raises FileExistsError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with new_file(self.root / name) as file:
            file.write(text.encode() + b"\n")

    def signed(self) -> SignedHead | None:
        """Return the last head, or None before the first. Raises PrivateFileError."""
        return self._stored("signed.json", SignedHead, "the last head of a log")

    def store_signed(self, head: SignedHead) -> None:
        """Store the last head; it is on the disk when this returns."""
        write_file(self.root / "signed.json", msgspec.json.encode(head))

    def last_run(self) -> LastRun | None:
        """Return the last run, or None before the first. Raises PrivateFileError."""
        return self._stored("run.json", LastRun, "what a run left")

    def store_run(self, run: LastRun) -> None:
        """Store the last run."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self.root / "run.json", msgspec.json.encode(run))

    @property
    def witnesses(self) -> PrivateFile[WitnessState]:
        """The states of the witnesses by name."""
        return PrivateFile(self.root / "witnesses.json", WitnessState, "the log's witnesses")

    def _stored(self, name: str, kind: type[T], what: str) -> T | None:
        try:
            return msgspec.json.decode((self.root / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except NOT_JSON:
            raise PrivateFileError(f"{self.root / name} is not {what}") from None


class WitnessedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest head of a log that we cosigned as a witness: size, and root in hex."""

    size: int
    root: str


def witnessed_heads(root: Path) -> PrivateFile[WitnessedHead]:
    """Return the file of the newest cosigned heads, by the origin of each log."""
    return PrivateFile(root / "seen.json", WitnessedHead, "heads of logs that are witnessed")
