"""Proof for a period: the hourly counts as they were sealed, judged and compared with what is stored."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack

from clickhouse_connect.driver.client import Client

from platestream.access.door import Documentation, Door
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.ledger import store as ledger
from platestream.merkle.checkpoint import open_checkpoint
from platestream.retention import hourly_counts, tally
from platestream.retention.service import Receipt
from platestream.schemas.tally import Tally
from platestream.schemas.unreadable import unreadable
from platestream.transparency_log import published_counts
from platestream.transparency_log.config import LogConfig, LogError, config, verifier
from platestream.transparency_log.period import Key, PeriodReport, judge, needed, parse_period
from platestream.transparency_log.published_counts import OpenedEntry
from platestream.transparency_log.published_folder import CHECKPOINT

AFTER = timedelta(hours=2)
BEFORE = timedelta(days=2)
"""Time before the period in which an hour is sealed, unless the job stood still."""
_STORED = """
SELECT toStartOfHour(captured_at) AS hour, camera_id, uniqExact(detection_id) FROM platestream.detections
WHERE captured_at >= {since:DateTime64(3, 'UTC')} AND captured_at < {until:DateTime64(3, 'UTC')}
GROUP BY hour, camera_id
"""
_NOW = "SELECT now64(6, 'UTC'), since FROM platestream.retained_since"


@dataclass(frozen=True)
class PeriodProof:
    """The report, and the sealed entries by which an outsider comes to the same counts."""

    report: PeriodReport
    entries: list[OpenedEntry]


def prove(door: Door, period: str, **why: Unpack[Documentation]) -> PeriodProof:
    """Judge a period as an act of an auditor.

    Raises ValueError for an invalid period, RefusedInquiry, DatabaseError and OSError.
    """
    since, until = parse_period(period)
    door.enter("audit_prove", f"period {period}", **why)
    client = door.client(AUDITOR)
    ((now, retained_since),) = read_rows(client, "proving", _NOW)
    with unreadable() as unread:
        entries = ledger.read_records(client, "retention", "tally", Tally, after=since - BEFORE)
        compared = list(_compared(client, since, until, now - retained_since))
    counted = [one for one in needed([one for _entry, one in entries], since) if one.counts is not None]
    report = judge(counted, since, until, now)
    if counted:
        retained = door.rules.profile.retention.span
        pending = hourly_counts.count(client, counted[-1].until, now + AFTER, counted[-1], retained)
        report = judge(counted, since, until, now, _stored(client, since, until), pending)
    opened = _entries(client, counted)
    faults = [
        *unread,
        *ledger.verify(client),
        *report.faults,
        *(tally.compare(client).faults if until > retained_since else ()),
        *compared,
        *_published(config(door.settings), opened),
    ]
    missing = len(counted) - sum(1 for one in opened if one.salt)
    notes = [
        *report.notes,
        *([f"{missing} of {len(counted)} hours are not published yet"] if missing else []),
    ]
    return PeriodProof(
        PeriodReport(report.since, report.until, report.cameras, list(dict.fromkeys(faults)), notes), opened
    )


def _stored(client: Client, since: datetime, until: datetime) -> dict[Key, int]:
    rows = read_rows(client, "counting detections", _STORED, since=since, until=until)
    return {(hour.replace(tzinfo=since.tzinfo), camera): count for hour, camera, count in rows}


def _entries(client: Client, counted: list[Tally]) -> list[OpenedEntry]:
    if not counted:
        return []
    found = published_counts.read_sealed(client, counted[0].until - AFTER, counted[-1].until + AFTER)
    ends = {one.until for one in counted}
    return [one for one, _entry, sealed in published_counts.readable(found) if sealed.until in ends]


def _compared(client: Client, since: datetime, until: datetime, kept: timedelta) -> Iterator[str]:
    """Yield what the job's own comparisons found while data of the period was stored."""
    for entry, receipt in ledger.read_records(client, "retention", "run", Receipt, after=since):
        compared = receipt.compared
        if compared is not None and entry.at < until + kept:
            yield from (f"found {compared.at:%Y-%m-%d %H:%M}: {text}" for text in compared.faults)


def _published(log_config: LogConfig, entries: list[OpenedEntry]) -> Iterator[str]:
    """Yield entries that differ from the published log; none for people who may not read its key."""
    shown = log_config.folder.find(CHECKPOINT)
    with suppress(LogError, PermissionError):
        if shown is not None:
            head, _note = open_checkpoint(shown, verifier(log_config))
            yield from published_counts.faults_of(entries, log_config.folder.read, head)
