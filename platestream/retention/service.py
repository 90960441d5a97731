"""The retention job (order, F.8.b and J.1): it deletes data older than the profile allows, with a receipt.

Days (of pictures: hours) that are completely past are dropped as partitions, whose bytes leave the disk at
once. Past rows of the boundary day are deleted by time, never by plate, because the text of a deletion is
stored in the table's folder; the parts that held them are cleared directly afterwards. Pictures of the
boundary hour wait for its end, an hour at most, and are not rewritten; views hide them. Where the retention
period is less than a day they are deleted by time, too.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.audit.yearly.periodic import audit_record, next_steps
from platestream.cameras import picture_keeper
from platestream.cameras.config import spool_folder
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    AUDITOR,
    RETENTION,
    ROLE_NOT_GRANTED,
    DatabaseError,
)
from platestream.edges.clickhouse_client import run as call
from platestream.edges.files import FileTopics
from platestream.evidence.purge import TABLES as HELD
from platestream.evidence.purge import purge_released
from platestream.inquiries import saved
from platestream.keys.key_folder import DestroyedKey, KeyFolder, Sealer
from platestream.ledger import records
from platestream.ledger import store as ledger
from platestream.reports.transparency import precision
from platestream.retention import clock_guard as clock
from platestream.retention.clock_guard import Reading
from platestream.retention.hourly_counts import deleted_by_hour, note_expiring
from platestream.retention.recovery_stores import clean
from platestream.retention.tally import CompletenessReport, daily, seal
from platestream.retention.utilization import tally
from platestream.runtime.metrics import meters, serve
from platestream.schemas import metrics, topics
from platestream.schemas.expiring_tables import DAY, EXPIRING_TABLES, HOUR, ExpiringTable
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import Message, RefusedError
from platestream.settings import open_keys

REASON = "Data past the retention period are deleted (order, section J.1)"
WAIT = {"mutations_sync": 2}
PRECISION_OF = timedelta(days=90)
_PRECISION = """
SELECT source, countIf(visual = 'confirmed'), countIf(visual != '') FROM platestream.hit_states
WHERE captured_at > {since:DateTime64(3, 'UTC')} AND source != '' GROUP BY source
"""
OLD_PARTS_LIFETIME = 1.2  # seconds, a little more than the tables' old_parts_lifetime
CLEARINGS = 8
_REWRITTEN = """
SELECT table, name FROM system.parts
WHERE database = 'platestream' AND has({names:Array(String)}, table) AND NOT active
"""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of one run. Times are in UTC, `oldest` is the oldest remaining row, `took_ms` the duration
    of the run.
    """

    period_s: int
    cutoff: datetime
    dropped: dict[str, list[str]]
    deleted: dict[str, int]
    oldest: dict[str, datetime | None]
    files: list[str]
    stores: list[str]
    released: list[str]
    took_ms: int
    clock: Reading | None = None
    compared: CompletenessReport | None = None
    keys: list[DestroyedKey] = []


class ClockStopped(RefusedInquiry):
    """Error where nothing was deleted because the database's clock may be wrong; says why and what to do."""


class ReceiptLog(msgspec.Struct, frozen=True, kw_only=True):
    """Receipts with their entries, newest first, and one sentence for each fault of the ledger."""

    receipts: list[tuple[LedgerEntry, Receipt]]
    faults: list[str]


def start_scheduled(door: Door) -> Door:
    """Start the scheduled job: its acts are automatic, in the name of its starter.

    Raises RefusedInquiry where that person may not run retention.
    """
    return door.start_job("retention", "retention", "job")


def run_once(door: Door) -> LedgerEntry:
    """Delete by the rules in force and the database's clock; raises as `run`."""
    return run(door, door.rules.profile.retention.span)


