"""Registered feeds: the place and the signer of files of an external hot list (C.4 and E.1.b).

A list that others maintain is changed by its feed alone: by a file that the registered key signed or, where
the feed has a place and no key, by the job that reads it there. Anything else is a person's own entry, with
everything that section H asks for. The administrator registers a feed: `platestream registry source NAME
--place … | --key …`.
"""

import base64
import binascii
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from platestream.access import signing_keys
from platestream.access.signing_keys import WrongKey
from platestream.schemas.fields import Instant, rfc3339
from platestream.schemas.hotlist import OWN_SOURCE
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

AHEAD = timedelta(minutes=5)
"""Time by which a signer's clock may be ahead of ours."""
LARGEST_MANIFEST = 10_000
SIGNATURE = ".sig"
"""Suffix of the name of a file's manifest."""
WRITABLE = stat.S_IWGRP | stat.S_IWOTH


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The signed statement of a list's maintainer about a file: source, SHA-256, and time."""

    source: str
    sha256: str
    made_at: Instant
    signature: str = ""

    @property
    def signed(self) -> bytes:
        """The bytes that are signed."""
        made = rfc3339(self.made_at)
        return f"platestream hot list\n{self.source}\n{self.sha256}\n{made}\n".encode()

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Decode a manifest. Raises RefusedError for what is no manifest."""
        try:
            return msgspec.json.decode(content[:LARGEST_MANIFEST], type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RefusedError(
                "signature", "the signature is no manifest, as `hotlist sign` writes it"
            ) from None

    def sign(self, key: Ed25519PrivateKey) -> "Manifest":
        """Return the manifest with its signature."""
        made = base64.b64encode(key.sign(self.signed)).decode()
        return msgspec.structs.replace(self, signature=made)

    def check(self, key: str, source: str, digest: str) -> None:
        """Raise RefusedError where the owner of `key` did not sign this file for this source."""
        try:
            signature = base64.b64decode(self.signature, validate=True)
            signing_keys.read_public(key).verify(signature, self.signed)
        except (binascii.Error, InvalidSignature, WrongKey):
            raise RefusedError("signature", f"the file is not signed by the key of `{source}`") from None
        if (self.source, self.sha256) != (source, digest):
            raise RefusedError("signature", f"the signature is of another file, or not for `{source}`")


@dataclass(frozen=True)
class Delivery:
    """The delivery of a file: the `place` where a job read it, and its `manifest`."""

    layout: str = "csv"
    place: Path | None = None
    manifest: bytes | None = None


BY_A_PERSON = Delivery()


def public_text(path: Path) -> str:
    """Return the public key in a file, in one line. Raises RefusedError and OSError."""
    try:
        return signing_keys.public_text(signing_keys.read_public(path.read_text()))
    except (WrongKey, UnicodeDecodeError) as error:
        raise RefusedError("registry", f"{path}: {error}") from None


def manifest_of(path: Path) -> bytes | None:
    """Return the manifest beside a file; None where there is none. Raises OSError."""
    beside = path.with_name(f"{path.name}{SIGNATURE}")
    return beside.read_bytes() if beside.is_file() else None


def sign(path: Path, source: str, key: Path, now: datetime) -> Path:
    """Write a file's manifest beside it, signed by the private key of a PEM. Raises RefusedError and
    OSError.
    """
    try:
        private = load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise RefusedError(
            "signature", f"{key} is no private key of Ed25519 (openssl genpkey -algorithm ed25519)"
        )
    made = Manifest(source, sha256(path.read_bytes()).hexdigest(), now).sign(private)
    beside = path.with_name(f"{path.name}{SIGNATURE}")
    beside.write_bytes(msgspec.json.encode(made))
    return beside


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


def check_layout(feed: RegistryRecord, layout: str) -> None:
    """Raise RefusedError for a file in another layout than the feed's."""
    if feed.feed_layout != layout:
        registered = feed.feed_layout
        raise RefusedError(
            "format", f"files of `{feed.id}` have the layout `{registered}`, as its feed is registered"
        )


def check_feed(feed: RegistryRecord, brought: Delivery, digest: str, now: datetime, *, by_job: bool) -> str:
    """Return the proof that a file is of the feed, for the log. Raises RefusedError where it is not."""
    if by_job and feed.feed_place and (brought.place is None or str(brought.place) != feed.feed_place):
        raise RefusedError("source", f"the feed of `{feed.id}` is registered at {feed.feed_place}")
    if not feed.feed_key:
        if by_job:
            return f"place {feed.feed_place}"
        raise RefusedError(
            "source",
            f"files of `{feed.id}` are read by its job at {feed.feed_place} (hotlist import --every): what a "
            "person brings must be signed, and no key of this feed is registered",
        )
    if brought.manifest is None:
        raise RefusedError(
            "signature", f"files of `{feed.id}` are signed, and no signature came with this one"
        )
    manifest = Manifest.read(brought.manifest)
    manifest.check(feed.feed_key, feed.id, digest)
    if feed.refreshed_at is not None and manifest.made_at <= feed.refreshed_at:
        raise RefusedError("signature", "the file is older than the last import of this list")
    if manifest.made_at > now + AHEAD:
        raise RefusedError("signature", "the file was signed ahead of time: compare the clocks")
    return f"signed {rfc3339(manifest.made_at)}"


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
