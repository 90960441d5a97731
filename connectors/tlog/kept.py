"""What the publisher of a log keeps for itself: its key, the last head that it signed, how witnesses do.

The head is on the disk before anybody sees it: so nothing is signed that this file does not know of.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from connectors.private_file import PrivateFile, PrivateFileError, write_whole
from connectors.tlog.folder import sync
from schemas.fields import NOT_JSON

KEY = "key"


class BusyError(RuntimeError):
    """Another process publishes this log just now."""


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last head: the signed note, and the hash of the chain's seal that it ends with."""

    note: str
    size: int
    seal_hash: str
    signed_at: float


class WitnessState(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The size that a witness is known to have, when it last cosigned, and how it failed since, if it did."""

    size: int = 0
    cosigned_at: float = 0.0
    failed_since: float = 0.0
    said: str = ""


class LastRun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How publishing went: `refused` says why nothing was signed, `unstamped` why there is no time stamp."""

    at: float
    refused: str = ""
    unstamped: str = ""


class Kept:
    """The folder at `root`, for its owner alone."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time. Raises BusyError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self.root / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"another process publishes the log of {self.root} just now") from None
            yield

    def secret(self, name: str = KEY) -> str | None:
        """A private key, None where none was made yet."""
        try:
            return (self.root / name).read_text("utf-8").strip()
        except FileNotFoundError:
            return None

    def keep_secret(self, text: str, name: str = KEY) -> None:
        """Once: a key that is there is never written over. Raises FileExistsError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self.root / name
        made = self.root / f".{name}.{os.getpid()}"
        write_whole(made, text.encode() + b"\n")
        try:
            os.link(made, file)
        finally:
            made.unlink()
        sync(self.root)

    def signed(self) -> Signed | None:
        """The last head, None before the first. Raises PrivateFileError."""
        try:
            return msgspec.json.decode((self.root / "signed.json").read_bytes(), type=Signed)
        except FileNotFoundError:
            return None
        except NOT_JSON:
            raise PrivateFileError(f"{self.root / 'signed.json'} is not the last head of a log") from None

    def keep_signed(self, head: Signed) -> None:
        """On the disk when this returns."""
        write_whole(self.root / "signed.json", msgspec.json.encode(head))

    def last_run(self) -> LastRun | None:
        """None before the first. Raises PrivateFileError."""
        try:
            return msgspec.json.decode((self.root / "run.json").read_bytes(), type=LastRun)
        except FileNotFoundError:
            return None
        except NOT_JSON:
            raise PrivateFileError(f"{self.root / 'run.json'} is not what a run left") from None

    def keep_run(self, run: LastRun) -> None:
        """Instead of the last."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.root / "run.json", msgspec.json.encode(run))

    @property
    def witnesses(self) -> PrivateFile[WitnessState]:
        """By the name of each."""
        return PrivateFile(self.root / "witnesses.json", WitnessState, "the log's witnesses")


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest head that we, as a witness, cosigned of a log: size, and root in hex."""

    size: int
    root: str


def seen(root: Path) -> PrivateFile[Seen]:
    """By the origin of each log."""
    return PrivateFile(root / "seen.json", Seen, "heads of logs that are witnessed")
