"""Fetching of a feed's files from another machine by SFTP.

The server's key must be in `feeds/known_hosts`, and a file is fetched only where the feed's key signed its
manifest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from platestream.hotlist.manifest import LARGEST_MANIFEST, SIGNATURE, Manifest, Offer, is_new
from platestream.runtime.sftp import LARGEST, Remote, Sftp
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

MOST = 200
"""Newest manifests on the server that are considered."""


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch: names without a manifest, and manifests that are refused, with the reason."""

    unsigned: frozenset[str]
    refused: tuple[tuple[str, RefusedError], ...]


def fetch(feed: RegistryRecord, home: Path, folder: Path) -> Fetched:
    """Fetch the new files of a feed, with their manifests, into `folder`.

    A file gets its name there after it is complete, and its manifest after that, so that a kill leaves no
    part of one. Raises SftpError and RefusedError.
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
