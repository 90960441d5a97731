"""The retention job (order, F.8.b and J.1): it deletes data older than the profile allows, with a receipt.

Days (of pictures: hours) that are completely past are dropped as partitions, whose bytes leave the disk at
once. Past rows of the boundary day are deleted by time, never by plate, because the text of a deletion is
stored in the table's folder; the parts that held them are cleared directly afterwards. Pictures of the
boundary hour wait for its end, an hour at most, and are not rewritten; views hide them. Where the retention
period is less than a day they are deleted by time, too.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from clickhouse_connect.driver.client import Client
from msgspec import Meta

from platestream.access.door import Door
from platestream.access.inquire import RefusedInquiry
from platestream.access.rules_reader import BrokenRulesError
from platestream.audit.yearly.periodic import audit_record, next_steps
from platestream.cameras import picture_files
from platestream.cameras.config import spool_folder
from platestream.edges.clickhouse_client import (
    ACCESS_DENIED,
    AUDITOR,
    RETENTION,
    ROLE_NOT_GRANTED,
    DatabaseError,
    read_rows,
)
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
from platestream.retention.expiry import AHEAD, clear, expire, oldest
from platestream.retention.hourly_counts import deleted_by_hour, note_expiring
from platestream.retention.recovery_stores import clean
from platestream.retention.tally import LAST, CompletenessReport, daily, seal
from platestream.retention.utilization import tally
from platestream.runtime.faults import Faults
from platestream.runtime.metrics import meters
from platestream.schemas import metrics, topics
from platestream.schemas.expiring_tables import DAY, EXPIRING_TABLES
from platestream.schemas.fields import Instant
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import Message, RefusedError
from platestream.schemas.unreadable import note_unreadable, unreadable

REASON = "Data past the retention period are deleted (order, section J.1)"
PRECISION_OF = timedelta(days=90)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
_PRECISION = """
SELECT source, countIf(visual = 'confirmed'), countIf(visual != '') FROM platestream.hit_states
WHERE captured_at > {since:DateTime64(3, 'UTC')} AND source != '' GROUP BY source
"""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of one run. Times are in UTC, `oldest` is the oldest remaining row, `took_ms` the duration
    of the run. `faults` are steps that failed, and entries of the ledger that could not be read.
    """

    period_s: Annotated[int, Meta(ge=60, le=365 * 86400)]
    cutoff: Instant
    dropped: dict[str, list[str]]
    deleted: dict[str, int]
    oldest: dict[str, Instant | None]
    files: list[str]
    stores: list[str]
    released: list[str]
    took_ms: int
    clock: Reading | None = None
    compared: CompletenessReport | None = None
    keys: list[DestroyedKey] = []
    faults: list[str] = []


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


def run(door: Door, period: timedelta | None = None, now: datetime | None = None) -> LedgerEntry:
    """Delete data older than `period` by the database's clock; return the receipt's entry in the ledger.

    Without `period` it is that of the rules in force or, where nobody can read those, of the newest receipt.
    `now` replaces that clock, which is compared with other clocks in any case. No command sets it. By a
    person's door it is that person's act, by the door of `start_scheduled` an automatic one; it is logged
    before anything is deleted, and the receipt afterwards. Of the embedded edge the topics and recovery
    stores are purged, too.

    A step that fails is a fault of the receipt, and the others are done. Raises ClockStopped, RefusedInquiry
    and RulesError, and then nothing was deleted, and DatabaseError; then there is no receipt, and the next
    run deletes what is left.
    """
    with unreadable() as unread:
        return _run(door, period or _period(door), now, unread)


def _period(door: Door) -> timedelta:
    try:
        return door.rules.profile.retention.span
    except BrokenRulesError as error:
        last = ledger.last(door.client(RETENTION), "retention", "run", Receipt)
        if last is None:
            raise
        note_unreadable(f"deleted by the period of receipt {last[0].number}: {error}")
        return timedelta(seconds=last[1].period_s)


