"""Packages on this machine until their evidence system has given its receipt, and the state of each.

The ledger says which exports are to be sent, by name and SHA-256. The state holds attempts and faults; if it
is lost, the transfer begins again, and finds what is there.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import file_digest
from pathlib import Path
from uuid import UUID

import msgspec

from platestream.evidence import package
from platestream.evidence.export import Export
from platestream.evidence.systems import FOLDER, OUTBOX
from platestream.evidence.transfer import Package
from platestream.keys.age_file import sealed_for
from platestream.keys.recipients import Recipient
from platestream.runtime.private_file import new_file, write_file
from platestream.schemas.fields import NOT_JSON, Instant

STATE = ".json"


ENCRYPTED = ".age"
"""End of the name of an encrypted package."""


def name_of(hold_id: UUID, manifest_sha256: str) -> str:
    """Return the name of a package of a hold, here and at its evidence system, without `ENCRYPTED`."""
    return f"evidence-{hold_id}-{manifest_sha256[:12]}.zip"


class TransferState(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of a transfer. `fault`: why the last one failed; `renaming`: the package is to get its
    name; `sent_at`: it has it, and its receipt is awaited; `given_up`: nobody tries again by itself.
    """

    attempts: int = 0
    first_at: Instant | None = None
    next_at: Instant | None = None
    fault: str = ""
    renaming: bool = False
    sent_at: Instant | None = None
    given_up: bool = False


class Outbox:
    """The folder of packages below a data folder. Methods raise OSError."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER / OUTBOX

    def add(self, name: str, files: dict[str, bytes], recipients: Sequence[Recipient]) -> Package:
        """Write a package, complete and on the disk, encrypted where it has recipients."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with new_file(self.folder / name) as file, sealed_for(file, recipients) as target:
            package.pack(files, target)
        with (self.folder / name).open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            return Package(self.folder / name, os.fstat(file.fileno()).st_size, digest)

    def find(self, export: Export) -> Package | None:
        """Return the package of an export; None where it is not here as it was exported."""
        path = self.folder / export.file
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None
        return Package(path, export.bytes, export.sha256) if digest == export.sha256 else None

    def state(self, name: str) -> TransferState:
        """Return the state of a transfer; that of a new one where none is stored."""
        try:
            return msgspec.json.decode(self._state(name).read_bytes(), type=TransferState)
        except (FileNotFoundError, *NOT_JSON):
            return TransferState()

    def states(self) -> dict[str, TransferState]:
        """Return the stored states, by the name of the package."""
        names = sorted(path.name.removesuffix(STATE) for path in self.folder.glob(f"*{STATE}"))
        return {name: self.state(name) for name in names}

    def note(self, name: str, state: TransferState) -> None:
        """Store the state of a transfer."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_file(self._state(name), msgspec.json.encode(state))

    def drop(self, name: str) -> None:
        """Delete a package with its state."""
        (self.folder / name).unlink(missing_ok=True)
        self._state(name).unlink(missing_ok=True)

    def drop_hold(self, hold_id: UUID) -> None:
        """Delete the packages of a hold."""
        if self.folder.is_dir():
            for end in ("", ENCRYPTED):
                for path in self.folder.glob(f"{name_of(hold_id, '*')}{end}"):
                    self.drop(path.name)

    def drop_others(self, names: set[str], before: datetime) -> None:
        """Delete packages with other names that are older than `before`: no entry of the ledger has them."""
        if self.folder.is_dir():
            for path in (*self.folder.glob("*.zip"), *self.folder.glob(f"*.zip{ENCRYPTED}")):
                if path.name not in names and path.stat().st_mtime < before.timestamp():
                    self.drop(path.name)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether this is the only process that sends."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(self.folder / ".lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _state(self, name: str) -> Path:
        return self.folder / f"{name}{STATE}"
