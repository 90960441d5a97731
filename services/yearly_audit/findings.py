"""What the auditor found about each inquiry of a draw: rows of the ledger, the newest stands."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import run
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from services import records
from services.yearly_audit.draw import TOOL, TooSoon, draws

_LOOKS = """
SELECT inquiry_id, at, who, agency, kind, case_number, reason, pattern, cameras, since, until
FROM platestream.inquiry_log WHERE inquiry_id IN {inquiries:Array(UUID)} ORDER BY at
"""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one inquiry meets the order; a data error with how it is to be corrected.

    Raises RefusedError when an inquiry that does not meet it has no note, or a correction no error.
    """

    draw: int
    inquiry_id: UUID
    meets: bool
    note: str = ""
    data_error: str = ""
    correction: str = ""

    def __post_init__(self) -> None:
        if not self.meets and not self.note.strip():
            raise RefusedError(
                "finding", "an inquiry that does not meet the order needs a note that says why"
            )
        if self.correction and not self.data_error:
            raise RefusedError("finding", "a correction without the data error that it corrects")


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """An inquiry as it stands in the log."""

    inquiry_id: UUID
    at: datetime
    who: str
    agency: str
    kind: str
    case_number: str
    reason: str
    pattern: str
    cameras: Sequence[str]
    since: datetime
    until: datetime


def find(client: Client, finding: Finding, *, who: str) -> LedgerEntry:
    """Put a finding on record. Raises TooSoon when the draw has no such inquiry, and as `records.put`."""
    drawn = {entry.number: one for entry, one in draws(client)}
    if finding.draw not in drawn:
        raise TooSoon(f"no draw {finding.draw}")
    if finding.inquiry_id not in drawn[finding.draw].inquiries:
        raise TooSoon(f"inquiry {finding.inquiry_id} is not in draw {finding.draw}")
    reason = f"Finding of the yearly audit, draw {finding.draw}"
    return records.put(client, "audit", "finding", finding, who=who, tool=TOOL, reason=reason)


def findings(client: Client, draw: int) -> dict[UUID, tuple[LedgerEntry, Finding]]:
    """The newest finding of each inquiry of a draw."""
    found: dict[UUID, tuple[LedgerEntry, Finding]] = {}
    for entry, _hash in ledger.read(client, "audit", "finding"):
        finding = msgspec.json.decode(entry.record, type=Finding)
        if finding.draw == draw:
            found[finding.inquiry_id] = (entry, finding)
    return found


def looks(client: Client, inquiries: Sequence[UUID]) -> list[Look]:
    """The inquiries as they stand in the log, oldest first."""
    asked: dict[str, Any] = {"inquiries": [str(one) for one in inquiries]}
    rows = run("reading the log", partial(client.query, _LOOKS, parameters=asked)).result_rows
    return [Look(**dict(zip(Look.__struct_fields__, row, strict=True))) for row in rows]
