"""Evidence past its release date is purged, with a receipt (order, section J.2)."""

from datetime import datetime
from functools import partial

import msgspec

from connectors.clickhouse_client import RETENTION, run
from services import records
from services.door import Door

REASON = "Evidence past its release date is purged (order, section J.2)"
# The hold itself goes last: what was interrupted is found again.
TABLES = ("evidence_answers", "evidence_images", "evidence_detections", "evidence_holds")
_RELEASED = """
SELECT toString(hold_id), case_number, detections, release_at FROM platestream.evidence_holds FINAL
WHERE release_at <= {now:DateTime64(3, 'UTC')} ORDER BY release_at
"""


class Purge(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that is no more."""

    hold_id: str
    case_number: str
    detections: int
    release_at: datetime


def purge_released(door: Door, now: datetime) -> list[str]:
    """Ids of the holds purged. `door` is the machine's. Raises RefusedInquiry and DatabaseError."""
    client = door.client(RETENTION)
    asked = {"now": now}
    rows = run("reading release dates", partial(client.query, _RELEASED, parameters=asked)).result_rows
    for hold_id, case_number, detections, release_at in rows:
        purge = Purge(hold_id=hold_id, case_number=case_number, detections=detections, release_at=release_at)
        records.put(door, "evidence_purge", "evidence", "purge", purge, reason=REASON)
        for table in TABLES:
            sql = f"ALTER TABLE platestream.{table} DELETE WHERE hold_id = {{hold:UUID}}"
            told, wait = {"hold": hold_id}, {"mutations_sync": 2}
            run("purging evidence", partial(client.command, sql, parameters=told, settings=wait))
    return [row[0] for row in rows]
