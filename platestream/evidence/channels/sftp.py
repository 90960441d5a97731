"""An SFTP server of an evidence system, by OpenSSH's `sftp` in batch mode.

Its host key is that of its registry record. A server that gives nothing back is trusted with the size only.
"""

import re
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from platestream.evidence.channels.channel import ChannelError
from platestream.runtime.private_file import write_file
from platestream.runtime.sftp import Remote, Sftp, SftpError, known_hosts
from platestream.schemas.registry import RegistryRecord

SECONDS = 7200.0
"""Longest time of one connection; the next one goes on where it ended."""
BACK = ".back"


class SftpChannel:
    """The server of an evidence system. `key` signs in, `home` is its folder here; `into` has the packages
    and copies that are read back.
    """

    def __init__(self, system: RegistryRecord, key: Path, home: Path, into: Path) -> None:
        self._home, self._host_key, self._hosts = home, system.host_key, home / "known_hosts"
        self._server = Sftp(Remote.parse(system.transfer_place), key, self._hosts, into, SECONDS)
        self._gives_back = system.gives_back

    def check(self) -> None:
        """Sign in, and go to the folder."""
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(self._hosts, known_hosts(self._server.remote, self._host_key))
        except OSError as error:
            raise ChannelError(f"writing {self._home}: {error.strerror}") from None
        self._run("pwd")

    def size(self, name: str) -> int | None:
        """Return the bytes of a file; None where the server shows none."""
        line = re.compile(rf"-\S+\s+\S+\s+\S+\s+\S+\s+(\d+)\s.*\s{re.escape(name)}")
        found = [line.fullmatch(one.strip()) for one in self._run(f'-ls -ln "{name}"').splitlines()]
        return next((int(one[1]) for one in found if one), None)

    def put(self, source: Path, name: str, *, resume: bool) -> None:
        """Send a file; with `resume` only what is missing. The group of the account there may read it."""
        put = f'put -{"a" if resume else ""}f "{source.name}" "{name}"'
        self._run(put, f'-chmod 640 "{name}"')

    def digest(self, name: str, most: int) -> str | None:
        """Fetch the file again; None where the record says that the server does not give it back."""
        if not self._gives_back:
            return None
        back = self._server.into / BACK
        try:
            self._run(f'get "{name}" "{BACK}"', most=most)
            with back.open("rb") as file:
                return file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ChannelError(f"reading back: {error.strerror}") from None
        finally:
            back.unlink(missing_ok=True)

    def read(self, name: str, most: int) -> bytes | None:
        """Fetch a small file; None where there is none."""
        back = self._server.into / BACK
        try:
            self._run(f'-get "{name}" "{BACK}"', most=most)
            return back.read_bytes() if back.is_file() else None
        except OSError as error:
            raise ChannelError(f"reading back: {error.strerror}") from None
        finally:
            back.unlink(missing_ok=True)

    def rename(self, old: str, new: str) -> None:
        """Rename a file by the request of SFTP that replaces nothing."""
        self._run(f'rename -l "{old}" "{new}"')

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        self._run(f'-rm "{name}"')

    def _run(self, *commands: str, most: int | None = None) -> str:
        server = self._server if most is None else replace(self._server, largest=most)
        try:
            return server.run(*commands)
        except SftpError as error:
            raise ChannelError(str(error)) from None
