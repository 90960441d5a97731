"""Change of the master key that wraps the hourly keys, as an act of an administrator."""

from contextlib import ExitStack
from pathlib import Path

from platestream.access.door import Door
from platestream.keys.in_use import KeysInUseError, alone
from platestream.keys.key_folder import MASTER
from platestream.keys.master import Master, MasterFile
from platestream.keys.rewrap import Rewrapped, rewrap
from platestream.keys.token import SCHEME, parse, token_at
from platestream.schemas.message import RefusedError
from platestream.settings import keys_folder, named_master

ACT = "keys_rewrap"


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
