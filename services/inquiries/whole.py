"""Is the inquiry log whole? Its export, and its check against its seals and the copy outside the database."""

from dataclasses import dataclass
from pathlib import Path

from connectors.changelog import read_to_end
from connectors.clickhouse_client import AUDITOR
from connectors.inquiry_verify import verify, waiting, waiting_sentence
from schemas.topics import INQUIRIES
from services.door import Door
from services.inquiries import export as inquiry_export

__all__ = ["Check", "check", "export", "waiting_sentence"]


@dataclass(frozen=True)
class Check:
    """What is wrong (no sentence names a plate or a person), seals in the copy, and rows not sealed yet."""

    faults: list[str]
    seals: int
    waiting: int


def check(door: Door) -> Check:
    """Compare log, seals and copy. It shows no inquiry, so it is no act. Raises DatabaseError."""
    client = door.client(AUDITOR)
    copy = [INQUIRIES.decode(message) for message in read_to_end(door.streams, INQUIRIES)]
    return Check(verify(client, copy), len({one.seal for one in copy}), waiting(client))


def export(door: Door, file: Path, *, case_number: str = "", reason: str = "") -> inquiry_export.Head:
    """Write the sealed log to `file`; its head. Raises FileExistsError, RefusedInquiry and DatabaseError."""
    if file.exists():
        raise FileExistsError(f"{file} exists, and is not written over")
    door.enter("audit_export", f"export {file.name}"[:64], case_number=case_number, reason=reason)
    with file.open("xb") as target:
        return inquiry_export.write(door.client(AUDITOR), target)
