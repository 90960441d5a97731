"""Export of a hold as a package: originals, custody, inquiries, a page to read, and one signature over all of
it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access.door import Documentation, Door
from platestream.edges.clickhouse_client import CUSTODIAN, run
from platestream.edges.inquiry_log import read_seals, readable_log
from platestream.evidence import held_keys
from platestream.evidence.hold import NothingToHold
from platestream.evidence.origin import ANSWERS, DETECTIONS
from platestream.evidence.package import (
    CUSTODY,
    INQUIRIES,
    MANIFEST,
    RECORDS,
    Custody,
    Manifest,
    PackageError,
    key_fingerprint,
    read_key,
    seal,
    verify,
)
from platestream.evidence.package_page import page
from platestream.keys.envelope import SealError
from platestream.keys.master import KeysError
from platestream.keys.pieces import answer_name, picture_name
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.ledger import decoded
from platestream.settings import Settings

Opener = Callable[[str, bytes], bytes]
"""Opens a stored piece by its name."""

# Each view opens by the act that shows this hold, which is in the log.
_HOLD = "SELECT * FROM platestream.held(inquiry = {shown:UUID})"
_DETECTIONS = """
SELECT record FROM platestream.held_detections(inquiry = {shown:UUID}) ORDER BY captured_at, detection_id
"""
_IMAGES = """
SELECT toString(detection_id), kind, sha256, jpeg FROM platestream.held_images(inquiry = {shown:UUID})
ORDER BY detection_id, kind
"""
_ANSWERS = """
SELECT number, sha256, exchange FROM platestream.held_answers(inquiry = {shown:UUID}) ORDER BY number
"""
# The search that found the detections, the requests for their pictures, and earlier inquiries for the case.
_SEALS = """
SELECT seal FROM platestream.inquiry_seals WHERE entry IN (
    SELECT entry FROM platestream.inquiry_log
    WHERE tool = {tool:String}
       OR (case_number = {case:String} AND NOT startsWith(kind, 'audit') AND kind != 'retention'))
ORDER BY seal
"""


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's record of an export. One to an evidence system (`system`) names the packed `file`, with
    its size and SHA-256. `encrypted_to` has the public keys of an encrypted package.
    """

    hold_id: UUID
    case_number: str
    receiver: str
    files: int
    manifest_sha256: str
    signed_by: str
    system: str = ""
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    encrypted_to: str = ""


@dataclass(frozen=True)
class HoldState:
    """The current state of a hold: its pictures, and the number of damaged pictures and of damaged answers of
    the agency of `origin`. Times are UTC.
    """

    hold_id: UUID
    case_number: str
    held_at: datetime
    release_at: datetime
    detections: int
    pictures: int
    damaged: int
    origin: str


