"""Check that the reads of another agency in a package are the ones that this agency signed.

The package has everything that is needed: the questions, the answers, both signatures and both keys. The
owners of the keys are identified by fingerprints, which each agency gives to the other and to anyone who
verifies a package.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from platestream.access.signing_keys import WrongKey, fingerprint, read_public
from platestream.partners.exchange import agency_print, verify_exchange
from platestream.partners.signing import BadSignature
from platestream.schemas.exchange import SignedExchange
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.partner import PictureOf, Pictures, Read, Reads

ANSWERS, DETECTIONS, ORIGINALS = "answers/", "detections.json", "originals/"
"""Paths of signed answers, rows, and pictures."""
_PRINT = re.compile(r"[0-9a-f]{64}")


class SignedContent:
    """Reads by id and pictures by path that the signed answers of a package prove."""

    def __init__(self) -> None:
        self.reads: dict[str, Read] = {}
        self.pictures: dict[str, bytes] = {}

    def add(self, one: SignedExchange) -> None:
        """Add an answer. Raises BadSignature."""
        asked, answer = verify_exchange(one)
        if isinstance(answer, Reads):
            self.reads |= {str(read.detection_id): read for read in answer.reads}
        elif isinstance(asked, PictureOf) and isinstance(answer, Pictures):
            for kind in ("crop", "vehicle"):
                self.pictures[f"{ORIGINALS}{asked.detection_id}-{kind}.jpg"] = getattr(answer, kind)


def answers(package: Mapping[str, bytes]) -> dict[str, SignedExchange]:
    """Return the answers in a package by path. Raises ValueError for an unreadable one."""
    return {
        path: msgspec.json.decode(content, type=SignedExchange)
        for path, content in sorted(package.items())
        if path.startswith(ANSWERS)
    }


def keys(package: Mapping[str, bytes]) -> dict[str, str]:
    """Return the names of agencies by the fingerprints of their keys. Raises ValueError."""
    return {agency_print(one): one.agency for one in answers(package).values()}


def key_named(text: str) -> str:
    """Return a fingerprint: of 64 hex digits, in groups or not, or that of a public key. Raises
    ValueError.
    """
    bare = "".join(text.split()).lower()
    return bare if _PRINT.fullmatch(bare) else fingerprint(read_public(text))


def origin_faults(package: Mapping[str, bytes], origin: str, trusted: Sequence[str] = ()) -> Iterator[str]:
    """Yield differences from what the agency of `origin` signed, one sentence each; none for a hold of one's
    own data, whose origin is empty.
    """
    signed = SignedContent()
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
        if one.agency != origin:
            yield f"{path}: is of {one.agency}, and the hold of {origin or 'the agency itself'}"
        if trusted and by not in trusted:
            yield f"{path}: signed by another key than the one that was given"
    if origin:
        yield from _differences(package, records, signed, origin)


def _differences(
    package: Mapping[str, bytes], records: Sequence[Mapping[str, Any]], signed: SignedContent, origin: str
) -> Iterator[str]:
    for record in records:
        name = str(record.get("detection_id"))
        read = signed.reads.get(name)
        if read is None:
            yield f"{DETECTIONS}: {name} is in no answer that {origin} signed"
            continue
        proven = msgspec.to_builtins(read)
        other = [field for field in proven if record.get(field) != proven[field]]
        if other:
            yield f"{DETECTIONS}: {name} is not what {origin} signed: {', '.join(other)}"
    for path, content in package.items():
        if path.startswith(ORIGINALS) and signed.pictures.get(path) != content:
            yield f"{path}: is not what {origin} signed"
