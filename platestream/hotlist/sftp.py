"""Fetching of a feed's files from another machine with OpenSSH's `sftp`, in batch mode.

The server is trusted with nothing but its files: its key must be in `feeds/known_hosts`, names are plain,
sizes and times are limited, and a file is fetched only where the feed's key signed its manifest.
"""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Self
from urllib.parse import urlsplit

from platestream.hotlist.manifest import LARGEST_MANIFEST, SIGNATURE, Manifest, Offer
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

SCHEME = "sftp"
LARGEST = 2**30
"""Most bytes of a file that is fetched."""
MOST = 200
"""Newest manifests on the server that are considered."""
SECONDS = 900.0
"""Longest time of one connection."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}|[0-9A-Fa-f:]{2,39}")
_FOLDER = re.compile(r"/[A-Za-z0-9._/ -]{0,200}")
_OPTIONS = (
    *("BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "IdentityAgent=none"),
    *("GlobalKnownHostsFile=none", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4"),
    *("PasswordAuthentication=no", "ForwardAgent=no", "PermitLocalCommand=no"),
)


class FetchError(RuntimeError):
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

    def run(self, *commands: str) -> str:
        """Run commands of sftp in its folder; return what they print. Raises FetchError."""
        for file in (self.key, self.known_hosts):
            if not file.is_file():
                raise FetchError(f"{file} is not there")
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
            )
        except subprocess.TimeoutExpired:
            raise FetchError(f"{self.remote.host} did not finish within {self.seconds:.0f} s") from None
        except OSError as error:
            raise FetchError(f"sftp cannot be started (package openssh-client): {error.strerror}") from None
        if done.returncode:
            raise FetchError(f"sftp to {self.remote.host} failed: {_reason(done.stderr)}")
        return done.stdout

    def names(self) -> list[str]:
        """Return the plain names in the folder, newest first; others are ignored. Raises FetchError."""
        return [line for line in self.run("ls -1t").splitlines() if NAME.fullmatch(line)]

    def get(self, names: Iterable[str], *, missing: bool = False) -> None:
        """Fetch files by their plain names. With `missing` those that are not there are skipped. Raises
        FetchError.
        """
        get = "-get" if missing else "get"
        if wanted := [f'{get} "{name}"' for name in names if NAME.fullmatch(name)]:
            self.run(*wanted)


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch: names without a manifest, and manifests that are refused, with the reason."""

    unsigned: frozenset[str]
    refused: tuple[tuple[str, RefusedError], ...]


def fetch(feed: RegistryRecord, home: Path, folder: Path) -> Fetched:
    """Fetch the new files of a feed, with their manifests, into `folder`.

    A file gets its name there after it is complete, and its manifest after that, so that a kill leaves no
    part of one. Raises FetchError and RefusedError.
    """
    making = folder / ".incoming"
    rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700, parents=True)
    remote = Remote.parse(feed.feed_place)
    server = Sftp(remote, home / "ssh_key", home / "known_hosts", making, largest=LARGEST)
    names = server.names()
    there = set(names)
    manifests = [name for name in names if name.endswith(SIGNATURE) and name.removesuffix(SIGNATURE) in there]
    server.get(manifests[:MOST], missing=True)
    offers: list[Offer] = []
    refused: list[tuple[str, RefusedError]] = []
    for name in manifests[:MOST]:
        file = name.removesuffix(SIGNATURE)
        if not (making / name).is_file():
            continue
        try:
            manifest = Manifest.read((making / name).read_bytes()[: LARGEST_MANIFEST + 1])
            manifest.check_signature(feed)
        except RefusedError as error:
            refused.append((file, error))
        else:
            offers.append(Offer(file, manifest))
    wanted = [one.name for one in wanted_of(offers, feed) if not _is_there(folder, making, one.name)]
    server.get(wanted)
    for name in wanted:
        for part in (name, f"{name}{SIGNATURE}"):
            (making / part).chmod(0o600)
            (making / part).replace(folder / part)
    rmtree(making, ignore_errors=True)
    files = {name for name in names if not name.endswith(SIGNATURE)}
    return Fetched(frozenset(name for name in files if f"{name}{SIGNATURE}" not in there), tuple(refused))


def wanted_of(offers: Iterable[Offer], feed: RegistryRecord) -> list[Offer]:
    """Return the offers that may count after the last import: the newest full file and what follows it."""
    fresh = [one for one in offers if is_new(one.manifest, feed)]
    full = [one for one in fresh if one.manifest.extent == "full"]
    base = max(full, key=_age, default=None)
    return [one for one in fresh if base is None or _age(one) >= _age(base)]


def is_new(manifest: Manifest, feed: RegistryRecord) -> bool:
    """Return whether a manifest is newer than the last import of its feed."""
    if manifest.sequence or feed.feed_sequence:
        return manifest.sequence > feed.feed_sequence
    last = feed.feed_made_at or feed.refreshed_at
    return last is None or manifest.made_at > last


def drop_old(folder: Path, feed: RegistryRecord) -> None:
    """Delete fetched files that were imported, or that a newer full file replaces; held ones stay."""
    for path in folder.glob(f"*{SIGNATURE}"):
        try:
            old = not is_new(Manifest.read(path.read_bytes()), feed)
        except RefusedError:
            old = True
        if old:
            path.with_name(path.name.removesuffix(SIGNATURE)).unlink(missing_ok=True)
            path.unlink()


def _age(offer: Offer) -> tuple[int, float]:
    return offer.manifest.sequence, offer.manifest.made_at.timestamp()


def _is_there(folder: Path, making: Path, name: str) -> bool:
    """Return whether this file was fetched before, with the same manifest."""
    known = folder / f"{name}{SIGNATURE}"
    same = known.is_file() and known.read_bytes() == (making / known.name).read_bytes()
    return same and (folder / name).is_file()


def _reason(said: str) -> str:
    """Return the last line of an error that says why, without odd characters."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("Connection closed")]
    return "".join(char for char in lines[-1] if char.isprintable())[:200] if lines else "no reason given"
