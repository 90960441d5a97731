"""Whether what a package says of another agency's reads is what that agency signed.

All that is needed is in the package: what was asked, what was answered, both signatures and both keys. Whose
the keys are is known by their fingerprints, which each agency has told the other and tells whoever checks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from connectors.partners.exchange import agency_print, proven
from connectors.partners.keys import WrongKey, fingerprint, read_public
from connectors.partners.signing import BadSignature
from schemas.exchange import SignedExchange
from schemas.fields import NOT_JSON
from schemas.partner import PictureOf, Pictures, Read, Reads

ANSWERS, DETECTIONS, ORIGINALS = "answers/", "detections.json", "originals/"
"""Answers as they were signed, rows, and pictures."""
_PRINT = re.compile(r"[0-9a-f]{64}")


class Manifest(Protocol):
    """What is asked of a manifest."""

    @property
    def origin(self) -> str:
        """Short name of the agency that has the originals; empty where it is the one that exported."""


class Signed:
    """What the answers of a package prove: reads by id, and pictures by their path."""

    def __init__(self) -> None:
        self.reads: dict[str, Read] = {}
        self.pictures: dict[str, bytes] = {}

    def add(self, one: SignedExchange) -> None:
        """Raises BadSignature."""
        asked, told = proven(one)
        if isinstance(told, Reads):
            self.reads |= {str(read.detection_id): read for read in told.reads}
        elif isinstance(asked, PictureOf) and isinstance(told, Pictures):
            for kind in ("crop", "vehicle"):
                self.pictures[f"{ORIGINALS}{asked.detection_id}-{kind}.jpg"] = getattr(told, kind)


def answers(package: Mapping[str, bytes]) -> dict[str, SignedExchange]:
    """The answers in a package by path. Raises ValueError for one that cannot be read."""
    return {
        path: msgspec.json.decode(content, type=SignedExchange)
        for path, content in sorted(package.items())
        if path.startswith(ANSWERS)
    }


def keys(package: Mapping[str, bytes]) -> dict[str, str]:
    """Which agency's name stands beside which key, by fingerprint. Raises ValueError."""
    return {agency_print(one): one.agency for one in answers(package).values()}


def key_named(told: str) -> str:
    """A fingerprint of 64 hex digits, in groups or not, or that of a public key. Raises ValueError."""
    bare = "".join(told.split()).lower()
    return bare if _PRINT.fullmatch(bare) else fingerprint(read_public(told))


def origin_faults(
    package: Mapping[str, bytes], manifest: Manifest, trusted: Sequence[str] = ()
) -> Iterator[str]:
    """What is not as the agency of origin signed it, one sentence for each; nothing of one's own hold."""
    signed = Signed()
    try:
        found = answers(package)
        records = msgspec.json.decode(package.get(DETECTIONS, b"[]"), type=list[dict[str, Any]])
    except NOT_JSON:
        yield f"{ANSWERS} or {DETECTIONS} cannot be read"
        return
    for path, one in found.items():
        try:
            signed.add(one)
            by = agency_print(one)
        except (BadSignature, WrongKey) as error:
            yield f"{path}: {error}"
            continue
        if one.agency != manifest.origin:
            yield f"{path}: is of {one.agency}, and the hold of {manifest.origin or 'the agency itself'}"
        if trusted and by not in trusted:
            yield f"{path}: signed by another key than the one that was given"
    if manifest.origin:
        yield from _differences(package, records, signed, manifest.origin)


def _differences(
    package: Mapping[str, bytes], records: Sequence[Mapping[str, Any]], signed: Signed, origin: str
) -> Iterator[str]:
    for record in records:
        name = str(record.get("detection_id"))
        read = signed.reads.get(name)
        if read is None:
            yield f"{DETECTIONS}: {name} is in no answer that {origin} signed"
            continue
        told = msgspec.to_builtins(read)
        other = [field for field in told if record.get(field) != told[field]]
        if other:
            yield f"{DETECTIONS}: {name} is not what {origin} signed: {', '.join(other)}"
    for path, content in package.items():
        if path.startswith(ORIGINALS) and signed.pictures.get(path) != content:
            yield f"{path}: is not what {origin} signed"
