"""Rosters: who is on duty when (order, sections F.4 and F.8), and who is absent and why.

A roster is one record of the registry, written by one act that names its SHA-256. Duty times that have begun
stay in it; an absence is a row besides.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from schemas.message import RefusedError
from schemas.registry import Duty, RegistryRecord
from services.door import Door
from services.registry import put

COLUMNS = ("user", "since", "until", "absent")


def record(door: Door, name: str, title: str, text: str, zone: tzinfo, now: datetime) -> RegistryRecord:
    """Make the duty times of a CSV file the roster `name`; those without an offset are of `zone`.

    Raises RefusedError, which is on record, and as `services.registry.put`.
    """
    with door.on_record("registry_roster", f"roster/{name}"):
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
    # In UTC, so that the database finds a row again that was typed in another zone.
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
