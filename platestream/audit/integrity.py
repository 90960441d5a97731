"""Integrity of the inquiry log: its export, and its check against its seals and the copy outside the
database.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from platestream.access.door import Door
from platestream.edges.changelog import read_to_end, readable
from platestream.edges.clickhouse_client import AUDITOR
from platestream.edges.inquiry_log import readable_log
from platestream.schemas.topics import INQUIRIES
from platestream.schemas.unreadable import unreadable
from platestream.transparency_log import log_export as inquiry_export
from platestream.transparency_log.config import config, verifier
from platestream.transparency_log.log_integrity import verify
from platestream.transparency_log.verify import verify_database


@dataclass(frozen=True)
class Check:
    """The result of the check: faults (no sentence names a plate or a person), seals in the copy, and rows
    not sealed yet.

    `head` is the last seal in the database with its hash, `seal:hash`, empty where nothing is sealed. A
    person who notes it outside the system can later detect a truncated log by it.
    """

    faults: list[str]
    seals: int
    waiting: int
    head: str


def check(door: Door) -> Check:
    """Compare log, seals, copy and the published log, as the act `audit_show`.

    Raises RefusedInquiry, DatabaseError, NoteError and OSError.
    """
    log = readable_log(door.enter("audit_show", "inquiry log against its seals").inquiry_id)
    client, began = door.client(AUDITOR), door.now()
    with unreadable() as unread:
        copy = list(readable(INQUIRIES, read_to_end(door.streams, INQUIRIES)))
    found = verify(client, copy, log=log, now=began)
    faults = [*unread, *found.faults, *_published_faults(door, log)]
    return Check(faults, len({one.seal for one in copy}), found.waiting, found.head)


def _published_faults(door: Door, log: str) -> list[str]:
    """Return differences between the database and the published log (docs/explanation/proof.md); none before
    the first publication, and for people who may not read the folder of the job that publishes.
    """
    found = config(door.settings)
    try:
        if found.state.secret() is None:
            return []
    except PermissionError:
        return []
    compared = verify_database(door.client(AUDITOR), found, verifier(found), log)
    return [] if compared is None else [f"published log: {fault}" for fault in compared.faults]


def export(door: Door, file: Path, *, case_number: str = "", reason: str = "") -> inquiry_export.Head:
    """Write the sealed log to `file`; return its head. Raises FileExistsError, RefusedInquiry and
    DatabaseError.
    """
    if file.exists():
        raise FileExistsError(f"{file} exists, and is not written over")
    log = _enter_export(door, file.name, case_number, reason)
    with file.open("xb") as target:
        return inquiry_export.write(door.client(AUDITOR), target, log)


def export_to(
    door: Door, target: BinaryIO, name: str, *, case_number: str = "", reason: str = ""
) -> inquiry_export.Head:
    """Write the sealed log to an open file, as `export`; `name` is the file's name for the log."""
    log = _enter_export(door, name, case_number, reason)
    return inquiry_export.write(door.client(AUDITOR), target, log)


def _enter_export(door: Door, name: str, case_number: str, reason: str) -> str:
    """Log the export; return the log as this act opens it."""
    permit = door.enter("audit_export", f"export {name}"[:64], case_number=case_number, reason=reason)
    return readable_log(permit.inquiry_id)
