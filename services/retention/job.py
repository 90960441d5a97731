"""Retention (order, F.8.b and J.1): what is older than the profile allows is deleted, and a receipt says so.

Days (of pictures: hours) that are wholly past go as partitions, whose bytes leave the disk at once. What is
past of the boundary day is deleted by time, never by plate: the text of a deletion is kept in the table's
folder; the parts that held it are cleared right after. Pictures of the boundary hour wait for its end, an
hour at most, and are not rewritten; views show nothing of them. Where less than a day is kept they are
deleted by time, too.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import ACCESS_DENIED, AUDITOR, RETENTION, ROLE_NOT_GRANTED, DatabaseError
from connectors.clickhouse_client import run as call
from connectors.files import FileTopics
from connectors.metrics import meters, serve
from schemas import metrics, topics
from schemas.ledger import LedgerEntry
from schemas.message import Message, RefusedError
from services import records
from services.door import Door
from services.evidence.purge import TABLES as HELD
from services.evidence.purge import purge_released
from services.inquiries.gate import RefusedInquiry
from services.reports.transparency import precision
from services.retention import clock
from services.retention.clock import Reading
from services.retention.recovery_stores import clean
from services.retention.tally import Compared, daily, seal
from services.retention.utilization import tally
from services.yearly_audit.rhythms import next_steps, on_record

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
REASON = "Data past the retention period are deleted (order, section J.1)"
WAIT = {"mutations_sync": 2}
PRECISION_OF = timedelta(days=90)
_PRECISION = """
SELECT source, countIf(visual = 'confirmed'), countIf(visual != '') FROM platestream.hit_states
WHERE captured_at > {since:DateTime64(3, 'UTC')} AND source != '' GROUP BY source
"""
OLD_PARTS_LIFETIME = 1.2  # s, and a little: the tables' old_parts_lifetime
CLEARINGS = 8
_REWRITTEN = """
SELECT table, name FROM system.parts
WHERE database = 'platestream' AND has({names:Array(String)}, table) AND NOT active
"""


@dataclass(frozen=True)
class Aged:
    """A table that ages: `age` is the time that counts, `grain` the length of a partition (None: one)."""

    name: str
    age: str = "least(captured_at, ingested_at)"
    grain: timedelta | None = DAY
    partition: str = "toString(toYYYYMMDD(captured_at))"
    keep: timedelta | None = None


AGED = (
    Aged("detections"),
    Aged("alert_hits"),
    Aged("images", grain=HOUR, partition="toString(toUnixTimestamp(toStartOfHour(captured_at)))"),
    Aged("tallied", age="least(captured_at, tallied_at)"),
    Aged("dead_letters", "received_at", None, "'all'", topics.DEAD_LETTERS.keep),
)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one run did. Times are UTC, `oldest` is what was left, `took_ms` the whole run."""

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
    compared: Compared | None = None


class ClockStopped(RefusedInquiry):
    """Nothing was deleted, because the database's clock may be wrong; says why and what to do."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Receipts with their entries, newest first, and one sentence for each fault of the ledger."""

    receipts: list[tuple[LedgerEntry, Receipt]]
    faults: list[str]


def by_the_clock(door: Door) -> Door:
    """Start the job that runs by the clock: its acts are automatic, and name who started it.

    Raises RefusedInquiry where that person may not run retention.
    """
    return door.start_job("retention", "retention", "job")


def once(door: Door) -> LedgerEntry:
    """Delete by the rules in force and the database's clock; raises as `run`."""
    return run(door, door.rules.profile.retention.span)