def run(door: Door, period: timedelta, now: datetime | None = None) -> LedgerEntry:
    """Delete data older than `period` by the database's clock; return the receipt's entry in the ledger.

    `now` replaces that clock, which is compared with other clocks in any case. No command sets it. By a
    person's door it is that person's act, by the door of `start_scheduled` an automatic one; it is logged
    before anything is deleted, and the receipt afterwards. Of the embedded edge the topics and recovery
    stores are purged, too.

    Raises ClockStopped and RefusedInquiry, and then nothing was deleted, and DatabaseError; then there is no
    receipt, and the next run deletes what is left.
    """
    began = time.monotonic()
    reading, before = _compare_clocks(door, period)
    now = now or reading.at
    cutoff = now - period
    permit = door.enter(
        "retention", "run", change=f"deletes what is before {cutoff:%Y-%m-%dT%H:%M}Z", reason=REASON
    )
    client = door.client(RETENTION)
    data = None if door.settings.kafka else door.settings.data
    keys = open_keys(door.settings)
    _seal_counts(door, reading.at)
    compared = daily(client, before.compared if before else None, reading.at)
    tally(client, cutoff, now)
    note_expiring(client, permit.inquiry_id, cutoff)
    dropped: dict[str, list[str]] = {}
    deleted: dict[str, int] = {}
    for table in EXPIRING_TABLES:
        limit = now - table.retention_of(period)
        dropped[table.name], deleted[table.name] = _expire(client, table, limit, whole=period >= DAY)
    released = _purge_evidence(door)
    _clear(client, [*deleted, *HELD])
    receipt = Receipt(
        period_s=round(period.total_seconds()),
        cutoff=cutoff,
        dropped=dropped,
        deleted=deleted,
        oldest={table.name: oldest(client, table) for table in EXPIRING_TABLES},
        files=[
            *_purge_saved(door, cutoff),
            *_purge_pictures(door, cutoff),
            *([] if data is None else _purge_topics(data, period, now)),
        ],
        stores=[] if data is None else clean(data / "recovery", period, now),
        released=released,
        keys=_destroy_keys(keys, client, cutoff),
        took_ms=round(1000 * (time.monotonic() - began)),
        clock=reading,
        compared=compared,
    )
    entry = records.put(door, "retention", receipt, reason=REASON).entry
    if isinstance(keys, KeyFolder):
        keys.report()
    _show(receipt, now)
    _show_precision(client, now)
    _show_due(door, client, now)
    return entry


def confirm_clock(door: Door) -> None:
    """Log that a person checked the clock; two confirmations allow the job to delete again. Raises
    RefusedInquiry.
    """
    door.enter(
        "retention_clock",
        "confirmed",
        change=f"this machine's clock shows {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z",
    )


def stopped(door: Door) -> str:
    """Return why the clock stopped the last run, empty where it did not; no act, because it shows no data."""
    return clock.stopped(door.client(AUDITOR))


def why_stopped(door: Door) -> str:
    """Return the same as `stopped`, for a person. Raises RefusedInquiry."""
    door.enter("retention_show", "clock")
    return stopped(door)


def _compare_clocks(door: Door, period: timedelta) -> tuple[Reading, Receipt | None]:
    """Return the clocks, and the receipt of the previous run.

    Raises ClockStopped, logged as a refused run, where the database's clock may be wrong.
    """
    try:
        client = door.client(RETENTION)
        last = ledger.last(client, "retention", "run")
    except DatabaseError as error:
        if error.code in (ACCESS_DENIED, ROLE_NOT_GRANTED):
            door.enter("retention", "run", refusal=str(error), reason=REASON)
        raise
    receipt, before = (None, None) if last is None else (read_receipt(last), _reading(last))
    measured = clock.measure(client)
    firsts = (oldest(client, table) for table in EXPIRING_TABLES)
    due = any(first is not None and first < measured.at - period for first in firsts)
    judged = clock.judge(before, msgspec.structs.replace(measured, due=due))
    meters.put(metrics.RETENTION_STOPPED, to=bool(judged.faults))
    clock.write_note(door.settings.data, judged.refusal)
    if judged.faults:
        try:
            door.enter("retention", "run", refusal=judged.refusal, reason=REASON)
        except RefusedInquiry as refused:
            if not str(refused).startswith(clock.MARK):  # the person may not delete at all
                raise
        raise ClockStopped(judged.refusal)
    return judged.reading, receipt


def _reading(entry: LedgerEntry) -> Reading:
    """Return the clocks at a run; for a receipt of an older release only its time."""
    return read_receipt(entry).clock or Reading(at=entry.at, boot=clock.Boot("", 0.0), off_s=0.0)


