"""Evidence packages: files, a manifest with the SHA-256 of each, and one Ed25519 signature over the manifest.

Verification needs only the package and, to identify its author, the agency's public key: by `evidence
verify`, or by hand with sha256sum and openssl (docs/how-to/analyst/evidence.md).
"""

import os
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from platestream.evidence.origin import ANSWERS, DETECTIONS, ORIGINALS, origin_faults
from platestream.keys.age_file import AgeFileError, decrypted, encrypting, is_encrypted
from platestream.keys.recipients import Identity, Recipient
from platestream.runtime.private_file import new_file, write_file
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.inquiry import SealedInquiry, seal_hash
from platestream.schemas.ledger import LedgerEntry

MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "public-key.pem"
CUSTODY, INQUIRIES, RECORDS = "custody.json", "inquiries.json", "records.jsonl"
"""`records.jsonl` has each stored detection in a line, whose SHA-256 is in the entry of the hold."""
LARGEST = 4_000_000_000  # most bytes that verification unpacks
SMALL, MOST_TIMES = 100_000_000, 10  # from so many bytes on not more than so many times what is packed
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The accepted compression methods; others may unpack to gigabytes from a few bytes."""


class PackageError(ValueError):
    """Error for a package or key that cannot be read."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the package."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The signed manifest, which covers all of the package. `origin` is the agency that has the originals,
    where that is not the exporting one.
    """

    schema: str = "platestream_evidence/1"
    hold_id: str
    case_number: str
    agency: str
    exported_at: datetime
    exported_by: str
    receiver: str
    signed_by: str
    origin: str = ""
    files: list[File]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a package that may be shown to anyone who verifies it: no plate and no person."""

    hold_id: str
    case_number: str
    agency: str
    exported_at: datetime
    signed_by: str
    files: int
    origin: str = ""


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger about this hold, with its recorded hash."""

    entry: LedgerEntry
    hash: str


def new_key(path: Path) -> str:
    """Make a private key at `path`, readable by its owner only; return its fingerprint. Raises
    FileExistsError.
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    path.with_suffix(".pub").write_bytes(_pem(key.public_key()))
    return fingerprint(_pem(key.public_key()))