def _run(door: Door, period: timedelta, now: datetime | None, unread: list[str]) -> LedgerEntry:
    began, faults = time.monotonic(), Faults()
    reading, before = _compare_clocks(door, period, faults)
    now = now or reading.at
    cutoff = now - period
    permit = door.enter(
        "retention", "run", change=f"deletes what is before {cutoff:%Y-%m-%dT%H:%M}Z", reason=REASON
    )
    client, attempt = door.client(RETENTION), faults.attempt
    data = None if door.settings.kafka else door.settings.data
    attempt("sealing the counts", lambda: _seal_counts(door, reading.at))
    compared = daily(client, before.compared if before else None, reading.at)
    full = before is None or compared is not before.compared
    last = LAST if full else cutoff + AHEAD
    attempt("counting the use", lambda: tally(client, cutoff, now, again=full))
    attempt("counting what expires", lambda: note_expiring(client, permit.inquiry_id, cutoff, last))
    dropped: dict[str, list[str]] = {}
    deleted: dict[str, int] = {}
    for table in EXPIRING_TABLES:
        limit = now - table.retention_of(period)
        until = LAST if full else limit + AHEAD
        step = partial(expire, client, table, limit, until, whole=period >= DAY)
        dropped[table.name], deleted[table.name] = attempt(f"deleting {table.name}", step) or ([], 0)
    released = attempt("purging evidence", lambda: _purge_evidence(door, faults)) or []
    attempt("clearing old parts", lambda: clear(client, [*deleted, *HELD]))
    receipt = Receipt(
        period_s=round(period.total_seconds()),
        cutoff=cutoff,
        dropped=dropped,
        deleted=deleted,
        oldest=attempt("reading ages", lambda: _oldest(client, None if full else AHEAD)) or {},
        files=[
            *(attempt("saved searches", lambda: list(_purge_saved(door, cutoff))) or []),
            *(attempt("pictures of cameras", lambda: list(_purge_pictures(door, cutoff))) or []),
            *([] if data is None else _purge_topics(data, period, now, faults)),
        ],
        stores=[] if data is None else clean(data / "recovery", period, now, faults),
        released=released,
        keys=attempt("destroying keys", lambda: _destroy_keys(door.keys, client, cutoff, faults)) or [],
        took_ms=round(1000 * (time.monotonic() - began)),
        clock=reading,
        compared=compared,
        faults=Faults([*unread, *faults]).named,
    )
    entry = records.put(door, "retention", receipt, reason=REASON).entry
    if receipt.keys:
        attempt("noting destroyed keys", lambda: _report_keys(door.keys))
    _show(receipt, now)
    attempt("the precision of hits", lambda: _show_precision(client, now))
    attempt("audits that are due", lambda: _show_due(door, client, now))
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


def _compare_clocks(door: Door, period: timedelta, faults: Faults) -> tuple[Reading, Receipt | None]:
    """Return the clocks, and the newest receipt that can be read.

    Raises ClockStopped, logged as a refused run, where the database's clock may be wrong.
    """
    try:
        client = door.client(RETENTION)
        last = ledger.last(client, "retention", "run", Receipt)
    except DatabaseError as error:
        if error.code in (ACCESS_DENIED, ROLE_NOT_GRANTED):
            door.enter("retention", "run", refusal=str(error), reason=REASON)
        raise
    receipt, before = (None, None) if last is None else (last[1], _reading(*last))
    measured = clock.measure(client)
    if before is None:
        firsts = (faults.attempt("reading ages", lambda: _oldest(client, AHEAD)) or {"": EVER}).values()
        due = any(first is not None and first < measured.at - period for first in firsts)
        measured = msgspec.structs.replace(measured, due=due)
    judged = clock.judge(before, measured)
    meters.put(metrics.RETENTION_STOPPED, to=bool(judged.faults))
    faults.attempt("the note", lambda: clock.write_note(door.settings.data, judged.refusal))
    if judged.faults:
        try:
            door.enter("retention", "run", refusal=judged.refusal, reason=REASON)
        except RefusedInquiry as refused:
            if not str(refused).startswith(clock.MARK):  # the person may not delete at all
                raise
        raise ClockStopped(judged.refusal)
    return judged.reading, receipt


def _oldest(client: Client, ahead: timedelta | None) -> dict[str, datetime | None]:
    return {table.name: oldest(client, table, ahead) for table in EXPIRING_TABLES}


def _reading(entry: LedgerEntry, receipt: Receipt) -> Reading:
    """Return the clocks at a run; for a receipt of an older release only its time."""
    return receipt.clock or Reading(at=entry.at, boot=clock.Boot("", 0.0), off_s=0.0)


def log(door: Door, last: int) -> ReceiptLog:
    """Return the `last` receipts. Raises RefusedInquiry and DatabaseError."""
    door.enter("retention_show", f"{last} receipts")
    client = door.client(AUDITOR)
    with unreadable() as unread:
        receipts = ledger.read_records(client, "retention", "run", Receipt)[-last:][::-1]
    return ReceiptLog(receipts=receipts, faults=[*unread, *ledger.verify(client)])


