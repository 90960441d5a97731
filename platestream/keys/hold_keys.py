"""Keys of evidence, beside the hourly keys: one file for each hold, with the keys of its pieces.

They are wrapped by a key of the hold, and that by the master key. The retention job destroys the file of a
purged hold. Unlike hourly keys they are in backups: evidence outlives a disk.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from platestream.keys.envelope import KEY_BYTES, fingerprint
from platestream.keys.key_folder import KeyFolder, destroy_file
from platestream.keys.master import KeysError
from platestream.runtime.private_file import write_file
from platestream.schemas.fields import NOT_JSON

FOLDER = "holds"
SUFFIX = ".json"


class StoredKeys(msgspec.Struct, frozen=True):
    """A file of the folder: the key of the hold, wrapped by the master key, and by it those of the pieces."""

    hold: bytes
    pieces: dict[str, bytes]


class CopiedKeys(msgspec.Struct, frozen=True):
    """The keys of a hold as a backup has them, in base64 in JSON: usable without a master key."""

    hold_id: UUID
    key: bytes
    pieces: dict[str, bytes]


class HoldKey:
    """The key of a hold, and the keys of its pieces by name."""

    def __init__(self, key: bytes, pieces: Mapping[str, bytes]) -> None:
        self._key, self.pieces = key, dict(pieces)
        self.fingerprint = fingerprint(key)

    @classmethod
    def new(cls, pieces: Mapping[str, bytes]) -> "HoldKey":
        """Return a new key that holds the keys of these pieces."""
        return cls(secrets.token_bytes(KEY_BYTES), pieces)

    def add(self, name: str) -> bytes:
        """Return a new key for another piece."""
        self.pieces[name] = secrets.token_bytes(KEY_BYTES)
        return self.pieces[name]

    def copied(self, hold_id: UUID) -> CopiedKeys:
        """Return the keys for a backup."""
        return CopiedKeys(hold_id, self._key, self.pieces)

    def wrapped(self, keys: KeyFolder) -> StoredKeys:
        """Return the form of the file. Raises KeysError."""
        pieces = {name: aes_key_wrap(self._key, key) for name, key in self.pieces.items()}
        return StoredKeys(keys.wrap(self._key), pieces)

    @classmethod
    def unwrapped(cls, keys: KeyFolder, stored: StoredKeys, where: Path) -> "HoldKey":
        """Return the keys of a file. Raises KeysError."""
        key = keys.unwrap(stored.hold, where)
        try:
            return cls(key, {name: aes_key_unwrap(key, one) for name, one in stored.pieces.items()})
        except (InvalidUnwrap, ValueError):
            raise KeysError(f"{where} is damaged") from None


class HoldKeys:
    """The keys of all holds, in the folder of `keys`."""

    def __init__(self, keys: KeyFolder) -> None:
        self._keys, self._folder = keys, keys.folder / FOLDER

    def put(self, hold_id: UUID, key: HoldKey) -> None:
        """Store the keys of a hold, on the disk on return. Raises KeysError."""
        path, stored = self._path(hold_id), key.wrapped(self._keys)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_file(path, msgspec.json.encode(stored))
        except OSError as error:
            raise KeysError(f"{path}: {error.strerror}") from error

    def get(self, hold_id: UUID) -> HoldKey | None:
        """Return the keys of a hold, or None if there are none. Raises KeysError."""
        path = self._path(hold_id)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            raise KeysError(f"{path} is damaged") from None
        return HoldKey.unwrapped(self._keys, decode(content, path), path)

    def copies(self) -> Iterator[CopiedKeys]:
        """Yield the keys of all holds for a backup. Raises KeysError."""
        for hold_id in sorted(self.ages()):
            if (key := self.get(hold_id)) is not None:  # else it was purged meanwhile
                yield key.copied(hold_id)

    def put_back(self, copy: CopiedKeys) -> None:
        """Store keys of a backup, unless the hold has keys. Raises KeysError."""
        if not self._path(copy.hold_id).exists():
            self.put(copy.hold_id, HoldKey(copy.key, copy.pieces))

    def ages(self) -> dict[UUID, float]:
        """Return the age in seconds of the keys of each hold."""
        now, found = time.time(), {}
        for path, hold_id in self._files():
            with suppress(FileNotFoundError):  # destroyed meanwhile
                if hold_id is not None:
                    found[hold_id] = now - path.stat().st_mtime
        return found

    def strays(self) -> list[str]:
        """Return the names of files that are no hold's, such as copies, which no job destroys."""
        return sorted(path.name for path, hold_id in self._files() if hold_id is None)

    def destroy(self, holds: Iterable[UUID]) -> None:
        """Destroy the keys of these holds where there are any."""
        for path in map(self._path, holds):
            if path.exists():
                destroy_file(self._keys.folder, path)

    def _files(self) -> Iterator[tuple[Path, UUID | None]]:
        """Yield each file, and the hold that it is named for exactly as `put` names it."""
        for path in self._folder.glob("[!.]*"):
            hold_id = None
            with suppress(ValueError):
                hold_id = UUID(path.stem)
            yield path, hold_id if hold_id is not None and path == self._path(hold_id) else None

    def _path(self, hold_id: UUID) -> Path:
        return self._folder / f"{hold_id}{SUFFIX}"


def decode(content: bytes, path: Path) -> StoredKeys:
    """Return what the file of a hold has. Raises KeysError."""
    try:
        return msgspec.json.decode(content, type=StoredKeys)
    except NOT_JSON:
        raise KeysError(f"{path} is damaged") from None
