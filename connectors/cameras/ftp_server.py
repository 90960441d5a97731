"""Uploads by FTP, one account for each camera. There is no file system behind it: no path leads anywhere.

Folders may be made and entered, files renamed and deleted, because cameras do that; nothing comes of it. The
226 behind a STOR says that the frame is on the disk; one that is not taken in is answered with 550 or 451.
With a certificate it is FTP over TLS as RFC 4217 has it (`AUTH TLS`), TLS 1.2 at the least.
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

from connectors.cameras.capture import Accept, Capture
from connectors.cameras.sign_in import same
from connectors.cameras.times import told_at
from connectors.clock import Clock, utc_now
from schemas.message import RefusedError

log = logging.getLogger(__name__)

PLACES, PER_ADDRESS, PER_ACCOUNT = 256, 16, 16
"""Connections at once: in all, those that carry a file too; from one address; signed in as one camera."""

MAY = "elfdmw"  # pyftpdlib's letters: enter, list, rename, delete, make folders, store


class _Upload(io.BytesIO):
    """A file that is being sent, in memory."""

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


class _Nowhere(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """Paths without files."""

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
    """pyftpdlib's authorizer, over the cameras' accounts."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self._accounts = accounts

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        if not same(self._accounts.get(username), password):
            raise AuthenticationFailed("Wrong account or password.")

    def get_home_dir(self, username: str) -> str:
        return "/"

    def has_user(self, username: str) -> bool:
        return username in self._accounts

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return perm in MAY

    def get_perms(self, username: str) -> str:
        return MAY

    def get_msg_login(self, username: str) -> str:
        return "Send frames."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None: ...
    def terminate_impersonation(self, username: str) -> None: ...


class _Answers:
    """Of a transfer: answers behind the frame was taken in, and not before. TLS closes in several steps."""

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


class _Transfer(_Answers, DTPHandler):  # type: ignore[misc]
    pass


class _TlsTransfer(_Answers, TLS_DTPHandler):  # type: ignore[misc]
    pass


@dataclass(frozen=True)
class Tls:
    """PEM files of the certificate and its key; `optional` lets cameras in that do not encrypt."""

    certificate: Path
    key: Path | None
    optional: bool = False

    def context(self) -> SSL.Context:
        """Raises OSError where the files hold no certificate and its key."""
        made = SSL.Context(SSL.TLS_SERVER_METHOD)
        made.set_min_proto_version(SSL.TLS1_2_VERSION)
        try:
            made.use_certificate_chain_file(str(self.certificate))
            made.use_privatekey_file(str(self.key or self.certificate))
            made.check_privatekey()
        except SSL.Error:
            said = f"{self.certificate} and {self.key or 'itself'} are no certificate and its key"
            raise OSError(errno.EINVAL, said) from None
        return made


class _Server(FTPServer):  # type: ignore[misc]
    """Where all places are taken, who waits longest and has not signed in gives its own to whoever comes:
    otherwise whoever has addresses enough shuts all cameras out.
    """

    def handle_accepted(self, sock: Any, addr: Any) -> Any:
        if self._map_len() >= self.max_cons:
            for one in [one for one in self.channels() if not one.authenticated][:1]:
                one.close()
        return super().handle_accepted(sock, addr)

    def channels(self) -> list[Any]:
        """Connections that give commands, the oldest first."""
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
    """pyftpdlib's server, listening; `cameras` is the camera of each account. Raises OSError."""

    class Files(_Nowhere):
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
                told = told_at(image, {}, zones.get(camera, UTC))
                accept(camera, Capture(now(), image, told_at=told))
            except RefusedError as error:
                return f"{451 if error.reason in ('spool', 'rate') else 550} {error.detail}."
            return "226 Kept."

    Files.largest = largest
    Channel.passive_ports = list(passive_ports) or None
    Channel.masquerade_address = public_address or None
    made = _Server(address, Channel)
    made.max_cons, made.max_cons_per_ip = PLACES, PER_ADDRESS
    return made
