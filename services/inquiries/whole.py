"""Is the inquiry log whole? Its export, and its check against its seals and the copy outside the database."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from clickhouse_connect.driver.client import Client

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR, run
from connectors.inquiry_log import logged
from connectors.inquiry_verify import verify, waiting, waiting_sentence
from schemas.topics import INQUIRIES
from services.door import Door
from services.inquiries import export as inquiry_export
from services.tlog.config import config, verifier
from services.tlog.verify import verify_database

__all__ = ["Check", "check", "export", "export_to", "waiting_sentence"]

_HEAD = "SELECT seal, hash FROM platestream.inquiry_seals ORDER BY seal DESC LIMIT 1"


@dataclass(frozen=True)
class Check:
    """What is wrong (no sentence names a plate or a person), seals in the copy, and rows not sealed yet.

    `head` is the last seal in the database with its hash, `seal:hash`, empty where nothing is sealed: whoever
    notes it elsewhere can tell a cut tail by it later.
    """

    faults: list[str]
    seals: int
    waiting: int
    head: str


def check(door: Door) -> Check:
    """Compare log, seals, copy and what was published, as the act `audit_show`.

    Raises RefusedInquiry, DatabaseError, NoteError and OSError.
    """
    log = logged(door.enter("audit_show", "inquiry log against its seals").inquiry_id)
    client = door.client(AUDITOR)
    copy = [INQUIRIES.decode(message) for message in read_to_end(door.streams, INQUIRIES)]
    head = _head(client)
    faults = [*verify(client, copy, log=log), *_published_faults(door, log)]
    return Check(faults, len({one.seal for one in copy}), waiting(client), head)


def _published_faults(door: Door, log: str) -> list[str]:
    """Return where the database is not what was published (docs/proof.md); nothing before anything was, and
    for people who may not read the folder of the job that publishes.
    """
    found = config(door.settings)
    try:
        if found.kept.secret() is None:
            return []
    except PermissionError:
        return []
    compared = verify_database(door.client(AUDITOR), found, verifier(found), log)
    return [] if compared is None else [f"published log: {fault}" for fault in compared.faults]


def export(door: Door, file: Path, *, case_number: str = "", reason: str = "") -> inquiry_export.Head:
    """Write the sealed log to `file`; its head. Raises FileExistsError, RefusedInquiry and DatabaseError."""
    if file.exists():
        raise FileExistsError(f"{file} exists, and is not written over")
    log = _enter_export(door, file.name, case_number, reason)
    with file.open("xb") as target:
        return inquiry_export.write(door.client(AUDITOR), target, log)


def export_to(
    door: Door, target: BinaryIO, name: str, *, case_number: str = "", reason: str = ""
) -> inquiry_export.Head:
    """As `export`, to a file that is open; `name` is what it is called where it goes."""
    log = _enter_export(door, name, case_number, reason)
    return inquiry_export.write(door.client(AUDITOR), target, log)


def _enter_export(door: Door, name: str, case_number: str, reason: str) -> str:
    """Return the log as this act opens it."""
    permit = door.enter("audit_export", f"export {name}"[:64], case_number=case_number, reason=reason)
    return logged(permit.inquiry_id)


def _head(client: Client) -> str:
    rows = run("reading the last seal", partial(client.query, _HEAD)).result_rows
    return f"{rows[0][0]}:{rows[0][1]}" if rows else ""