def read_key(path: Path) -> Ed25519PrivateKey:
    """Read the agency's private key. Raises PackageError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise PackageError(f"no private key in {path}: {type(error).__name__}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise PackageError(f"{path}: not an Ed25519 key")
    return key


def fingerprint(pem: bytes) -> str:
    """Return the SHA-256 of a public key (raw, 32 bytes) as 64 hex digits. Raises PackageError."""
    return sha256(_public(pem).public_bytes_raw()).hexdigest()


def key_fingerprint(key: Ed25519PrivateKey) -> str:
    """Return the fingerprint of the public half of a key."""
    return sha256(key.public_key().public_bytes_raw()).hexdigest()


def seal(files: dict[str, bytes], manifest: Manifest, key: Ed25519PrivateKey) -> dict[str, bytes]:
    """Return the complete package: `files` with key, manifest (its `files` filled in) and signature."""
    files = {**files, KEY: _pem(key.public_key())}
    listed = [
        File(path=path, bytes=len(content), sha256=sha256(content).hexdigest())
        for path, content in sorted(files.items())
    ]
    manifest_json = msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(manifest, files=listed)))
    return {**files, MANIFEST: manifest_json, SIGNATURE: key.sign(manifest_json)}


def write(package: dict[str, bytes], to: Path, recipients: Sequence[Recipient] = ()) -> None:
    """Write a package to a new .zip file, or else to a new folder; with recipients to an encrypted file.
    What is written is for its owner only. Raises FileExistsError and OSError.
    """
    if to.exists():
        raise FileExistsError(f"{to} is there already")
    if recipients:
        with new_file(to) as raw, encrypting(raw, recipients) as target:
            pack(package, target)
        return
    if to.suffix == ".zip":
        with new_file(to) as archive:
            pack(package, archive)
        return
    to.mkdir(mode=0o700, parents=True)
    for path, content in package.items():
        file = to / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, content)


def pack(package: dict[str, bytes], file: IO[bytes]) -> None:
    """Write a package as a .zip without compression, because JPEG does not shrink."""
    with zipfile.ZipFile(file, "w") as archive:
        for path, content in sorted(package.items()):
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)


def read(source: Path, identities: Sequence[Identity] = ()) -> dict[str, bytes]:
    """Read all files of a package by path. One of the `identities` opens an encrypted one. Raises
    PackageError.
    """
    if source.is_dir():
        return {
            file.relative_to(source).as_posix(): file.read_bytes()
            for file in sorted(source.rglob("*"))
            if file.is_file()
        }
    if not is_encrypted(source):
        return _unpack(source, source)
    if not identities:
        raise PackageError(f"{source} is encrypted: name the file of its identity with --identity")
    try:
        with decrypted(source, identities) as content:
            return _unpack(source, content)
    except AgeFileError as error:
        raise PackageError(str(error)) from None


def _unpack(source: Path, content: Path | IO[bytes]) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(content) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise PackageError(f"{source}: a file is in it twice")
            if any(entry.compress_type not in PACKED for entry in entries):
                raise PackageError(f"{source}: packed in another way than stored or deflated")
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise PackageError(f"{source}: unpacks to more than {LARGEST} bytes")
            if _swells(entries):
                raise PackageError(
                    f"{source}: unpacks to over {MOST_TIMES} times its size, as no picture does"
                )
            return {entry.filename: archive.read(entry) for entry in entries}
    except PackageError:
        raise
    except Exception as error:  # zipfile raises many kinds of errors on malicious bytes
        raise PackageError(f"{source}: not an evidence package ({type(error).__name__})") from None


def _swells(entries: Sequence[zipfile.ZipInfo]) -> bool:
    """Return whether a few packed bytes unpack to much. The texts of a package alone do so, and are small."""
    unpacked, packed = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    return unpacked > SMALL and unpacked > MOST_TIMES * packed


def verify(
    package: dict[str, bytes], trusted: bytes | None = None, partners: Sequence[str] = ()
) -> tuple[Manifest | None, list[str]]:
    """Verify a package; return its manifest and its faults, one sentence each.

    `trusted` is the agency's public key (PEM). Without it the package's own key is used, which shows that
    nothing was changed since it was signed, but not who signed it. `partners` are fingerprints of keys of the
    agency of origin; without them its answers are checked by the keys inside them, which shows only the same.
    """
    manifest_json, signature = package.get(MANIFEST), package.get(SIGNATURE)
    pem = trusted or package.get(KEY)
    if manifest_json is None or signature is None or pem is None:
        return None, ["manifest, signature or key is missing"]
    try:
        manifest = msgspec.json.decode(manifest_json, type=Manifest)
        _public(pem).verify(signature, manifest_json)
    except (*NOT_JSON, PackageError):
        return None, ["manifest or key cannot be read"]
    except InvalidSignature:
        return manifest, ["the signature does not fit: the manifest was changed, or another key signed it"]
    faults = list(_file_faults(package, manifest))
    if fingerprint(pem) != manifest.signed_by:
        faults.append("the manifest names another key than the one that signed it")
    if not faults:
        faults = [*_record_faults(package, manifest), *origin_faults(package, manifest.origin, partners)]
    return manifest, faults


def summary(manifest: Manifest) -> Summary:
    """Return the facts of a manifest without people."""
    named = {name: getattr(manifest, name) for name in Summary.__struct_fields__ if name != "files"}
    return Summary(**named, files=len(manifest.files))


def _file_faults(package: dict[str, bytes], manifest: Manifest) -> Iterator[str]:
    listed = {file.path: file for file in manifest.files}
    for path in sorted(set(package) - set(listed) - {MANIFEST, SIGNATURE}):
        yield f"{path}: not in the manifest"
    for path, file in listed.items():
        if ".." in PurePosixPath(path).parts or path.startswith("/"):
            yield f"{path}: points out of the package"
        elif path not in package:
            yield f"{path}: missing"
        elif sha256(package[path]).hexdigest() != file.sha256 or len(package[path]) != file.bytes:
            yield f"{path}: is not what was exported"


def _record_faults(package: dict[str, bytes], manifest: Manifest) -> Iterator[str]:
    """Yield faults of the hashes inside: entries of the ledger, and seals of the inquiries."""
    try:
        custody = msgspec.json.decode(package.get(CUSTODY, b"[]"), type=list[Custody])
        inquiries = msgspec.json.decode(package.get(INQUIRIES, b"[]"), type=list[SealedInquiry])
    except NOT_JSON:
        yield f"{CUSTODY} or {INQUIRIES} cannot be read"
        return
    if not any(one.entry.kind == "hold" for one in custody):
        yield f"{CUSTODY}: no entry says what was held"
    for one in custody:
        if one.entry.hash != one.hash:
            yield f"{CUSTODY}: entry {one.entry.number} is not what was written"
        elif one.entry.kind == "hold":
            yield from _held_faults(package, manifest, one.entry)
    for sealed in inquiries:
        if sealed.hash != seal_hash(sealed.previous, sealed.inquiry):
            yield f"{INQUIRIES}: inquiry {sealed.inquiry.inquiry_id} is not what was sealed"


class _Hold(msgspec.Struct, frozen=True):
    """The ledger's record of a hold. Older entries have no `records`."""

    hold_id: str = ""
    origin: str = ""
    records: list[dict[str, str]] = []
    pictures: list[dict[str, str]] = []
    answers: list[dict[str, str]] = []


def _held_faults(package: dict[str, bytes], manifest: Manifest, entry: LedgerEntry) -> Iterator[str]:
    """Yield differences between the package and what was held, by the hashes in the ledger."""
    try:
        held = msgspec.json.decode(entry.record, type=_Hold)
        detections = msgspec.json.decode(package.get(DETECTIONS, b"[]"), type=list[Any])
        lines = package.get(RECORDS, b"").splitlines()
        records = [msgspec.json.decode(line) for line in lines]
    except NOT_JSON:
        yield f"{CUSTODY}, {DETECTIONS} or {RECORDS} cannot be read"
        return
    if held.origin != manifest.origin:
        yield f"{CUSTODY}: entry {entry.number} has another agency of origin than the manifest"
    if held.hold_id != manifest.hold_id:
        yield f"{CUSTODY}: entry {entry.number} is of another hold than the manifest"
    if held.records:
        promised = sorted(one["sha256"] for one in held.records)
        if sorted(sha256(line).hexdigest() for line in lines) != promised:
            yield f"{RECORDS}: the detections are not those that were held"
        if records != detections:
            yield f"{DETECTIONS}: is not what {RECORDS} says"
    pictures = {
        path: sha256(content).hexdigest() for path, content in package.items() if path.startswith(ORIGINALS)
    }
    if pictures != {
        f"{ORIGINALS}{one['detection_id']}-{one['kind']}.jpg": one["sha256"] for one in held.pictures
    }:
        yield f"{ORIGINALS}: the pictures are not those that were held"
    answers = [sha256(content).hexdigest() for path, content in package.items() if path.startswith(ANSWERS)]
    if sorted(answers) != sorted(one["sha256"] for one in held.answers):
        yield f"{ANSWERS}: the signed answers are not those that were held"


def _public(pem: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise PackageError("not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise PackageError("not an Ed25519 key")
    return key


def _pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