def run(door: Door, period: timedelta, now: datetime | None = None) -> LedgerEntry:
    """Delete what is older than `period` by the database's clock; return the receipt's entry in the ledger.

    `now` takes the place of that clock, which is compared with other clocks in any case. No command sets it.

    By a person's door it is that person's act, by the door of `by_the_clock` the machine's; either is on
    record before anything is deleted, and the receipt after. Of the embedded edge the topics and recovery
    stores are purged, too.

    Raises ClockStopped and RefusedInquiry, and then nothing was deleted, and DatabaseError; then nothing is
    receipted, and the next run deletes what this one did not.
    """
    began = time.monotonic()
    reading, before = _compare_clocks(door, period)
    now = now or reading.at
    cutoff = now - period
    door.enter("retention", "run", change=f"deletes what is before {cutoff:%Y-%m-%dT%H:%M}Z", reason=REASON)
    client = door.client(RETENTION)
    data = None if door.settings.kafka else door.settings.data
    _seal_counts(door, reading.at)
    compared = daily(client, before.compared if before else None, reading.at)
    tally(client, cutoff, now)
    dropped: dict[str, list[str]] = {}
    deleted: dict[str, int] = {}
    for table in AGED:
        limit = cutoff if table.keep is None else max(cutoff, now - table.keep)
        dropped[table.name], deleted[table.name] = _expire(client, table, limit, whole=period >= DAY)
    released = _purge_evidence(door)
    _clear(client, [*deleted, *HELD])
    receipt = Receipt(
        period_s=round(period.total_seconds()),
        cutoff=cutoff,
        dropped=dropped,
        deleted=deleted,
        oldest={table.name: oldest(client, table) for table in AGED},
        files=[] if data is None else list(_purge_topics(data, period, now)),
        stores=[] if data is None else clean(data / "recovery", period, now),
        released=released,
        took_ms=round(1000 * (time.monotonic() - began)),
        clock=reading,
        compared=compared,
    )
    entry = records.put(door, "retention", receipt, reason=REASON).entry
    _show(receipt, now)
    _show_precision(client, now)
    _show_due(door, client, now)
    return entry


def confirm_clock(door: Door) -> None:
    """Record that a person checked the clock; two of them let the job delete again. Raises RefusedInquiry."""
    door.enter(
        "retention_clock",
        "confirmed",
        change=f"this machine's clock shows {datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z",
    )


def stopped(door: Door) -> str:
    """Return why the clock stopped the last run, empty where it did not: no act, since it shows no data."""
    return clock.stopped(door.client(AUDITOR))


def why_stopped(door: Door) -> str:
    """Return the same for a person who asks. Raises RefusedInquiry."""
    door.enter("retention_show", "clock")
    return stopped(door)


def _compare_clocks(door: Door, period: timedelta) -> tuple[Reading, Receipt | None]:
    """The clocks, and the receipt of the run before.

    Raises ClockStopped, on record as a refused run, where the database's clock may be wrong.
    """
    try:
        client = door.client(RETENTION)
        last = ledger.last(client, "retention", "run")
    except DatabaseError as error:
        if error.code in (ACCESS_DENIED, ROLE_NOT_GRANTED):
            door.enter("retention", "run", refusal=str(error), reason=REASON)
        raise
    receipt, before = (None, None) if last is None else (read_receipt(last), _reading(last))
    seen = clock.gather(client)
    firsts = (oldest(client, table) for table in AGED)
    due = any(first is not None and first < seen.at - period for first in firsts)
    judged = clock.judge(before, msgspec.structs.replace(seen, due=due))
    meters.put(metrics.RETENTION_STOPPED, to=bool(judged.faults))
    clock.leave_word(door.settings.data, judged.refusal)
    if judged.faults:
        try:
            door.enter("retention", "run", refusal=judged.refusal, reason=REASON)
        except RefusedInquiry as refused:
            if not str(refused).startswith(clock.MARK):  # the person may not delete at all
                raise
        raise ClockStopped(judged.refusal)
    return judged.reading, receipt


def _reading(entry: LedgerEntry) -> Reading:
    """The clocks at a run; of a receipt of an older release its time."""
    return read_receipt(entry).clock or Reading(at=entry.at, boot=clock.Boot("", 0.0), off_s=0.0)


def log(door: Door, last: int) -> Log:
    """The `last` receipts. Raises RefusedInquiry and DatabaseError."""
    door.enter("retention_show", f"{last} receipts")
    client = door.client(AUDITOR)
    entries = [entry for entry, _hash in ledger.read(client, "retention", "run")][-last:][::-1]
    return Log(receipts=[(one, read_receipt(one)) for one in entries], faults=ledger.verify(client))


def serve_metrics(port: int) -> None:
    """Serve this process's metrics on `port`. Raises PortTakenError."""
    serve(port)


def _seal_counts(door: Door, now: datetime) -> None:
    """Only the machine does: an account of a person leaves it to the clock."""
    try:
        seal(door if door.automatic else door.machine("retention"), now)
    except RefusedInquiry:
        if door.automatic:
            raise


