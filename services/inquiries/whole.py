"""Is the inquiry log whole? Its export, and its check against its seals and the copy outside the database."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from clickhouse_connect.driver.client import Client

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR, run
from connectors.inquiry_verify import verify, waiting, waiting_sentence
from schemas.topics import INQUIRIES
from services.door import Door
from services.inquiries import export as inquiry_export
from services.tlog.config import config, verifier
from services.tlog.verify import verify_database

__all__ = ["Check", "check", "export", "export_to", "look", "published_faults", "waiting_sentence"]

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
    """Compare log, seals and copy. It shows no inquiry, so it is no act. Raises DatabaseError."""
    client = door.client(AUDITOR)
    copy = [INQUIRIES.decode(message) for message in read_to_end(door.streams, INQUIRIES)]
    head = _head(client)
    return Check(verify(client, copy), len({one.seal for one in copy}), waiting(client), head)


def published_faults(door: Door) -> list[str]:
    """Where the database is not what was published (docs/proof.md); empty before anything was, and for
    whoever may not read the folder of the job that publishes.

    Raises DatabaseError, NoteError and OSError.
    """
    found = config(door.settings)
    try:
        if found.kept.secret() is None:
            return []
    except PermissionError:
        return []
    compared = verify_database(door.client(AUDITOR), found, verifier(found))
    return [] if compared is None else [f"published log: {fault}" for fault in compared.faults]


def look(door: Door) -> Check:
    """As `check`, as the act `audit_show`: for pages, which read with an account that is not the person's.

    Raises RefusedInquiry and DatabaseError.
    """
    door.enter("audit_show", "inquiry log against its seals")
    return check(door)


def export(door: Door, file: Path, *, case_number: str = "", reason: str = "") -> inquiry_export.Head:
    """Write the sealed log to `file`; its head. Raises FileExistsError, RefusedInquiry and DatabaseError."""
    if file.exists():
        raise FileExistsError(f"{file} exists, and is not written over")
    _enter_export(door, file.name, case_number, reason)
    with file.open("xb") as target:
        return inquiry_export.write(door.client(AUDITOR), target)


def export_to(
    door: Door, target: BinaryIO, name: str, *, case_number: str = "", reason: str = ""
) -> inquiry_export.Head:
    """As `export`, to a file that is open; `name` is what it is called where it goes."""
    _enter_export(door, name, case_number, reason)
    return inquiry_export.write(door.client(AUDITOR), target)


def _enter_export(door: Door, name: str, case_number: str, reason: str) -> None:
    door.enter("audit_export", f"export {name}"[:64], case_number=case_number, reason=reason)


def _head(client: Client) -> str:
    rows = run("reading the last seal", partial(client.query, _HEAD)).result_rows
    return f"{rows[0][0]}:{rows[0][1]}" if rows else ""
