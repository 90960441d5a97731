"""FTP server for uploads, with one account for each camera. It has no file system: no path leads to a file.

Commands that make or enter folders, rename or delete files succeed without effect, because cameras send them.
A 226 after STOR means that the frame is on the disk; a rejected frame is answered with 550 or 451. With a
certificate it is FTP over TLS as in RFC 4217 (`AUTH TLS`), with TLS 1.2 at least.
"""

import errno
import io
import logging
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import AuthenticationFailed
from pyftpdlib.filesystems import AbstractedFS, FilesystemError
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

from platestream.cameras.capture import Accept, Capture
from platestream.cameras.capture_times import camera_time
from platestream.cameras.sources.upload_auth import is_same_password
from platestream.runtime.clock import Clock, utc_now
from platestream.schemas.message import RefusedError

log = logging.getLogger(__name__)

PLACES, PER_ADDRESS, PER_ACCOUNT = 256, 16, 16
"""Limits of concurrent connections: in total, with data connections; per address; per account."""

PERMISSIONS = "elfdmw"  # pyftpdlib's letters: enter, list, rename, delete, make folders, store


class _Upload(io.BytesIO):
    """A file in memory that is being uploaded."""

    def __init__(self, name: str, largest: int) -> None:
        super().__init__()
        self.name, self._largest = name, largest
        self.content = b""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._largest:
            raise OSError(f"more than {self._largest} bytes")
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            self.content = self.getvalue()
        super().close()


class _NoFileSystem(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """A file system with paths but no files."""

    largest = 0

    def ftp2fs(self, ftppath: str) -> str:
        return posixpath.normpath(posixpath.join("/", self.cwd, ftppath))

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def open(self, filename: str, mode: str) -> _Upload:
        if "w" not in mode:
            raise FilesystemError("Frames are sent whole")
        return _Upload(filename, self.largest)

    def chdir(self, path: str) -> None:
        self.cwd = path

    def mkdir(self, path: str) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def remove(self, path: str) -> None: ...
    def rename(self, src: str, dst: str) -> None: ...

    def listdir(self, path: str) -> list[str]:
        return []

    listdirinfo = listdir

    def isdir(self, path: str) -> bool:
        return True

    def isfile(self, path: str) -> bool:
        return False

    def lexists(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def getsize(self, path: str) -> int:
        raise FilesystemError("Not kept here")

    def getmtime(self, path: str) -> float:
        raise FilesystemError("Not kept here")

    def stat(self, path: str) -> Any:
        raise FilesystemError("Not kept here")

    lstat = stat


class _Accounts:
    """The authorizer of pyftpdlib, over the accounts of the cameras."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self._accounts = accounts

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        if not is_same_password(self._accounts.get(username), password):
            raise AuthenticationFailed("Wrong account or password.")

    def get_home_dir(self, username: str) -> str:
        return "/"

    def has_user(self, username: str) -> bool:
        return username in self._accounts

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in PERMISSIONS

    def get_perms(self, username: str) -> str:
        return PERMISSIONS

    def get_msg_login(self, username: str) -> str:
        return "Send frames."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None: ...
    def terminate_impersonation(self, username: str) -> None: ...


class _DelayedAnswer:
    """Mixin for a transfer: it answers after the frame was accepted, not before.

    TLS closes in several steps.
    """

    timeout = 30
    _answer = ""

    def close(self: Any) -> None:
        if (
            not self._closed
            and self.receive
            and self.transfer_finished
            and isinstance(self.file_obj, _Upload)
        ):
            if not self._answer:
                self.file_obj.close()
                self._answer = self.cmd_channel.take(self.file_obj.content)
            self._resp = (self._answer, log.debug)
        super().close()  # type: ignore[misc]  # of the transfer that it is mixed into


class _Transfer(_DelayedAnswer, DTPHandler):  # type: ignore[misc]
    pass


class _TlsTransfer(_DelayedAnswer, TLS_DTPHandler):  # type: ignore[misc]
    pass


@dataclass(frozen=True)
class Tls:
    """PEM files of the certificate and its key; `optional` also accepts cameras that do not encrypt."""

    certificate: Path
    key: Path | None
    optional: bool = False

    def context(self) -> SSL.Context:
        """Return the TLS context. Raises OSError if the files are not a certificate and its key."""
        made = SSL.Context(SSL.TLS_SERVER_METHOD)
        made.set_min_proto_version(SSL.TLS1_2_VERSION)
        try:
            made.use_certificate_chain_file(str(self.certificate))
            made.use_privatekey_file(str(self.key or self.certificate))
            made.check_privatekey()
        except SSL.Error:
            message = f"{self.certificate} and {self.key or 'itself'} are no certificate and its key"
            raise OSError(errno.EINVAL, message) from None
        return made


class _Server(FTPServer):  # type: ignore[misc]
    """FTP server with a limited number of connections.

    When the limit is reached, a new connection replaces the oldest one that has not signed in. Otherwise a
    client with enough addresses could lock out all cameras.
    """

    def handle_accepted(self, sock: Any, addr: Any) -> Any:
        if self._map_len() >= self.max_cons:
            for one in [one for one in self.channels() if not one.authenticated][:1]:
                one.close()
        return super().handle_accepted(sock, addr)

    def channels(self) -> list[Any]:
        """Return the control connections, the oldest first."""
        return [one for one in self.ioloop.socket_map.values() if isinstance(one, FTPHandler)]


def server(
    address: tuple[str, int],
    cameras: Mapping[str, str],
    passwords: Mapping[str, str],
    accept: Accept,
    zones: Mapping[str, tzinfo],
    largest: int,
    passive_ports: Sequence[int] = (),
    public_address: str = "",
    tls: Tls | None = None,
    now: Clock = utc_now,
) -> Any:
    """Return a listening server of pyftpdlib; `cameras` maps each account to its camera. Raises OSError."""

    class Files(_NoFileSystem):
        pass

    class Channel(FTPHandler if tls is None else TLS_FTPHandler):  # type: ignore[misc]
        authorizer = _Accounts(passwords)
        abstracted_fs = Files
        dtp_handler = _Transfer if tls is None else _TlsTransfer
        ssl_context = None if tls is None else tls.context()
        tls_control_required = tls_data_required = tls is not None and not tls.optional
        banner = "Platestream takes frames."
        timeout = 60
        max_login_attempts = 3
        permit_foreign_addresses = False

        def on_login(self, username: str) -> None:
            same_account = [one for one in made.channels() if one.authenticated and one.username == username]
            for one in same_account[:-PER_ACCOUNT]:
                one.close()

        def take(self, image: bytes) -> str:
            camera = cameras[self.username]
            try:
                taken_at = camera_time(image, {}, zones.get(camera, UTC))
                accept(camera, Capture(now(), image, camera_time=taken_at))
            except RefusedError as error:
                return f"{451 if error.reason in ('spool', 'rate') else 550} {error.detail}."
            return "226 Kept."

    Files.largest = largest
    Channel.passive_ports = list(passive_ports) or None
    Channel.masquerade_address = public_address or None
    made = _Server(address, Channel)
    made.max_cons, made.max_cons_per_ip = PLACES, PER_ADDRESS
    return made
