"""Files beside the gateway's spool: the memory of each camera, and its picture before and after a fault.

Before and after are masked, encrypted by hourly keys, and deleted with the retention period of frames. A
person may accept a picture: then the camera is learned again.
"""

import contextlib
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from platestream.keys.envelope import SealError
from platestream.keys.key_folder import UNSEALED, KeyDestroyedError, Sealer
from platestream.keys.master import KeysError
from platestream.schemas.message import RefusedError

FOLDER = "pictures"
Which = Literal["before", "after"]


class StoredPicture(NamedTuple):
    """A picture before or after a fault, as JPEG."""

    which: Which
    image: bytes
    at: datetime


def accept(spool: Path, camera: str) -> None:
    """Ask the gateway of the spool to learn the camera's picture again. Raises RefusedError where the folder
    cannot be written.
    """
    request = file_path(spool / FOLDER, camera, "accept")
    try:
        request.parent.mkdir(mode=0o700, exist_ok=True)
        request.touch(mode=0o600)
    except OSError as error:
        raise RefusedError("camera", f"the gateway cannot be reached: {error.strerror}") from None


def stored_pictures(spool: Path, camera: str, keys: Sealer = UNSEALED) -> list[StoredPicture]:
    """Return the pictures before and after the last fault of a camera, without those whose key is destroyed.

    Raises RefusedError where one cannot be opened.
    """
    found = []
    for which in ("before", "after"):
        path = file_path(spool / FOLDER, camera, which)
        try:
            with path.open("rb") as file:
                at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                image = keys.open(purpose(camera, which), file.read())
                found.append(StoredPicture(which, image, at))
        except (FileNotFoundError, KeyDestroyedError):
            continue
        except (KeysError, SealError) as error:
            raise RefusedError("picture", str(error)) from None
    return found


def expire(spool: Path, before: float) -> int:
    """Delete pictures that were taken before a time, in seconds since 1970; return their number."""
    gone = 0
    for which in ("before", "after"):
        for path in (spool / FOLDER).glob(f"*.{which}"):
            with contextlib.suppress(FileNotFoundError):  # gateway and retention job both delete
                if path.stat().st_mtime < before:
                    path.unlink()
                    gone += 1
    return gone


def delete(folder: Path, camera: str) -> None:
    """Delete all files of a camera in this folder."""
    for suffix in ("before", "after", "memory"):
        file_path(folder, camera, suffix).unlink(missing_ok=True)


def purpose(camera: str, which: Which) -> str:
    """Return the purpose by which a picture is encrypted."""
    return f"picture {which} a fault of {camera}"


def file_path(folder: Path, camera: str, suffix: str) -> Path:
    """Return the path of a file of a camera; hashed, because its name may hold characters that a file's name
    may not.
    """
    return folder / f"{hashlib.sha256(camera.encode()).hexdigest()[:32]}.{suffix}"
