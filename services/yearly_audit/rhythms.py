"""Audits and reports that a state's law asks for besides the yearly audit: what was done, and what is due.

When a memorandum was filed, or a report published, is the time at which the database took the act down: an
entry of the ledger that the inquiry log does not know counts for nothing, whatever it says of itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client

from connectors import ledger
from connectors.clickhouse_client import AUDITOR, run
from schemas.ledger import LedgerEntry
from schemas.message import RefusedError
from schemas.profile import Profile, Rhythm
from schemas.profile import due as yearly_due
from schemas.rhythm import DAY, Done, Due, Period, Published, period_at, period_named, running, standing
from services.door import Door
from services.yearly_audit import draw as drawing
from services.yearly_audit.draw import draws
from services.yearly_audit.findings import Filed, filed

_TIMES = "SELECT what, name, at FROM platestream.audit_times"
YEARLY = "yearly"
LONG_AGO = timedelta(days=366)  # what was due before is told of no more


@dataclass(frozen=True)
class OnRecord:
    """What the ledger has of audits and publications, and when each was done by the inquiry log.

    `untold` are numbers of ledger entries that the log does not know, `yearly` counts memoranda of the
    yearly audit by year.
    """

    began: datetime | None
    filed: Mapping[str, Sequence[Done]]
    published: Mapping[str, Sequence[Done]]
    documents: Mapping[tuple[str, str], Sequence[Published]]
    untold: Sequence[int]
    yearly: Mapping[int, int]


class Step(NamedTuple):
    """The next thing to do about a rhythm: an audit to file, or figures to publish, and by when."""

    rhythm: str
    step: Literal["file", "publish"]
    by: datetime


class Standing(NamedTuple):
    """A rhythm, and what each of its periods asks, the one that is open last."""

    rhythm: str
    due: Sequence[Due]


class Shown(NamedTuple):
    """The rhythms of a profile by name, where each stands, and what is on record of them."""

    asked: Mapping[str, Rhythm]
    standings: Sequence[Standing]
    record: OnRecord


def on_record(client: Client, profile_name: str) -> OnRecord:
    """What was done so far. `client` has the auditor's or the retention job's role. Raises DatabaseError."""
    times = _rows(client, _TIMES)
    memos = filed(client)
    published = [
        (entry, msgspec.json.decode(entry.record, type=Published))
        for entry, _hash in ledger.read(client, "audit", "publication")
    ]
    entries = [entry for entry, _one in (*memos, *published)]
    at: dict[str, datetime] = {name: moment for what, name, moment in times if what == "done"}
    ends = {entry.number: drawn.inquiries_until for entry, drawn in draws(client)}
    done: dict[str, list[Done]] = {}
    told: dict[str, list[Done]] = {}
    documents: dict[tuple[str, str], list[Published]] = {}
    for entry, memo in memos:
        if memo.rhythm and entry.hash in at:
            moment: datetime = at[entry.hash]
            done.setdefault(memo.rhythm, []).append(Done(memo.period, moment, ends.get(memo.draw, moment)))
    for entry, one in published:
        if entry.hash in at:
            moment = at[entry.hash]
            told.setdefault(one.rhythm, []).append(Done(one.period, moment, moment))
            documents.setdefault((one.rhythm, one.period), []).append(one)
    return OnRecord(
        _began(times, profile_name),
        done,
        told,
        documents,
        [one.number for one in entries if one.hash not in at],
        Counter(memo.year for entry, memo in memos if not memo.rhythm and entry.hash in at),
    )


def standings(profile: Profile, record: OnRecord, now: datetime) -> list[Standing]:
    """Where each rhythm of the profile stands; none while nothing is on record."""
    if record.began is None:
        return []
    zone = ZoneInfo(profile.agency.time_zone)
    return [
        Standing(
            name,
            standing(
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


def next_steps(profile: Profile, record: OnRecord, now: datetime) -> list[Step]:
    """What is to be done next about the yearly audit and each rhythm, overdue ones too, the soonest first."""
    if record.began is None:
        return []
    steps = [Step(YEARLY, "file", by)] if (by := _yearly(profile, record, now)) else []
    for rhythm, due in standings(profile, record, now):
        open_ = [one for one in due if one.next is not None and one.next > now - LONG_AGO]
        file = min((one.file_by for one in open_ if one.file_by and one.filed_at is None), default=None)
        publish = min(
            (one.publish_by for one in open_ if one.publish_by and one.published_at is None), default=None
        )
        steps += [Step(rhythm, "file", file)] if file else []
        steps += [Step(rhythm, "publish", publish)] if publish else []
    return sorted(steps, key=lambda one: one.by)


def steps_here(door: Door, now: datetime) -> list[Step]:
    """The next steps of the agency's profile. Figures: no act is needed.

    Raises ProfileError and DatabaseError.
    """
    profile = door.rules.profile
    return next_steps(profile, on_record(door.client(AUDITOR), door.rules.name), now)


def here(door: Door, now: datetime) -> list[Standing]:
    """Where the rhythms of the agency's profile stand. Figures: no act is needed.

    Raises ProfileError and DatabaseError.
    """
    profile = door.rules.profile
    if not profile.rhythms:
        return []
    return standings(profile, on_record(door.client(AUDITOR), door.rules.name), now)


def shown(door: Door, now: datetime) -> Shown:
    """The rhythms of the agency's profile, for who sees audits.

    Raises RefusedInquiry, ProfileError and DatabaseError.
    """
    door.enter("audit_show", "what is due")
    profile = door.rules.profile
    record = on_record(door.client(AUDITOR), door.rules.name)
    return Shown(profile.rhythms, standings(profile, record, now), record)


def rhythm_named(profile: Profile, name: str) -> Rhythm:
    """A rhythm of the profile. Raises RefusedError that names those there are."""
    if name not in profile.rhythms:
        there = ", ".join(profile.rhythms) or "none"
        raise RefusedError("rhythm", f"no rhythm {name} in this agency's profile; there are: {there}")
    return profile.rhythms[name]


def period_of(door: Door, name: str, period: str, now: datetime) -> Period:
    """A period of a rhythm by its name; empty: the last one that is over, or of a rhythm of days the one
    since the last audit. Of a rhythm of days a name is that of an audit that was filed.

    Raises RefusedError.
    """
    profile = door.rules.profile
    demand, zone = rhythm_named(profile, name).demand, ZoneInfo(profile.agency.time_zone)
    if demand.months:
        try:
            if period:
                return period_named(demand, period, zone)
        except ValueError as error:
            raise RefusedError("period", str(error)) from None
        this = period_at(demand, now, zone)
        return period_at(demand, this.since - DAY, zone)
    record = on_record(door.client(AUDITOR), door.rules.name)
    audits = record.filed.get(name, ())
    if not period:
        return running(demand, zone, record.began or now, audits, now)
    for _entry, drawn in draws(door.client(AUDITOR)):
        if (drawn.rhythm, drawn.period) == (name, period):
            return Period(period, drawn.inquiries_since, drawn.inquiries_until)
    raise RefusedError("period", f"{name} has no audit {period}")


def draw(door: Door, name: str, period: str, now: datetime, again: str = "") -> LedgerEntry:
    """Draw for a period of a rhythm; raises as `draw_rhythm`, and RefusedError where there is no such one."""
    with door.on_record("audit_draw", f"{name} {period}", reason=again):
        rhythm = rhythm_named(door.rules.profile, name)
        if not rhythm.audit:
            raise RefusedError("rhythm", f"{name} is a report: platestream report public --rhythm {name}")
        found = period_of(door, name, period, now)
    return drawing.draw_rhythm(door, name, rhythm, found, now, again)


def audits_between(client: Client, since: datetime, until: datetime) -> list[Filed]:
    """Memoranda that were filed from `since` up to `until`, the yearly ones, too."""
    memos = filed(client)
    at = {name: moment for what, name, moment in _rows(client, _TIMES) if what == "done"}
    return [memo for entry, memo in memos if entry.hash in at and since <= at[entry.hash] < until]


def _began(times: Sequence[Any], profile_name: str) -> datetime | None:
    """From when on the rhythms count: the first act on record, or the first day of this profile."""
    first: datetime | None = next((at for what, _name, at in times if what == "first"), None)
    ruled = [at for what, name, at in times if what == "ruled" and name == profile_name]
    return first if first is None else max([first, *ruled])


def _yearly(profile: Profile, record: OnRecord, now: datetime) -> datetime | None:
    """By when the next memorandum of the yearly audit is to be filed."""
    assert record.began is not None
    zone = ZoneInfo(profile.agency.time_zone)
    began, earliest = record.began.astimezone(zone).date(), (now - LONG_AGO).astimezone(zone).date()
    for year in range(began.year, now.year + 2):
        days = [day for day in yearly_due(profile, year) if day >= began][record.yearly.get(year, 0) :]
        if coming := [day for day in days if day >= earliest]:
            return datetime.combine(coming[0] + DAY, time(), zone)
    return None


def _rows(client: Client, sql: str) -> list[Any]:
    return list(run("reading the audits", partial(client.query, sql)).result_rows)
