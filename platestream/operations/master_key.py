"""Change of the master key that wraps the hourly keys, as an act of an administrator."""

import os
import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec

from platestream.access.door import Door
from platestream.keys.hold_keys import FOLDER, SUFFIX, decode
from platestream.keys.in_use import KeysInUseError, alone
from platestream.keys.key_folder import MASTER, being_rewrapped, changing, overwrite
from platestream.keys.master import KeysError, Master, MasterFile, WrongMasterError
from platestream.keys.token import SCHEME, parse, token_at
from platestream.runtime.private_file import synchronize
from platestream.schemas.message import RefusedError
from platestream.settings import keys_folder, named_master

ACT = "keys_rewrap"


class Rewrapped(NamedTuple):
    """Numbers of keys that were wrapped again and that were before, and the files that nobody can read."""

    done: int
    earlier: int
    unread: tuple[Path, ...]


def change_master(door: Door, old: str) -> Rewrapped:
    """Wrap all keys by the master key of the settings; `old` is the path or the URI of the one before.

    Raises RefusedError, which is logged, also where a process uses the keys; RefusedInquiry and KeysError.
    """
    folder, stopped = keys_folder(door.settings), ExitStack()
    with door.log_refusal(ACT):
        if folder is None or not folder.is_dir():
            raise RefusedError("keys", "there are no hourly keys here: PLATESTREAM_KEYS names their folder")
        try:
            before: Master = token_at(parse(old)) if old.startswith(SCHEME) else MasterFile(Path(old))
        except ValueError as error:
            raise RefusedError("master", f"the URI of the old master key: {error}") from None
        new = named_master(door.settings) or MasterFile(folder / MASTER)
        if before.name == new.name:
            raise RefusedError("master", f"{new.name} is the master key already: set the new one first")
        try:
            stopped.enter_context(alone(folder))
        except KeysInUseError as error:
            raise RefusedError("keys", str(error)) from None
    with stopped:
        door.enter(ACT, change=f"keys that {before.name} wrapped are wrapped by {new.name}")
        return rewrap(folder, before, new)


def rewrap(folder: Path, old: Master, new: Master) -> Rewrapped:
    """Wrap all keys below `folder` by `new` instead of `old`.

    A run that was killed is continued by another. A destroyed key does not come back, and the file that was
    wrapped by `old` is overwritten. Raises KeysError.
    """
    new.unwrap(new.wrap(secrets.token_bytes(32)))
    done, earlier = 0, 0
    unread: list[Path] = []
    keys = (path for path in sorted(folder.glob("*.key")) if path.name != MASTER)
    for path in (*keys, *sorted((folder / FOLDER).glob(f"*{SUFFIX}"))):
        try:
            with changing(folder):
                changed = _rewrap(path, old, new)
        except FileNotFoundError:
            continue  # destroyed
        except WrongMasterError:
            unread.append(path)
        except KeysError:
            raise
        except OSError as error:
            raise KeysError(f"{path}: {error.strerror}") from error
        else:
            done, earlier = done + changed, earlier + (not changed)
    return Rewrapped(done, earlier, tuple(unread))


def _rewrap(path: Path, old: Master, new: Master) -> bool:
    """Wrap one key again. Return False if it was before. Raises WrongMasterError, KeysError and OSError."""
    making = being_rewrapped(path)
    with open(path, "r+b") as file:
        before = file.read()
        hold = decode(before, path) if path.suffix == SUFFIX else None
        wrapped = before if hold is None else hold.hold
        try:
            new.unwrap(wrapped)
        except WrongMasterError:
            again = new.wrap(old.unwrap(wrapped))
        else:
            return False
        content = again if hold is None else msgspec.json.encode(msgspec.structs.replace(hold, hold=again))
        with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        making.replace(path)
        synchronize(path.parent)
        overwrite(file)
    return True
