"""Verification of a published log and of proofs with files only: no database and no secret key.

Anyone who does not trust this program can do the same with others' (docs/how-to/auditor/verify-the-log.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.inquiry_log import LOG
from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.checkpoint import Head, open_checkpoint, read_proof
from platestream.merkle.note import NoteError, Verifier
from platestream.merkle.tiles import ENTRIES, Growth, Tile, tile_of
from platestream.schemas.fields import NOT_JSON
from platestream.transparency_log import leaves
from platestream.transparency_log.config import LogConfig, LogError
from platestream.transparency_log.inquiry_proof import INQUIRY, PROOF, SALT
from platestream.transparency_log.leaves import LeavesError
from platestream.transparency_log.log_export import Line
from platestream.transparency_log.period import PeriodReport, judge, needed, parse_period
from platestream.transparency_log.published_counts import OpenedEntry, day_path, faults_of, parse
from platestream.transparency_log.published_folder import CHECKPOINT, PublishedFolder
from platestream.transparency_log.witness_client import RequestError, get

Read = Callable[[str], bytes]
MOST_FAULTS = 20


@dataclass(frozen=True)
class VerificationResult:
    """The result of a verification: the head that was checked, and its faults, a sentence each."""

    head: Head
    faults: list[str]


@dataclass(frozen=True)
class Verdict:
    """The verification of a period, and its figures."""

    result: VerificationResult
    report: PeriodReport


def reader_of(place: str) -> Read:
    """Return a reader of a published log's files by path, from a folder or an address http(s)://…"""
    if place.startswith(("http://", "https://")):
        return lambda path: get(f"{place.rstrip('/')}/{path}")
    return PublishedFolder(Path(place)).read


def verify_published(
    read: Read, key: Verifier, older: bytes | None = None, exported: Iterable[bytes] = ()
) -> VerificationResult:
    """Recompute the tree from all published entries to the signed head.

    `older` is a checkpoint from an earlier time: the log must begin with its tree. `exported` are lines of
    `audit export`: each must be the entry of its number, and each published entry must have its line, except
    for expired ones at the beginning. Raises NoteError where a checkpoint is not signed by `key`.
    """
    head, _note = open_checkpoint(_read(read, CHECKPOINT), key)
    before = open_checkpoint(older, key)[0] if older is not None else Head(key.name, 0, merkle.EMPTY)
    if before.size > head.size:
        return VerificationResult(
            head, [f"the log was cut: it had {before.size} entries, and has {head.size}"]
        )
    committed = _exported_entries(exported)
    faults: list[str] = []
    growth = Growth(0, lambda tile: read(tile.path))
    try:
        for number, one in enumerate(_entries(read, head.size), 1):
            if growth.size == before.size and before.size:
                faults += _older(growth, before)
            for tile, content in growth.add(one):
                faults += _tile(read, tile, content)
            faults += _exported(committed, number, one)
            if len(faults) >= MOST_FAULTS:
                return VerificationResult(head, [*faults, "and no further: there are too many faults"])
        if growth.size == before.size and before.size:
            faults += _older(growth, before)
        for tile, content in growth.edge():
            faults += _tile(read, tile, content)
    except (OSError, ValueError, RequestError) as error:
        return VerificationResult(head, [*faults, f"entry {growth.size + 1} cannot be read: {error}"])
    if growth.root() != head.root:
        faults.append("the entries do not lead to the head that is signed")
    last = max(committed, default=0)
    if last > head.size:
        faults.append(
            f"the export goes on to seal {last}, and the published head to {head.size}: compare a newer head"
        )
    return VerificationResult(head, faults)


def verify_period(
    read: Read, key: Verifier, period: str, now: datetime, lines: Iterable[bytes] = ()
) -> Verdict:
    """Judge a period by the published counts, or by `lines` of a file, which must be entries of the log.

    `verify_published` checks the log itself. Raises NoteError, ValueError and OSError.
    """
    since, until = parse_period(period)
    head, _note = open_checkpoint(_read(read, CHECKPOINT), key)
    opened = list(parse(lines)) or list(_opened(read, since - timedelta(days=1), now))
    if not opened:
        raise ValueError(
            "the counts of this period are not published: ask the agency for the file of `audit prove --out`,"
            " and name it with --counts"
        )
    faults = [f"seal {one.seal}: it is not in the published head" for one in opened if one.seal > head.size]
    faults += [f"seal {one.seal}: it has no salt" for one in opened if not one.salt]
    faults += faults_of(opened, read, head)
    tallies = sorted((one.tally()[1] for one in opened), key=lambda one: one.until)
    report = judge(needed(tallies, since), since, until, now)
    return Verdict(VerificationResult(head, [*faults, *report.faults]), report)


