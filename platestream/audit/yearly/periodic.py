"""Recurring audits and reports that a state's law requires besides the yearly audit: those done, and those
due.

The time of a filing or publication is the time at which the database logged the act: an entry of the ledger
that the inquiry log does not know does not count.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal, NamedTuple

from clickhouse_connect.driver.client import Client

from platestream.access.door import Door
from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly.draw import draws
from platestream.audit.yearly.findings import FiledMemorandum, filed_memoranda
from platestream.edges.clickhouse_client import AUDITOR, read_rows
from platestream.ledger import store as ledger
from platestream.schemas.ledger import LedgerEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import Profile, Rhythm
from platestream.schemas.profile import due as yearly_due
from platestream.schemas.rhythm import (
    DAY,
    Done,
    Due,
    Period,
    Published,
    list_demands,
    open_period,
    period_at,
    period_named,
)

_TIMES = "SELECT what, name, at FROM platestream.audit_times"
YEARLY = "yearly"
LONG_AGO = timedelta(days=366)  # older deadlines are not reported any more


@dataclass(frozen=True)
class AuditRecord:
    """The ledger's audits and publications, each with its time in the inquiry log.

    `untold` are numbers of ledger entries that the log does not know, `yearly` counts memoranda of the yearly
    audit by year.
    """

    began: datetime | None
    filed: Mapping[str, Sequence[Done]]
    published: Mapping[str, Sequence[Done]]
    documents: Mapping[tuple[str, str], Sequence[Published]]
    untold: Sequence[int]
    yearly: Mapping[int, int]


class Step(NamedTuple):
    """The next step of a rhythm: an audit to file, or figures to publish, with its deadline."""

    rhythm: str
    step: Literal["file", "publish"]
    by: datetime


class RhythmStatus(NamedTuple):
    """A rhythm with the demands of each of its periods, the open one last."""

    rhythm: str
    due: Sequence[Due]


class RhythmOverview(NamedTuple):
    """The rhythms of a profile by name, their status, and their records."""

    asked: Mapping[str, Rhythm]
    standings: Sequence[RhythmStatus]
    record: AuditRecord


def audit_record(client: Client, profile_name: str) -> AuditRecord:
    """Return the audits and publications so far. `client` has the auditor's or the retention job's role.
    Raises DatabaseError.
    """
    times = read_rows(client, "reading the audits", _TIMES)
    memos = filed_memoranda(client)
    published = ledger.read_records(client, "audit", "publication", Published)
    entries = [entry for entry, _one in (*memos, *published)]
    at: dict[str, datetime] = {name: moment for what, name, moment in times if what == "done"}
    ends = {entry.number: drawn.inquiries_until for entry, drawn in draws(client)}
    done: dict[str, list[Done]] = {}
    publications: dict[str, list[Done]] = {}
    documents: dict[tuple[str, str], list[Published]] = {}
    for entry, memo in memos:
        if memo.rhythm and entry.hash in at:
            moment: datetime = at[entry.hash]
            done.setdefault(memo.rhythm, []).append(Done(memo.period, moment, ends.get(memo.draw, moment)))
    for entry, one in published:
        if entry.hash in at:
            moment = at[entry.hash]
            publications.setdefault(one.rhythm, []).append(Done(one.period, moment, moment))
            documents.setdefault((one.rhythm, one.period), []).append(one)
    return AuditRecord(
        _began(times, profile_name),
        done,
        publications,
        documents,
        [one.number for one in entries if one.hash not in at],
        Counter(memo.year for entry, memo in memos if not memo.rhythm and entry.hash in at),
    )


def rhythm_statuses(profile: Profile, record: AuditRecord, now: datetime) -> list[RhythmStatus]:
    """Return the status of each rhythm of the profile; none before the first act."""
    if record.began is None:
        return []
    zone = profile.agency.zone
    return [
        RhythmStatus(
            name,
            list_demands(
                one.demand,
                zone,
                record.began,
                record.filed.get(name, ()),
                record.published.get(name, ()),
                now,
            ),
        )
        for name, one in profile.rhythms.items()
    ]


def next_steps(profile: Profile, record: AuditRecord, now: datetime) -> list[Step]:
    """Return the next steps of the yearly audit and each rhythm, overdue ones included, the earliest deadline
    first.
    """
    if record.began is None:
        return []
    steps = [Step(YEARLY, "file", by)] if (by := _yearly(profile, record, now)) else []
    for rhythm, due in rhythm_statuses(profile, record, now):
        open_ = [one for one in due if one.next is not None and one.next > now - LONG_AGO]
        file = min((one.file_by for one in open_ if one.file_by and one.filed_at is None), default=None)
        publish = min(
            (one.publish_by for one in open_ if one.publish_by and one.published_at is None), default=None
        )
        steps += [Step(rhythm, "file", file)] if file else []
        steps += [Step(rhythm, "publish", publish)] if publish else []
    return sorted(steps, key=lambda one: one.by)


def agency_steps(door: Door, now: datetime) -> list[Step]:
    """Return the next steps of the agency's profile. Figures: no act is needed.

    Raises ProfileError and DatabaseError.
    """
    profile = door.rules.profile
    return next_steps(profile, audit_record(door.client(AUDITOR), door.rules.name), now)


def agency_statuses(door: Door, now: datetime) -> list[RhythmStatus]:
    """Return the status of the rhythms of the agency's profile. Figures: no act is needed.

    Raises ProfileError and DatabaseError.
    """
    profile = door.rules.profile
    if not profile.rhythms:
        return []
    return rhythm_statuses(profile, audit_record(door.client(AUDITOR), door.rules.name), now)


def overview(door: Door, now: datetime) -> RhythmOverview:
    """Return the rhythms of the agency's profile, for a person who may see audits.

    Raises RefusedInquiry, ProfileError and DatabaseError.
    """
    door.enter("audit_show", "what is due")
    profile = door.rules.profile
    record = audit_record(door.client(AUDITOR), door.rules.name)
    return RhythmOverview(profile.rhythms, rhythm_statuses(profile, record, now), record)


def rhythm_named(profile: Profile, name: str) -> Rhythm:
    """Return a rhythm of the profile. Raises RefusedError that names the existing ones."""
    if name not in profile.rhythms:
        there = ", ".join(profile.rhythms) or "none"
        raise RefusedError("rhythm", f"no rhythm {name} in this agency's profile; there are: {there}")
    return profile.rhythms[name]


def period_of(door: Door, name: str, period: str, now: datetime) -> Period:
    """Return a period of a rhythm by its name. An empty name is the last period that is over or, for a rhythm
    of days, the one since the last audit. For a rhythm of days a name is that of a drawn audit.

    Raises RefusedError.
    """
    profile = door.rules.profile
    demand, zone = rhythm_named(profile, name).demand, profile.agency.zone
    if demand.months:
        try:
            if period:
                return period_named(demand, period, zone)
        except ValueError as error:
            raise RefusedError("period", str(error)) from None
        this = period_at(demand, now, zone)
        return period_at(demand, this.since - DAY, zone)
    record = audit_record(door.client(AUDITOR), door.rules.name)
    audits = record.filed.get(name, ())
    if not period:
        return open_period(demand, zone, record.began or now, audits, now)
    for _entry, drawn in draws(door.client(AUDITOR)):
        if (drawn.rhythm, drawn.period) == (name, period):
            return Period(period, drawn.inquiries_since, drawn.inquiries_until)
    raise RefusedError("period", f"{name} has no audit {period}")


def draw(door: Door, name: str, period: str, now: datetime, again: str = "") -> LedgerEntry:
    """Draw for a period of a rhythm; raises as `draw_rhythm`, and RefusedError for an unknown period."""
    with door.log_refusal("audit_draw", f"{name} {period}", reason=again):
        rhythm = rhythm_named(door.rules.profile, name)
        if not rhythm.audit:
            raise RefusedError("rhythm", f"{name} is a report: platestream report public --rhythm {name}")
        found = period_of(door, name, period, now)
    return drawing.draw_rhythm(door, name, rhythm, found, now, again)


def audits_between(client: Client, since: datetime, until: datetime) -> list[FiledMemorandum]:
    """Return memoranda that were filed from `since` up to `until`, the yearly ones included."""
    memos = filed_memoranda(client)
    at = {
        name: moment
        for what, name, moment in read_rows(client, "reading the audits", _TIMES)
        if what == "done"
    }
    return [memo for entry, memo in memos if entry.hash in at and since <= at[entry.hash] < until]


def _began(times: Sequence[Any], profile_name: str) -> datetime | None:
    """Return the time from which the rhythms count: the first act, or the first day of this profile."""
    first: datetime | None = next((at for what, _name, at in times if what == "first"), None)
    ruled = [at for what, name, at in times if what == "ruled" and name == profile_name]
    return first if first is None else max([first, *ruled])


def _yearly(profile: Profile, record: AuditRecord, now: datetime) -> datetime | None:
    """Return the deadline of the next memorandum of the yearly audit."""
    assert record.began is not None
    zone = profile.agency.zone
    began, earliest = record.began.astimezone(zone).date(), (now - LONG_AGO).astimezone(zone).date()
    for year in range(began.year, now.year + 2):
        days = [day for day in yearly_due(profile, year) if day >= began][record.yearly.get(year, 0) :]
        if coming := [day for day in days if day >= earliest]:
            return datetime.combine(coming[0] + DAY, time(), zone)
    return None
