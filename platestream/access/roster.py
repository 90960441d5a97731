"""Rosters: people on duty by time (order, sections F.4 and F.8), and absences with their reasons.

A roster is one record of the registry, written by one act that names its SHA-256. Duty times that have begun
cannot be removed; an absence is an additional row.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from platestream.access.door import Door
from platestream.access.registry import put
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import Duty, RegistryRecord

COLUMNS = ("user", "since", "until", "absent")


def record(door: Door, name: str, title: str, text: str, zone: tzinfo, now: datetime) -> RegistryRecord:
    """Make the duty times of a CSV file the roster `name`; times without an offset are in `zone`.

    Raises RefusedError, which is logged, and as `platestream.access.registry.put`.
    """
    with door.log_refusal("registry_roster", f"roster/{name}"):
        duties = tuple(_read(text, zone))
        if not duties:
            raise RefusedError("roster", "the file has no duty time")
        since, until = min(one.since for one in duties), max(one.until for one in duties)
        try:
            made = RegistryRecord(kind="roster", id=name, name=title, since=since, until=until, duties=duties)
        except ValueError as error:
            raise RefusedError("roster", str(error)) from None
    return put(door, made, now)


def _read(text: str, zone: tzinfo) -> Iterator[Duty]:
    lines = csv.DictReader(text.removeprefix("\ufeff").splitlines(), strict=True)
    if not set(COLUMNS[:3]) <= set(lines.fieldnames or ()) <= set(COLUMNS):
        raise RefusedError("roster", f"the first line names the columns: {','.join(COLUMNS)}")
    try:
        for row in lines:
            since, until = _time(row["since"], zone), _time(row["until"], zone)
            absent = (row.get("absent") or "").strip()
            yield Duty(user=row["user"].strip(), since=since, until=until, absent=absent)
    except (ValueError, AttributeError, csv.Error) as error:
        raise RefusedError("roster", f"line {lines.line_num}: {error}") from None


def _time(text: str, zone: tzinfo) -> datetime:
    at = datetime.fromisoformat(text.strip())
    # In UTC, so that the database recognizes a row that was typed in another zone.
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