def _seal_counts(door: Door, now: datetime) -> None:
    """Seal the counts as a system job; a person's account leaves it to the scheduled job."""
    try:
        seal(door if door.automatic else door.system_job("retention"), now)
    except RefusedInquiry:
        if door.automatic:
            raise


def _purge_evidence(door: Door, faults: Faults) -> list[str]:
    """Purge evidence as a system job and return the ids of the purged holds; a person's account leaves it to
    the scheduled job.
    """
    try:
        return purge_released(door if door.automatic else door.system_job("retention"), faults)
    except RefusedInquiry:
        if door.automatic:
            raise
        return []


def _show(receipt: Receipt, now: datetime) -> None:
    for table, at in receipt.oldest.items():
        meters.put(metrics.OLDEST_ROW, table, to=(at or now).timestamp())
    for table, rows in receipt.deleted.items():
        meters.count(metrics.RETENTION_DELETED, table, by=rows)
    meters.put(metrics.RETENTION_PERIOD, to=receipt.period_s)
    if not receipt.faults:
        meters.put(metrics.RETENTION_RUN, to=now.timestamp())


def _show_precision(client: Client, now: datetime) -> None:
    """Publish the precision of hits as a metric, because this job runs often and sees figures of all hits."""
    rows = read_rows(client, "reading the precision", _PRECISION, since=now - PRECISION_OF)
    for source, right, verified in rows:
        for bound, value in (precision(right, verified) or {}).items():
            meters.put(metrics.HIT_PRECISION, source, bound, to=value)


def _show_due(door: Door, client: Client, now: datetime) -> None:
    """Publish the due times of audits and publications as a metric."""
    profile = door.rules.profile
    meters.forget(metrics.AUDIT_DUE)
    for one in next_steps(profile, audit_record(client, door.rules.name), now):
        meters.put(metrics.AUDIT_DUE, one.rhythm, one.step, to=one.by.timestamp())


def read_receipt(entry: LedgerEntry) -> Receipt:
    """Decode the receipt in an entry of the ledger."""
    return msgspec.json.decode(entry.record, type=Receipt)


def _purge_saved(door: Door, cutoff: datetime) -> Iterator[str]:
    if gone := saved.purge(door.settings, cutoff):
        yield f"{saved.FILE}: {gone}"


def _purge_pictures(door: Door, cutoff: datetime) -> Iterator[str]:
    """Yield how many pictures before and after a fault of a camera were deleted from the gateway's default
    folder; a running gateway deletes its own, too.
    """
    if gone := picture_files.expire(spool_folder(door.settings), cutoff.timestamp()):
        yield f"cameras/{picture_files.FOLDER}: {gone}"


def _report_keys(keys: Sealer) -> None:
    if isinstance(keys, KeyFolder):
        keys.report()


def _destroy_keys(keys: Sealer, client: Client, cutoff: datetime, faults: Faults) -> list[DestroyedKey]:
    """Destroy the keys of the hours that are due whole. What is left of those hours anywhere stays unread.

    Until its receipt is written, each run reports a destroyed key again.
    """
    gone = keys.destroy(cutoff, faults) if isinstance(keys, KeyFolder) else []
    if not gone:
        return []
    deleted = deleted_by_hour(client, [one.hour for one in gone])
    return [msgspec.structs.replace(one, detections=deleted.get(one.hour, 0)) for one in gone]


def _purge_topics(data: Path, period: timedelta, now: datetime, faults: Faults) -> Iterator[str]:
    """Yield how many messages of each topic were deleted: those past its retention, and never later than
    `period`.

    Of a changelog, superseded messages are deleted, and of the hot list also expired entries.
    """
    files = FileTopics(data, follow=False, now=lambda: now)
    for topic in topics.topics_for_retention(period):
        stays = partial(_in_force, now) if topic is topics.HOTLIST else _stays
        step = partial(files.compact, topic, stays) if topic.keep is None else partial(files.expire, topic)
        if gone := faults.attempt(f"topic {topic.name}", step):
            yield f"{topic.name}: {gone}"


def _in_force(now: datetime, message: Message) -> bool:
    """Return whether an entry has not expired; unreadable ones remain for repair."""
    with suppress(RefusedError):
        entry = topics.HOTLIST.decode(message).entry
        return entry is not None and entry.expires_at > now
    return True


def _stays(_message: Message) -> bool:
    return True
