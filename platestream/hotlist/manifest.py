"""Signed manifests of hot list files: source, SHA-256, time, and the number of a full file or a delta.

Numbers order the files of a feed. A delta counts after the file before it alone, and a full file begins again
from any number that is higher. Whatever is signed counts once.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, Self

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Meta

from platestream.access import signing_keys
from platestream.access.signing_keys import WrongKey
from platestream.schemas.fields import Instant, rfc3339
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

AHEAD = timedelta(minutes=5)
"""Time by which a signer's clock may be ahead of ours."""
LARGEST_MANIFEST = 10_000
SIGNATURE = ".sig"
"""Suffix of the name of a file's manifest."""
ASK = "ask the list's owner for a full file"
Extent = Literal["full", "delta"]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The signed statement of a list's maintainer about a file. Without a `sequence` files are not numbered,
    and each is full.
    """

    source: str
    sha256: str
    made_at: Instant
    signature: str = ""
    extent: Extent = "full"
    sequence: Annotated[int, Meta(ge=0, le=2**53)] = 0

    @property
    def signed(self) -> bytes:
        """The bytes that are signed; those of a file without a number are as in older releases."""
        made = rfc3339(self.made_at)
        if self.extent == "full" and not self.sequence:
            return f"platestream hot list\n{self.source}\n{self.sha256}\n{made}\n".encode()
        number = f"{self.extent} {self.sequence}"
        return f"platestream hot list 2\n{self.source}\n{self.sha256}\n{made}\n{number}\n".encode()

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

    def check_signature(self, feed: RegistryRecord) -> None:
        """Raise RefusedError where the feed's key did not sign this manifest, or not for this source."""
        try:
            signature = base64.b64decode(self.signature, validate=True)
            signing_keys.read_public(feed.feed_key).verify(signature, self.signed)
        except (binascii.Error, InvalidSignature, WrongKey):
            raise RefusedError("signature", f"the file is not signed by the key of `{feed.id}`") from None
        if self.source != feed.id:
            raise RefusedError("signature", f"the signature is not for `{feed.id}`")

    def check(self, feed: RegistryRecord, digest: str, now: datetime) -> None:
        """Raise RefusedError where this is no manifest of the file with this SHA-256, or not the next one."""
        self.check_signature(feed)
        if self.sha256 != digest:
            raise RefusedError("signature", "the signature is of another file")
        last = feed.feed_made_at or feed.refreshed_at
        if last is not None and self.made_at <= last:
            raise RefusedError("signature", "the file is older than the last import of this list")
        if self.made_at > now + AHEAD:
            raise RefusedError("signature", "the file was signed ahead of time: compare the clocks")
        self.check_number(feed.feed_sequence)

    def check_number(self, last: int) -> None:
        """Raise RefusedError where the file does not follow the file with the number `last`; 0: none."""
        if self.extent == "delta" and not last:
            raise RefusedError("sequence", f"a delta came and no numbered full file before it: {ASK}")
        if not self.sequence:
            if last or self.extent == "delta":
                raise RefusedError("sequence", "files of this feed are numbered, and this one is not")
            return
        if self.sequence <= last:
            raise RefusedError(
                "sequence", f"file {self.sequence} came after file {last}: it counts once, and in order"
            )
        if self.extent == "delta" and self.sequence > last + 1:
            raise RefusedError("sequence", gap(last, self.sequence))


@dataclass(frozen=True)
class Offer:
    """A file at a feed's place, by its name and its verified manifest."""

    name: str
    manifest: Manifest


def gap(last: int, found: int) -> str:
    """Say which files are missing between two numbers."""
    missing = str(last + 1) if found == last + 2 else f"{last + 1} to {found - 1}"
    return f"file {missing} is missing before the delta {found}: {ASK}"


def following(offers: Iterable[Offer], last: int) -> Offer | None:
    """Return the offer to import after the file with the number `last`: the newest full file, or else the
    next delta; None where there is nothing new. Raises RefusedError for a gap.
    """
    ahead = sorted(
        (one for one in offers if one.manifest.sequence > last), key=lambda one: one.manifest.sequence
    )
    if not ahead:
        return None
    full = [one for one in ahead if one.manifest.extent == "full"]
    chosen = full[-1] if full else ahead[0]
    chosen.manifest.check_number(last)
    return chosen


def is_new(manifest: Manifest, feed: RegistryRecord) -> bool:
    """Return whether a manifest is newer than the last import of its feed."""
    if manifest.sequence or feed.feed_sequence:
        return manifest.sequence > feed.feed_sequence
    last = feed.feed_made_at or feed.refreshed_at
    return last is None or manifest.made_at > last


def next_offer(offers: Iterable[Offer], feed: RegistryRecord) -> Offer | None:
    """Return the offer to import after the last one of a feed: by its number, or the newest where files are
    not numbered; None where there is nothing new. Raises RefusedError for a gap.
    """
    fresh = [one for one in offers if is_new(one.manifest, feed)]
    return following(fresh, feed.feed_sequence) or max(
        fresh, key=lambda one: one.manifest.made_at, default=None
    )


def sign(
    path: Path, source: str, key: Path, now: datetime, extent: Extent = "full", sequence: int = 0
) -> Path:
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
    digest = sha256(path.read_bytes()).hexdigest()
    made = Manifest(source, digest, now, "", extent, sequence).sign(private)
    beside = path.with_name(f"{path.name}{SIGNATURE}")
    beside.write_bytes(msgspec.json.encode(made))
    return beside


def manifest_of(path: Path) -> bytes | None:
    """Return the manifest beside a file; None where there is none. Raises OSError."""
    beside = path.with_name(f"{path.name}{SIGNATURE}")
    return beside.read_bytes() if beside.is_file() else None


def unsigned(feed: RegistryRecord) -> RefusedError:
    """Return the refusal of a file without a manifest."""
    return RefusedError("signature", f"files of `{feed.id}` are signed, and no signature came with this one")