def verify_proof(files: Mapping[str, bytes], key: Verifier) -> VerificationResult:
    """Verify that an inquiry, its salt and its proof belong together and to a head that `key` signed.

    Raises NoteError for an invalid proof or one of another key, and KeyError for a missing file.
    """
    proof = read_proof(files[PROOF])
    head, _note = open_checkpoint(str(proof.note).encode(), key)
    if len(files[SALT]) != leaves.SALT:
        raise NoteError(f"a salt has {leaves.SALT} bytes")
    leaf = merkle.leaf_hash(leaves.commitment(files[SALT], files[INQUIRY]))
    right = merkle.includes(proof.index, head.size, leaf, proof.hashes, head.root)
    return VerificationResult(head, [] if right else ["the inquiry is not the entry that is proven"])


def verify_database(
    client: Client, log_config: LogConfig, key: Verifier, log: str = LOG
) -> VerificationResult | None:
    """Compare sealed inquiries in the database with the published entries; return None before the first
    publication.

    `client` needs the auditor's role, and `log` an act of that person. Raises DatabaseError, NoteError, and
    OSError.
    """
    shown = log_config.folder.find(CHECKPOINT)
    if shown is None:
        return None
    head, _note = open_checkpoint(shown, key)
    ends = leaves.seal_range(client)
    if ends.last < head.size:
        return VerificationResult(
            head, [f"{head.size} entries are published, and the database ends at seal {ends.last}"]
        )
    published = _entries(lambda path: log_config.folder.read(path), head.size, ends.first - 1)
    try:
        faults = [
            f"seal {leaf.seal}: the inquiry is not what was published"
            for leaf, one in zip(leaves.between(client, ends.first, head.size, log), published, strict=False)
            if leaf.entry != one
        ]
    except (LeavesError, ValueError) as error:
        return VerificationResult(head, [str(error)])
    return VerificationResult(head, faults[:MOST_FAULTS])


def _opened(read: Read, since: datetime, until: datetime) -> Iterator[OpenedEntry]:
    """Yield the published counts of all days from `since` on; a day may have none."""
    day = since.date()
    while day <= until.date():
        with suppress(FileNotFoundError, RequestError):
            yield from parse(read(day_path(day)).splitlines())
        day += timedelta(days=1)


def key_of(text: str) -> Verifier:
    """Parse a verifier key that was typed. Raises LogError."""
    try:
        return Verifier.parse(text.strip())
    except NoteError as error:
        raise LogError(str(error)) from None


def _entries(read: Read, size: int, start: int = 0) -> Iterator[bytes]:
    """Yield the entries from `start` on."""
    for number in range(start // tiles.WIDTH, -(-size // tiles.WIDTH)):
        tile = tile_of(ENTRIES, number, size)
        found = list(tiles.entries(_read(read, tile.path)))
        if len(found) != tile.width:
            raise ValueError(f"{tile.path} holds {len(found)} entries")
        yield from found[max(start - number * tiles.WIDTH, 0) :]


def _older(growth: Growth, before: Head) -> list[str]:
    if growth.root() == before.root:
        return []
    return [f"the log was written anew: its first {before.size} entries are not those of the older head"]


def _tile(read: Read, tile: Tile, content: bytes) -> list[str]:
    try:
        right = _read(read, tile.path) == content
    except (OSError, RequestError):
        return [f"{tile.path} is missing"]
    return [] if right else [f"{tile.path} is not the tile of these entries"]


def _exported_entries(lines: Iterable[bytes]) -> dict[int, bytes | None]:
    """Return the entries according to an export, by seal; None for a line without a salt."""
    found: dict[int, bytes | None] = {}
    for text in lines:
        try:
            one = msgspec.json.decode(text, type=Line)
        except NOT_JSON:
            continue  # the export's head, or a fault that its own check reports
        salted = isinstance(one.salt, str) and len(one.salt) == 2 * leaves.SALT
        salt = bytes.fromhex(one.salt) if salted and isinstance(one.salt, str) else None
        found[one.seal] = None if salt is None else leaves.commitment(salt, bytes(one.inquiry))
    return found


def _exported(committed: Mapping[int, bytes | None], number: int, entry: bytes) -> list[str]:
    if not committed or number < min(committed):
        return []
    if number not in committed:
        return [f"seal {number} is published, and not in the export"]
    if committed[number] is None:
        return [f"seal {number} has no salt in the export"]
    return [] if committed[number] == entry else [f"seal {number}: the export is not what was published"]


def _read(read: Read, path: str) -> bytes:
    try:
        return read(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there") from None
