"""Purge of evidence after its release date, with a receipt (order, section J.2).

The ledger has that date (`platestream.evidence.custody`), by the clock of the database, which accepts no
entry of a purge that is too early.
"""

from datetime import datetime
from functools import partial

import msgspec

from platestream.access.door import Door
from platestream.edges.clickhouse_client import RETENTION, read_rows, run
from platestream.evidence import held_keys
from platestream.evidence.custody import database_time, history
from platestream.evidence.outbox import Outbox
from platestream.ledger import records
from platestream.runtime.faults import Faults

REASON = "Evidence past its release date is purged (order, section J.2)"
# The hold itself is deleted last, so that an interrupted purge is found again.
TABLES = ("evidence_answers", "evidence_images", "evidence_detections", "evidence_holds")
_STORED = "SELECT DISTINCT hold_id FROM platestream.evidence_holds"


class Purge(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a purged hold."""

    hold_id: str
    case_number: str
    detections: int
    release_at: datetime


def purge_released(door: Door, faults: Faults) -> list[str]:
    """Purge the holds whose time is over; return their ids. `door` is that of a system job.

    Of a ledger with entries that cannot be read nothing is purged: evidence is rather retained than lost.
    Holds that cannot be purged are added to `faults`. Raises RefusedInquiry and DatabaseError.
    """
    client = door.client(RETENTION)
    profile, now = door.rules.profile, database_time(client)
    before = history(client, profile)
    for one in before.present:
        if one.due <= now and not before.unread:
            purge = Purge(
                hold_id=str(one.hold_id),
                case_number=one.case_number,
                detections=one.detections,
                release_at=one.release_at,
            )
            step = partial(records.put, door, "evidence_purge", purge, reason=REASON)
            faults.attempt(f"purging {one.hold_id}", step)
    holds = history(client, profile)
    gone = {one.hold_id for one in holds.holds.values() if one.purged_at is not None}
    stored = {row[0] for row in read_rows(client, "reading holds", _STORED)}
    outbox = Outbox(door.settings.data)
    for hold_id in gone:
        faults.attempt(f"packages of {hold_id}", partial(outbox.drop_hold, hold_id))
    for hold_id in sorted(gone & stored):
        for table in TABLES:
            sql = f"ALTER TABLE platestream.{table} DELETE WHERE hold_id = {{hold:UUID}}"
            parameters, wait = {"hold": hold_id}, {"mutations_sync": 2}
            run("purging evidence", partial(client.command, sql, parameters=parameters, settings=wait))
    held_keys.destroy_unused(door.keys, holds)
    return [str(one) for one in sorted(gone & stored)]