def agency_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key that signs the agency's packages. Raises PackageError where none is set, or it is no
    key.
    """
    if settings.evidence_key_file is None:
        raise PackageError("PLATESTREAM_EVIDENCE_KEY_FILE is not set: see platestream evidence key")
    return read_key(settings.evidence_key_file)


def export(
    door: Door,
    hold_id: UUID,
    key: Ed25519PrivateKey | None,
    now: datetime,
    *,
    receiver: str,
    purpose: str = "",
    encrypted_to: str = "",
) -> dict[str, bytes]:
    """Export a hold; return the files of the package by path. The export is logged, with the public keys
    that the caller encrypts it to. Without a `key` the agency's key signs it.

    The person sees the hold first, which is an act of its own. Raises NothingToHold where there is no such
    hold or its content differs from what was held, PackageError without a key, RefusedInquiry and
    DatabaseError.
    """
    package, done = prepare(door, hold_id, key, now, receiver=receiver)
    record(door, msgspec.structs.replace(done, encrypted_to=encrypted_to), purpose)
    return package


def prepare(
    door: Door, hold_id: UUID, key: Ed25519PrivateKey | None, now: datetime, *, receiver: str
) -> tuple[dict[str, bytes], Export]:
    """Return the package of a hold and the record of its export, which is not logged yet. Raises as
    `export`.
    """
    shown = door.enter("evidence_show", str(hold_id)).inquiry_id
    key = key or agency_key(door.settings)
    custodian = door.client(CUSTODIAN)
    agency = door.rules.profile.agency.name
    held = _rows(custodian, _HOLD, shown=shown)
    if not held:
        raise NothingToHold(f"no hold {hold_id}")
    facts = held[0]
    case = facts["case_number"]
    manifest = Manifest(
        hold_id=str(hold_id),
        case_number=case,
        agency=agency,
        exported_at=now,
        exported_by=door.who,
        receiver=receiver,
        signed_by=key_fingerprint(key),
        origin=facts["origin"],
        files=[],
    )
    try:
        opened = held_keys.opener(door.keys, hold_id)
        files = _files(custodian, shown, readable_log(shown), facts, agency, opened)
    except (KeysError, SealError) as error:
        raise NothingToHold(f"hold {hold_id} cannot be read: {error}") from None
    package = seal(files, manifest, key)
    if faults := verify(package)[1]:
        raise NothingToHold(f"hold {hold_id} is not what was held, and is not signed: {faults[0]}")
    return package, Export(
        hold_id=hold_id,
        case_number=case,
        receiver=receiver,
        files=len(package),
        manifest_sha256=sha256(package[MANIFEST]).hexdigest(),
        signed_by=manifest.signed_by,
    )


def record(door: Door, done: Export, purpose: str) -> None:
    """Log an export with its entry of the ledger. Raises RefusedInquiry and DatabaseError."""
    why: Documentation = {
        "case_number": done.case_number,
        "reason": f"Evidence exported to {done.receiver}",
        "purpose": purpose,
    }
    records.put(door, "evidence_export", done, **why)


def holds(door: Door) -> list[HoldState]:
    """List all holds, the next to be released first. Raises RefusedInquiry and DatabaseError."""
    door.enter("evidence_show", "all holds")
    columns = ", ".join(field.name for field in fields(HoldState))
    sql = f"SELECT {columns} FROM platestream.evidence_state ORDER BY release_at"  # noqa: S608 - our own names
    return [HoldState(**row) for row in _rows(door.client(CUSTODIAN), sql)]


def _files(
    custodian: Client, shown: UUID, log: str, facts: dict[str, Any], agency: str, opened: Opener
) -> dict[str, bytes]:
    """Return the content of the package by path, without key, manifest and signature."""
    hold_id = facts["hold_id"]
    texts = [row["record"] for row in _rows(custodian, _DETECTIONS, shown=shown)]
    detections = [msgspec.json.decode(text) for text in texts]
    originals = dict(_originals(custodian, shown, opened))
    custody = _custody(custodian, hold_id)
    inquiries = _inquiries(custodian, log, hold_id, facts["case_number"])
    return {
        **originals,
        **dict(_answers(custodian, shown, opened)),
        DETECTIONS: _json(detections),
        RECORDS: "".join(f"{text}\n" for text in texts).encode(),
        CUSTODY: _json(custody),
        INQUIRIES: _json(inquiries),
        "summary.html": page(facts, detections, originals, custody, inquiries, agency).encode(),
    }


def _originals(client: Client, shown: UUID, opened: Opener) -> list[tuple[str, bytes]]:
    parameters = {"shown": shown}
    rows = run(
        "reading pictures",
        partial(
            client.query, _IMAGES, parameters=parameters, column_formats={"jpeg": "bytes", "sha256": "bytes"}
        ),
    ).result_rows
    for detection, kind, digest, jpeg in rows:
        if sha256(jpeg).digest() != digest:
            raise NothingToHold(f"the {kind} picture of {detection} is damaged")
    return [
        (f"originals/{detection}-{kind}.jpg", opened(picture_name(detection, kind), jpeg))
        for detection, kind, _digest, jpeg in rows
    ]


def _answers(client: Client, shown: UUID, opened: Opener) -> Iterator[tuple[str, bytes]]:
    """Yield the signed answers of another agency, byte for byte."""
    parameters = {"shown": shown}
    query = partial(
        client.query,
        _ANSWERS,
        parameters=parameters,
        column_formats={"exchange": "bytes", "sha256": "bytes"},
    )
    for number, digest, exchange in run("reading signed answers", query).result_rows:
        if sha256(exchange).digest() != digest:
            raise NothingToHold(f"signed answer {number} is damaged")
        yield f"{ANSWERS}{number:03}.json", opened(answer_name(number), exchange)


def _custody(client: Client, hold_id: UUID) -> list[Custody]:
    entries = dict(ledger.read(client, "evidence"))
    return [
        Custody(entry=entry, hash=entries[entry])
        for entry, record in decoded(entries, dict[str, Any])
        if record.get("hold_id") == str(hold_id)
    ]


def _inquiries(client: Client, log: str, hold_id: UUID, case_number: str) -> list[SealedInquiry]:
    """Return the sealed inquiries only; the most recent ones, of about two seconds, have no seal yet."""
    parameters = {"tool": f"evidence hold {hold_id}", "case": case_number}
    numbers = [row["seal"] for row in _rows(client, _SEALS, **parameters)]
    pages = (run("reading seals", partial(read_seals, client, number, 1, log)) for number in numbers)
    return [
        SealedInquiry(seal=one.seal, previous=one.previous, hash=one.hash, inquiry=inquiry)
        for page_ in pages
        for one, found in page_
        for inquiry in found[:1]
    ]


def _rows(client: Client, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    return list(run("reading evidence", partial(client.query, sql, parameters=parameters)).named_results())


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))