def _purge_evidence(door: Door) -> list[str]:
    """Ids of the holds purged. Only the machine does: an account of a person leaves it to the clock."""
    try:
        return purge_released(door if door.automatic else door.machine("retention"))
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
    """This job comes by often and sees figures of all hits, so it puts their precision on its page."""
    told = {"since": now - PRECISION_OF}
    for source, right, verified in call(
        "reading the precision", partial(client.query, _PRECISION, parameters=told)
    ).result_rows:
        for bound, value in (precision(right, verified) or {}).items():
            meters.put(metrics.HIT_PRECISION, source, bound, to=value)


def _show_due(door: Door, client: Client, now: datetime) -> None:
    """And by when audits and publications are due."""
    profile = door.rules.profile
    meters.forget(metrics.AUDIT_DUE)
    for one in next_steps(profile, on_record(client, door.rules.name), now):
        meters.put(metrics.AUDIT_DUE, one.rhythm, one.step, to=one.by.timestamp())


def _clear(client: Client, names: list[str]) -> None:
    """Take off the disk what was deleted by time: the parts that it was rewritten from.

    The engine itself looks for such parts only every half minute when it is idle, and not at all once its
    process has ended. Dropping a partition clears them at once; the one of 1970 never holds anything. A part
    that somebody is still reading stays until a later try; past the last, the next run clears it, as it does
    after a run that was killed in between.
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
    """Table and name of the parts that hold nothing any more and are still on the disk."""
    told = {"names": names}
    found = call("reading old parts", partial(client.query, _REWRITTEN, parameters=told)).result_rows
    return {(table, name) for table, name in found}


def read_receipt(entry: LedgerEntry) -> Receipt:
    """The receipt in an entry of the ledger."""
    return msgspec.json.decode(entry.record, type=Receipt)


def oldest(client: Client, table: Aged) -> datetime | None:
    """The age-giving time of the oldest row, UTC; None of an empty table."""
    sql = f"SELECT min({table.age}), count() FROM platestream.{table.name}"  # noqa: S608 - our own names
    ((at, count),) = call("reading ages", partial(client.query, sql)).result_rows
    return at.astimezone(UTC) if count else None


def _expire(client: Client, table: Aged, cutoff: datetime, *, whole: bool) -> tuple[list[str], int]:
    """Partitions dropped, and rows gone in all."""
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
            told: dict[str, Any] = {"id": name, "cutoff": cutoff}
            call("deleting by time", partial(client.command, sql, parameters=told, settings=WAIT))
        rows += past
    return dropped, rows


def _past(client: Client, table: Aged, cutoff: datetime) -> list[tuple[str, int, datetime]]:
    """Partitions that hold what is past: id, rows past, and the newest time that placed a row there."""
    placed = "captured_at" if table.grain is not None else table.age
    sql = (
        f"SELECT {table.partition} AS id, countIf({table.age} < {{cutoff:DateTime64(3, 'UTC')}}) AS past, "  # noqa: S608
        f"max({placed}) FROM platestream.{table.name} GROUP BY id HAVING past > 0 ORDER BY id"
    )
    found = call("reading ages", partial(client.query, sql, parameters={"cutoff": cutoff})).result_rows
    return [(name, past, newest.astimezone(UTC)) for name, past, newest in found]


def _end(at: datetime, grain: timedelta) -> datetime:
    """Where the partition of `at` ends: all that can still come into it is before."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    return start + ((at - start) // grain + 1) * grain


def _purge_topics(data: Path, period: timedelta, now: datetime) -> Iterator[str]:
    """How many messages of each topic were deleted: what is past its keep, and never more than `period`.

    Of a changelog goes what counts no longer: of the hot list, what has expired, too.
    """
    files = FileTopics(data, follow=False, now=lambda: now)
    for topic in topics.within(period):
        if topic.keep is None:
            gone = files.compact(topic, partial(_in_force, now) if topic is topics.HOTLIST else _stays)
        else:
            gone = files.expire(topic)
        if gone:
            yield f"{topic.name}: {gone}"


def _in_force(now: datetime, message: Message) -> bool:
    """Whether an entry has not expired; what cannot be read as one stays for whoever mends it."""
    with suppress(RefusedError):
        entry = topics.HOTLIST.decode(message).entry
        return entry is not None and entry.expires_at > now
    return True


def _stays(_message: Message) -> bool:
    return True
