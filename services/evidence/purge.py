"""Evidence past its release date is purged, with a receipt (order, section J.2)."""

from datetime import datetime
from functools import partial

import msgspec
from clickhouse_connect.driver.client import Client

from connectors.clickhouse_client import run
from services import records

WHO, TOOL = "retention job", "platestream retention"
# The hold itself goes last: what was interrupted is found again.
TABLES = ("evidence_images", "evidence_detections", "evidence_holds")
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


def purge_released(client: Client, now: datetime) -> list[str]:
    """Ids of the holds purged. `client` needs the retention role. Raises DatabaseError."""
    asked = {"now": now}
    rows = run("reading release dates", partial(client.query, _RELEASED, parameters=asked)).result_rows
    for hold_id, case_number, detections, release_at in rows:
        purge = Purge(hold_id=hold_id, case_number=case_number, detections=detections, release_at=release_at)
        reason = "Evidence past its release date is purged (order, section J.2)"
        records.put(client, "evidence", "purge", purge, who=WHO, tool=TOOL, reason=reason)
        for table in TABLES:
            sql = f"ALTER TABLE platestream.{table} DELETE WHERE hold_id = {{hold:UUID}}"
            told, wait = {"hold": hold_id}, {"mutations_sync": 2}
            run("purging evidence", partial(client.command, sql, parameters=told, settings=wait))
    return [row[0] for row in rows]