def log(door: Door, last: int) -> ReceiptLog:
    """Return the `last` receipts. Raises RefusedInquiry and DatabaseError."""
    door.enter("retention_show", f"{last} receipts")
    client = door.client(AUDITOR)
    entries = [entry for entry, _hash in ledger.read(client, "retention", "run")][-last:][::-1]
    return ReceiptLog(receipts=[(one, read_receipt(one)) for one in entries], faults=ledger.verify(client))


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on `port`. Raises PortTakenError."""
    serve(port)


def _seal_counts(door: Door, now: datetime) -> None:
    """Seal the counts as a system job; a person's account leaves it to the scheduled job."""
    try:
        seal(door if door.automatic else door.system_job("retention"), now)
    except RefusedInquiry:
        if door.automatic:
            raise


def _purge_evidence(door: Door) -> list[str]:
    """Purge evidence as a system job and return the ids of the purged holds; a person's account leaves it to
    the scheduled job.
    """
    try:
        return purge_released(door if door.automatic else door.system_job("retention"))
    except RefusedInquiry:
        if door.automatic:
            raise
        return []


def _show(receipt: Receipt, now: datetime) -> None:
    for table, at in receipt.oldest.items():
        meters.put(metrics.OLDEST_ROW, table, to=(at or now).timestamp())
        meters.count(metrics.RETENTION_DELETED, table, by=receipt.deleted[table])
    meters.put(metrics.RETENTION_PERIOD, to=receipt.period_s)
    meters.put(metrics.RETENTION_RUN, to=now.timestamp())


def _show_precision(client: Client, now: datetime) -> None:
    """Publish the precision of hits as a metric, because this job runs often and sees figures of all hits."""
    parameters = {"since": now - PRECISION_OF}
    for source, right, verified in call(
        "reading the precision", partial(client.query, _PRECISION, parameters=parameters)
    ).result_rows:
        for bound, value in (precision(right, verified) or {}).items():
            meters.put(metrics.HIT_PRECISION, source, bound, to=value)


def _show_due(door: Door, client: Client, now: datetime) -> None:
    """Publish the due times of audits and publications as a metric."""
    profile = door.rules.profile
    meters.forget(metrics.AUDIT_DUE)
    for one in next_steps(profile, audit_record(client, door.rules.name), now):
        meters.put(metrics.AUDIT_DUE, one.rhythm, one.step, to=one.by.timestamp())


def _clear(client: Client, names: list[str]) -> None:
    """Remove from the disk the old parts from which rows were deleted by time.

    The engine itself looks for such parts only every half minute when it is idle, and not at all once its
    process has ended. Dropping a partition clears them at once; the partition of 1970 is always empty. A part
    that is still being read remains until a later try; after the last one the next run clears it, as it does
    after a run that was killed.
    """
    rewritten = _rewritten(client, names)
    for _ in range(CLEARINGS):
        if not rewritten:
            return
        time.sleep(OLD_PARTS_LIFETIME)
        for name in sorted({table for table, _ in rewritten}):
            sql = f"ALTER TABLE platestream.{name} DROP PARTITION ID '19700101'"
            call("clearing old parts", partial(client.command, sql))
        rewritten &= _rewritten(client, names)
    if rewritten:
        left = ", ".join(f"{name} of {table}" for table, name in sorted(rewritten))
        logging.getLogger(__name__).warning("still read, and off the disk only after that: parts %s", left)


def _rewritten(client: Client, names: list[str]) -> set[tuple[str, str]]:
    """Return table and name of the inactive parts that are still on the disk."""
    parameters = {"names": names}
    found = call("reading old parts", partial(client.query, _REWRITTEN, parameters=parameters)).result_rows
    return {(table, name) for table, name in found}


def read_receipt(entry: LedgerEntry) -> Receipt:
    """Decode the receipt in an entry of the ledger."""
    return msgspec.json.decode(entry.record, type=Receipt)


def oldest(client: Client, table: ExpiringTable) -> datetime | None:
    """Return the time of the oldest row, by the column that counts, in UTC; None of an empty table."""
    sql = f"SELECT min({table.age}), count() FROM platestream.{table.name}"  # noqa: S608 - our own names
    ((at, count),) = call("reading ages", partial(client.query, sql)).result_rows
    return at.astimezone(UTC) if count else None


