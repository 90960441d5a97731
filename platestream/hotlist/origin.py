"""Registered feeds: the place and the signer of files of an external hot list (C.4 and E.1.b).

A list that others maintain is changed by its feed alone: by a file that the registered key signed or, where
the feed has a place and no key, by the job that reads it there. Anything else is a person's own entry, with
everything that section H asks for. The administrator registers a feed: `platestream registry source NAME
--place … | --key …`.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from platestream.access import signing_keys
from platestream.access.signing_keys import WrongKey
from platestream.hotlist.manifest import Manifest, unsigned
from platestream.schemas.fields import rfc3339
from platestream.schemas.hotlist import OWN_SOURCE
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

WRITABLE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Delivery:
    """The delivery of a file: the `place` where a job read it, as it is registered, and its `manifest`."""

    layout: str = "csv"
    place: Path | str | None = None
    manifest: bytes | None = None

    @property
    def is_delta(self) -> bool:
        """Return whether the manifest, not yet verified, calls the file a delta. Raises RefusedError."""
        return self.manifest is not None and Manifest.read(self.manifest).extent == "delta"


BY_A_PERSON = Delivery()


def public_text(path: Path) -> str:
    """Return the public key in a file, in one line. Raises RefusedError and OSError."""
    try:
        return signing_keys.public_text(signing_keys.read_public(path.read_text()))
    except (WrongKey, UnicodeDecodeError) as error:
        raise RefusedError("registry", f"{path}: {error}") from None


def feed_of(records: Iterable[RegistryRecord], source: str) -> RegistryRecord | None:
    """Return the registered feed of a source; None without one."""
    found = (one for one in records if one.kind == "hotlist_source" and one.id == source and one.has_feed)
    return next(found, None)


def check_by_hand(feed: RegistryRecord | None, source: str) -> None:
    """Raise RefusedError for a source whose entries come from its feed."""
    if feed is not None:
        raise RefusedError(
            "source",
            f"entries of `{source}` come from its registered feed alone: list the vehicle on `{OWN_SOURCE}`",
        )


def has_active_feed(records: Iterable[RegistryRecord], source: str) -> bool:
    """Return whether a feed in force maintains the entries of a source; nobody removes these by hand."""
    feed = feed_of(records, source)
    return feed is not None and feed.active


def check_layout(feed: RegistryRecord, layout: str) -> None:
    """Raise RefusedError for a file in another layout than the feed's."""
    if feed.feed_layout != layout:
        registered = feed.feed_layout
        raise RefusedError(
            "format", f"files of `{feed.id}` have the layout `{registered}`, as its feed is registered"
        )


def check_feed(
    feed: RegistryRecord, brought: Delivery, digest: str, now: datetime, *, by_job: bool
) -> Manifest | None:
    """Return the verified manifest of a file; None where a job read it at its place, without a key. Raises
    RefusedError for a file that is not of the feed.
    """
    if by_job and feed.feed_place and (brought.place is None or str(brought.place) != feed.feed_place):
        raise RefusedError("source", f"the feed of `{feed.id}` is registered at {feed.feed_place}")
    if not feed.feed_key:
        if by_job:
            return None
        raise RefusedError(
            "source",
            f"files of `{feed.id}` are read by its job at {feed.feed_place} (hotlist import --every): what a "
            "person brings must be signed, and no key of this feed is registered",
        )
    if brought.manifest is None:
        raise unsigned(feed)
    manifest = Manifest.read(brought.manifest)
    manifest.check(feed, digest, now)
    return manifest


def proof_of(feed: RegistryRecord, manifest: Manifest | None) -> str:
    """Return the proof of a file's origin for the log, with the registered share that it may remove."""
    percent = feed.feed_removes_percent
    removes = "" if percent is None else f", may remove {percent}%"
    if manifest is None:
        return f"place {feed.feed_place}{removes}"
    number = f", {manifest.extent} {manifest.sequence}" if manifest.sequence else ""
    return f"signed {rfc3339(manifest.made_at)}{number}{removes}"


@contextmanager
def open_stable(path: Path) -> Iterator[BinaryIO]:
    """Open a file at a feed's place, which must not change while it is read.

    Raises RefusedError for a link, and for a file or folder that others than its owner may write to.
    """
    if Path(os.path.realpath(path)) != Path(os.path.abspath(path)):
        raise RefusedError("source", f"{path.name} is reached by a link: a feed's place is the file itself")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode) or (before.st_mode | path.parent.stat().st_mode) & WRITABLE:
            raise RefusedError(
                "source",
                f"{path.name}, or its folder, can be written by others than its owner: take that right away "
                "(chmod go-w)",
            )
        yield file


def check_unchanged(file: BinaryIO, before: os.stat_result) -> None:
    """Raise RefusedError for a file that has changed."""
    after = os.fstat(file.fileno())
    if (after.st_mtime_ns, after.st_ctime_ns, after.st_size) != (
        before.st_mtime_ns, before.st_ctime_ns, before.st_size,
    ):  # fmt: skip
        raise RefusedError("source", "the file was changed while it was read: nothing was changed")
