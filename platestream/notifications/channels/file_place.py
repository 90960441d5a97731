"""Folder here or on an SFTP server, in which a system finds one file for each notice.

A file gets its name after it is complete and on the disk. Its name is the delivery's id, so that a notice
that is sent again replaces the same file. Its content never lies on a disk of this machine otherwise.

An unmounted share is an empty folder of this machine, in which a file would look delivered. A folder
therefore has a file `.platestream-receiver` with the receiver's name, and without it nothing is written.
"""

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from platestream.notifications.senders import Rejected, Unreachable
from platestream.operators.notify.rules import Receiver
from platestream.runtime.private_file import write_file
from platestream.runtime.sftp import HOST_KEY, SCHEME, Remote, Sftp, SftpError, known_hosts
from platestream.schemas.message import RefusedError

MARK = ".platestream-receiver"
SECONDS = 60.0
"""Longest time of one file to a server."""
FOR_THE_GROUP = 0o640
Put = Callable[[str, bytes], None]
"""Writer of a file by its plain name. Raises SendError."""


def open_place(one: Receiver) -> Put:
    """Return the writer of files at the place of a receiver. Raises RefusedError for an unusable place."""
    place = str(getattr(one, one.kind))
    if place.startswith(f"{SCHEME}://"):
        return _server(one, place)
    return partial(_put_here, Path(place), one.name)


def _server(one: Receiver, place: str) -> Put:
    try:
        remote = Remote.parse(place)
    except RefusedError as error:
        raise RefusedError("rules", f"receiver {one.name}: {error.detail}") from None
    if not HOST_KEY.fullmatch(one.host_key):
        raise RefusedError(
            "rules", f"receiver {one.name}: `host_key` is the server's key: `ssh-ed25519 AAAA…`"
        )
    key = Path(one.key_file)
    if not key.is_file():
        raise RefusedError("rules", f"receiver {one.name}: `key_file` is no private key for the SFTP server")
    return partial(_put_there, remote, key.absolute(), one.host_key)


def _put_here(folder: Path, name: str, file: str, content: bytes) -> None:
    mark = folder / MARK
    try:
        if mark.read_text(encoding="utf-8", errors="replace").strip() != name:
            raise Rejected("other_folder", f"{mark} names another receiver than {name}")
        for left in folder.glob(f".{file}.*"):  # by a process that was killed
            left.unlink(missing_ok=True)
        write_file(folder / file, content, mode=FOR_THE_GROUP)
    except FileNotFoundError:
        raise Unreachable("no_folder", f"{mark} is not there: is the folder mounted?") from None
    except OSError as error:
        raise Unreachable("folder", f"writing to {folder}: {error.strerror}") from None


def _put_there(remote: Remote, key: Path, host_key: str, file: str, content: bytes) -> None:
    memory = os.memfd_create("notice")
    try:
        Path(f"/proc/self/fd/{memory}").write_bytes(content)
        with tempfile.TemporaryDirectory() as folder:
            hosts = Path(folder) / "known_hosts"
            hosts.write_bytes(known_hosts(remote, host_key))
            server = Sftp(remote, key, hosts, Path(folder), SECONDS)
            part = f".{file}.part"
            sent = f'put -f "/proc/self/fd/{memory}" "{part}"'
            server.run(sent, f'-chmod 640 "{part}"', f'rename "{part}" "{file}"', pass_fds=(memory,))
    except SftpError as error:
        raise Unreachable("sftp", str(error)) from None
    except OSError as error:
        raise Unreachable("sftp", f"a file to send: {error.strerror}") from None
    finally:
        os.close(memory)
