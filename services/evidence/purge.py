"""Evidence is purged when its time is over, with a receipt (order, section J.2).

The ledger says when that is (`services.evidence.custody`), by the clock of the database, which takes no entry
of a purge that comes too early.
"""

from datetime import datetime
from functools import partial

import msgspec

from connectors.clickhouse_client import RETENTION, run
from services import records
from services.door import Door
from services.evidence.custody import database_time, history
from services.evidence.hold import schedules

REASON = "Evidence past its release date is purged (order, section J.2)"
# The hold itself goes last: what was interrupted is found again.
TABLES = ("evidence_answers", "evidence_images", "evidence_detections", "evidence_holds")
_STORED = "SELECT DISTINCT hold_id FROM platestream.evidence_holds"


class Purge(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that is no more."""

    hold_id: str
    case_number: str
    detections: int
    release_at: datetime


def purge_released(door: Door) -> list[str]:
    """Purge the holds whose time is over; their ids. `door` is the machine's.

    Raises RefusedInquiry and DatabaseError.
    """
    client = door.client(RETENTION)
    series, now = schedules(door), database_time(client)
    for one in history(client, series).present:
        if one.due <= now:
            purge = Purge(
                hold_id=str(one.hold_id),
                case_number=one.case_number,
                detections=one.detections,
                release_at=one.release_at,
            )
            records.put(door, "evidence_purge", purge, reason=REASON)
    gone = {one.hold_id for one in history(client, series).holds.values() if one.purged_at is not None}
    stored = {row[0] for row in run("reading holds", partial(client.query, _STORED)).result_rows}
    for hold_id in sorted(gone & stored):
        for table in TABLES:
            sql = f"ALTER TABLE platestream.{table} DELETE WHERE hold_id = {{hold:UUID}}"
            told, wait = {"hold": hold_id}, {"mutations_sync": 2}
            run("purging evidence", partial(client.command, sql, parameters=told, settings=wait))
    return [str(one) for one in sorted(gone & stored)]
