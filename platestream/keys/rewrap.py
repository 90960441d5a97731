"""Change of the master key: every key of the folder, of hours and of holds, is wrapped again."""

import os
import secrets
from pathlib import Path
from typing import NamedTuple

import msgspec

from platestream.keys.hold_keys import FOLDER, SUFFIX, decode
from platestream.keys.key_folder import MASTER, being_rewrapped, changing, overwrite
from platestream.keys.master import KeysError, Master, WrongMasterError
from platestream.runtime.private_file import synchronize


class Rewrapped(NamedTuple):
    """Numbers of keys that were wrapped again and that were before, and the files that nobody can read."""

    done: int
    earlier: int
    unread: tuple[Path, ...]


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