def _expire(client: Client, table: ExpiringTable, cutoff: datetime, *, whole: bool) -> tuple[list[str], int]:
    """Delete expired rows of a table; return the dropped partitions, and the number of all rows deleted."""
    dropped, rows = [], 0
    for name, past, newest in _past(client, table, cutoff):
        if table.grain is not None and _end(newest, table.grain) <= cutoff:
            sql = f"ALTER TABLE platestream.{table.name} DROP PARTITION ID {{id:String}}"
            call("dropping a partition", partial(client.command, sql, parameters={"id": name}))
            dropped.append(name)
        elif table.grain == HOUR and whole:
            continue
        else:
            sql = (
                f"ALTER TABLE platestream.{table.name} DELETE IN PARTITION ID {{id:String}} "
                f"WHERE {table.age} < {{cutoff:DateTime64(3, 'UTC')}}"
            )
            parameters: dict[str, Any] = {"id": name, "cutoff": cutoff}
            call("deleting by time", partial(client.command, sql, parameters=parameters, settings=WAIT))
        rows += past
    return dropped, rows


def _past(client: Client, table: ExpiringTable, cutoff: datetime) -> list[tuple[str, int, datetime]]:
    """Return partitions with expired rows: id, number of such rows, and the newest time that placed a row
    there.
    """
    placed = table.placed if table.grain is not None else table.age
    sql = (
        f"SELECT {table.partition} AS id, countIf({table.age} < {{cutoff:DateTime64(3, 'UTC')}}) AS past, "  # noqa: S608
        f"max({placed}) FROM platestream.{table.name} GROUP BY id HAVING past > 0 ORDER BY id"
    )
    found = call("reading ages", partial(client.query, sql, parameters={"cutoff": cutoff})).result_rows
    return [(name, past, newest.astimezone(UTC)) for name, past, newest in found]


def _end(at: datetime, grain: timedelta) -> datetime:
    """Return the end of the partition of `at`."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + ((at - start) // grain + 1) * grain


def _purge_saved(door: Door, cutoff: datetime) -> Iterator[str]:
    if gone := saved.purge(door.settings, cutoff):
        yield f"{saved.FILE}: {gone}"


def _purge_pictures(door: Door, cutoff: datetime) -> Iterator[str]:
    """Yield how many pictures before and after a fault of a camera were deleted from the gateway's default
    folder; a running gateway deletes its own, too.
    """
    if gone := picture_keeper.expire(spool_folder(door.settings), cutoff.timestamp()):
        yield f"cameras/{picture_keeper.FOLDER}: {gone}"


def _destroy_keys(keys: Sealer, client: Client, cutoff: datetime) -> list[DestroyedKey]:
    """Destroy the keys of the hours that are due whole. What is left of those hours anywhere stays unread.

    Until its receipt is written, each run reports a destroyed key again.
    """
    gone = keys.destroy(cutoff) if isinstance(keys, KeyFolder) else []
    if not gone:
        return []
    deleted = deleted_by_hour(client, [one.hour for one in gone])
    return [msgspec.structs.replace(one, detections=deleted.get(one.hour, 0)) for one in gone]


def _purge_topics(data: Path, period: timedelta, now: datetime) -> Iterator[str]:
    """Yield how many messages of each topic were deleted: those past its retention, and never later than
    `period`.

    Of a changelog, superseded messages are deleted, and of the hot list also expired entries.
    """
    files = FileTopics(data, follow=False, now=lambda: now)
    for topic in topics.topics_for_retention(period):
        if topic.keep is None:
            gone = files.compact(topic, partial(_in_force, now) if topic is topics.HOTLIST else _stays)
        else:
            gone = files.expire(topic)
        if gone:
            yield f"{topic.name}: {gone}"


def _in_force(now: datetime, message: Message) -> bool:
    """Return whether an entry has not expired; unreadable ones remain for repair."""
    with suppress(RefusedError):
        entry = topics.HOTLIST.decode(message).entry
        return entry is not None and entry.expires_at > now
    return True


def _stays(_message: Message) -> bool:
    return True
