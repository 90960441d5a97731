"""Connections to SFTP servers by OpenSSH's `sftp`, in batch mode.

The server is trusted with nothing but its files: its key must be known, names are plain, sizes and times are
limited.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from platestream.schemas.message import RefusedError

SCHEME = "sftp"
LARGEST = 2**30
"""Most bytes of a file that is fetched."""
SECONDS = 900.0
"""Longest time of one connection."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
HOST_KEY = re.compile(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}")
"""Key of a server as `ssh-keyscan` prints it, without the host."""
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}|[0-9A-Fa-f:]{2,39}")
_FOLDER = re.compile(r"/[A-Za-z0-9._/ -]{0,200}")
_OPTIONS = (
    *("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "IdentityAgent=none"),
    *("GlobalKnownHostsFile=none", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4"),
    *("PasswordAuthentication=no", "ForwardAgent=no", "PermitLocalCommand=no"),
)


class SftpError(RuntimeError):
    """A server that could not be reached, or gave an error; the text has no data of a list."""


@dataclass(frozen=True)
class Remote:
    """The place of a feed's files on a server: `sftp://user@host:port/folder`."""

    user: str
    host: str
    port: int
    folder: str

    @classmethod
    def parse(cls, place: str) -> Self:
        """Read a place. Raises RefusedError for one that is no plain address."""
        try:
            found = urlsplit(place)
            user, host, port = found.username or "", found.hostname or "", found.port or 22
        except ValueError:
            user = host = ""
        known = bool(user and host) and place.startswith(f"{SCHEME}://") and place.isprintable()
        plain = known and _USER.fullmatch(user) and _HOST.fullmatch(host) and _FOLDER.fullmatch(found.path)
        if not plain or found.password or found.query or found.fragment:
            raise RefusedError("source", "the place is no address such as sftp://user@host:22/folder")
        return cls(user, host, port, found.path)


@dataclass(frozen=True)
class Sftp:
    """Connections to a place, by the private key `key` and the server's key in `known_hosts`. `into` is the
    folder of the files here, none of which becomes larger than `largest` bytes.
    """

    remote: Remote
    key: Path
    known_hosts: Path
    into: Path
    seconds: float = SECONDS
    largest: int = LARGEST

    def run(self, *commands: str, pass_fds: Sequence[int] = ()) -> str:
        """Run commands of sftp in its folder; return what they print. Raises SftpError.

        It inherits the descriptors `pass_fds`, whose content it can send as `/proc/self/fd/NUMBER`.
        """
        for file in (self.key, self.known_hosts):
            if not file.is_file():
                raise SftpError(f"{file} is not there")
        options = [*_OPTIONS, f'UserKnownHostsFile="{self.known_hosts}"']
        call = [
            *("prlimit", f"--fsize={self.largest}", "--", "sftp", "-b", "-", "-F", "none"),
            *("-i", str(self.key), "-P", str(self.remote.port)),
            *(part for option in options for part in ("-o", option)),
            f"{self.remote.user}@{f'[{host}]' if ':' in (host := self.remote.host) else host}",
        ]
        batch = "\n".join([f'cd "{self.remote.folder}"', *commands, ""])
        try:
            done = subprocess.run(
                call,
                input=batch,
                capture_output=True,
                text=True,
                errors="replace",
                cwd=self.into,
                timeout=self.seconds,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                check=False,
                pass_fds=pass_fds,
            )
        except subprocess.TimeoutExpired:
            raise SftpError(f"{self.remote.host} did not finish within {self.seconds:.0f} s") from None
        except OSError as error:
            raise SftpError(f"sftp cannot be started (package openssh-client): {error.strerror}") from None
        if done.returncode:
            raise SftpError(f"sftp to {self.remote.host} failed: {_reason(done.stderr)}")
        return done.stdout

    def names(self) -> list[str]:
        """Return the plain names in the folder, newest first; others are ignored. Raises SftpError."""
        return [line for line in self.run("ls -1t").splitlines() if NAME.fullmatch(line)]

    def get(self, names: Iterable[str], *, missing: bool = False) -> None:
        """Fetch files by their plain names. With `missing` those that are not there are skipped. Raises
        SftpError.
        """
        get = "-get" if missing else "get"
        if wanted := [f'{get} "{name}"' for name in names if NAME.fullmatch(name)]:
            self.run(*wanted)


def known_hosts(remote: Remote, host_key: str) -> bytes:
    """Return the file by which `ssh` accepts this key of the server and no other."""
    host = remote.host if remote.port == 22 else f"[{remote.host}]:{remote.port}"
    return f"{host} {host_key}\n".encode()


def _reason(said: str) -> str:
    """Return the last line of an error that says why, without odd characters."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Connection closed")]
    return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else "no reason given"
