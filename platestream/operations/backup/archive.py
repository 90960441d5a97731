"""The backup file: a ZIP archive that any tool opens, encrypted to its recipients by age.

`manifest.json` names each member with its SHA-256 and count. `tables/NAME.jsonl` is a table in ClickHouse's
format `JSONEachRow`, with strings as raw bytes. `topics/NAME.jsonl` has one message in each line, with key
and value in base64. `partners/NAME.jsonl` has the offers to and from other agencies
(docs/how-to/administrator/partners.md), `keys/holds.jsonl` the keys of encrypted evidence. `manifest.sig` and
`public-key.pem` are of the agency that made it (`platestream.operations.backup.signature`).

Detections, their pictures and hits are not in a backup: they are deleted after the agency's retention period,
and no copy may outlive them (order, F.8.b and J.1). Evidence is in it, because it has a schedule of its own.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from platestream.keys.age_file import AgeFileError, decrypted, is_encrypted
from platestream.keys.recipients import Identity
from platestream.operations.backup import signature
from platestream.partners import restored_offers
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.message import RefusedError
from platestream.schemas.topics import PLATED, TOPICS, Topic

KEPT = (
    "deliveries",
    "deployment_findings",
    "documents",
    "evidence_answers",
    "evidence_detections",
    "evidence_holds",
    "evidence_images",
    "gate_rules",
    "hit_actions",
    "hit_facts",
    "inquiry_findings",
    "inquiry_log",
    "inquiry_seals",
    "inquiry_salts",
    "inquiry_shown",
    "ledger",
    "recoveries",
    "recovery_codes",
    "registry",
    "utilization",
    "administrators",  # after the registry, whose rows add to it
)
"""Tables that are retained for years."""
TIED = (
    *("alert_hits", "camera_hours", "dead_letters", "detections", "expired_counts", "frames_counted"),
    *("images", "tallied", "traffic"),
)
"""Tables of cameras' detections, and counts of them, which are in no backup."""
DECLARED = ("schema_migrations", "schema_views")
"""Tables that describe this release, which a restore creates again."""
LOCAL = ("statements",)
"""Tables of one engine, whose digests are in the inquiry log and therefore in the backup."""
COPIED: tuple[Topic[Any], ...] = tuple(one for one in TOPICS if one not in PLATED)
OFFERS = tuple(restored_offers.TABLES)
HOLD_KEYS = "keys/holds.jsonl"
MANIFEST = "manifest.json"
FORMAT = 1
BLOCK = 1 << 20


class Member(msgspec.Struct, frozen=True):
    """A file of the backup, with `count` rows or messages."""

    name: str
    count: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The manifest of a backup. `migrations` are those that had been applied."""

    format: int
    made_at: datetime
    profile: str
    migrations: tuple[str, ...]
    members: tuple[Member, ...]


def write_member(file: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> Member:
    """Write a member of lines, each with its line feed."""
    count, digest = 0, hashlib.sha256()
    with file.open(name, "w", force_zip64=True) as target:
        for line in lines:
            target.write(line)
            digest.update(line)
            count += 1
    return Member(name, count, digest.hexdigest())


@contextmanager
def open_backup(
    path: Path, identities: Sequence[Identity] = ()
) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open a backup and check that its members are those of its manifest, byte for byte. One of the
    `identities` opens an encrypted file.

    Raises RefusedError that says what is wrong, and OSError.
    """
    if not is_encrypted(path):
        with path.open("rb") as plain:
            yield _read(path, plain)
        return
    if not identities:
        raise _refused(path, "is encrypted: name the file of its identity with --identity")
    try:
        with decrypted(path, identities) as content:
            yield _read(path, content)
    except AgeFileError as error:
        raise RefusedError("backup", str(error)) from None


def _read(path: Path, content: IO[bytes]) -> tuple[zipfile.ZipFile, Manifest]:
    try:
        file = zipfile.ZipFile(content)
        manifest = msgspec.json.decode(file.read(MANIFEST), type=Manifest)
    except (zipfile.BadZipFile, KeyError, *NOT_JSON):
        raise _refused(path, f"is no backup: it has no {MANIFEST} that can be read") from None
    if manifest.format != FORMAT:
        raise _refused(path, f"is of format {manifest.format}; this release reads {FORMAT}")
    known = {
        *(f"tables/{one}.jsonl" for one in KEPT),
        *(f"topics/{one.name}.jsonl" for one in COPIED),
        *(f"partners/{one}.jsonl" for one in OFFERS),
        HOLD_KEYS,
    }
    names = [one.name for one in manifest.members]
    if sorted([*names, MANIFEST]) != sorted(one for one in file.namelist() if one not in signature.MEMBERS):
        raise _refused(path, f"does not hold what its {MANIFEST} names")
    if strange := sorted(set(names) - known):
        raise _refused(path, f"holds {strange[0]}, which this release does not know")
    for member in manifest.members:
        if _sha256(file, member.name) != member.sha256:
            raise _refused(path, f"is damaged: {member.name} is not what was backed up")
    return file, manifest


def _refused(path: Path, fault: str) -> RefusedError:
    return RefusedError("backup", f"{path.name} {fault}")


def lines(file: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the lines of a member, each with its line feed; none where there is no such member."""
    if name in file.namelist():
        with file.open(name) as source:
            yield from source


def _sha256(file: zipfile.ZipFile, name: str) -> str:
    with file.open(name) as source:
        return _digest(source)


def _digest(source: IO[bytes]) -> str:
    whole = hashlib.sha256()
    try:
        while block := source.read(BLOCK):
            whole.update(block)
    except (zipfile.BadZipFile, OSError, EOFError):  # raised for a damaged member
        return ""
    return whole.hexdigest()
