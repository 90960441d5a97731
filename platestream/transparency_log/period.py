"""Judgment of a period by the hourly counts: nothing vanished early, and nothing survived late.

It needs the sealed counts alone, so that an outsider judges as the agency does. The agency can also compare
them with what is stored.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from platestream.schemas.pluralize import pluralize
from platestream.schemas.tally import Counts, FrameTally, Tally

HOUR = timedelta(hours=1)
LATE = timedelta(hours=3)
"""Time that the job has to seal an hour, and to delete what is due."""
MOST_GAPS = 5

Key = tuple[datetime, str]
"""An hour of capture, and a camera."""


@dataclass
class CameraFigures:
    """Figures of a camera in the period; `stored` is None for an outsider."""

    camera: str
    frames: int = 0
    refused: int = 0
    lost: int = 0
    missing: int = 0
    detections: int = 0
    deleted: int = 0
    stored: int | None = None


@dataclass(frozen=True)
class PeriodReport:
    """The judgment; `until` is the end of what is sealed where the period goes on. Notes are no faults."""

    since: datetime
    until: datetime
    cameras: list[CameraFigures]
    faults: list[str]
    notes: list[str] = field(default_factory=list)


def parse_period(text: str) -> tuple[datetime, datetime]:
    """Return the start and the end in UTC of `2026`, `2026-10`, `2026-10-05` or `FROM..TO`.

    FROM and TO are days, both in the period, or hours (`2026-10-05T14`). Raises ValueError.
    """
    first, dots, last = text.partition("..")
    try:
        (since, until), end = _span(first), _span(last or first)[1]
    except ValueError:
        raise ValueError(f"{text!r} is no period: 2026-10, or 2026-10-01..2026-10-15") from None
    if dots and end <= since:
        raise ValueError(f"{text!r} ends before it begins")
    return since, end if dots else until


def judge(
    tallies: Sequence[Tally],
    since: datetime,
    until: datetime,
    now: datetime,
    stored: Mapping[Key, int] | None = None,
    pending: Counts | None = None,
) -> PeriodReport:
    """Judge a period by the sealed counts from the hour before it on, in order.

    `stored` are the detections in the database, and `pending` the counts that are not sealed yet.
    """
    counted = [one for one in tallies if one.counts is not None]
    if not counted:
        return PeriodReport(since, since, [], ["nothing was counted by camera in this period"])
    end = min(until, counted[-1].until)
    faults = list(_coverage(counted, since, until, now))
    notes: list[str] = []
    figures: dict[str, CameraFigures] = {}
    _judge_frames(counted, since, end, now, figures, faults, notes)
    begin = max(since, counted[0].since)
    _judge_detections(counted, (begin, end), now, stored, pending, figures, faults)
    return PeriodReport(since, end, [one for _name, one in sorted(figures.items())], faults, notes)


def _coverage(counted: Sequence[Tally], since: datetime, until: datetime, now: datetime) -> Iterator[str]:
    if counted[0].since > since:
        yield f"nothing is sealed before {_at(counted[0].since)}"
    for one, following in pairwise(counted):
        if one.until != following.since:
            yield f"counts sealed until {_at(one.until)} are followed by those from {_at(following.since)}"
    if counted[-1].until < min(until, now - LATE):
        yield f"nothing is sealed after {_at(counted[-1].until)}"


def _judge_frames(
    counted: Sequence[Tally],
    since: datetime,
    end: datetime,
    now: datetime,
    figures: dict[str, CameraFigures],
    faults: list[str],
    notes: list[str],
) -> None:
    hours = [{(one.camera, one.epoch): one for one in _counts(tally).frames} for tally in counted]
    # A frame may arrive after the end of its hour, so a gap counts only where it is never filled.
    final: list[dict[tuple[str, str], int]] = [{} for _hour in hours]
    last: dict[tuple[str, str], int] = {}
    for place in range(len(hours) - 1, -1, -1):
        for key, one in hours[place].items():
            last[key] = min(one.missing, last.get(key, one.missing))
            final[place][key] = last[key]
    devices: dict[str, Counter[str]] = defaultdict(Counter)
    for place, (tally, found) in enumerate(zip(counted, hours, strict=True)):
        if tally.until <= since or tally.since >= end:
            continue
        before = hours[place - 1] if place else None
        faults += _discontinuities(tally, before, found)
        for key, one in found.items():
            figure = figures.setdefault(one.camera, CameraFigures(one.camera))
            figure.frames += one.frames
            figure.refused += one.frames - one.outcomes.get("read", 0) - one.outcomes.get("held", 0)
            if one.device:
                devices[one.camera] += Counter(arrived=one.device[0], span=one.device[2] - one.device[1] + 1)
            past = (before or {}).get(key)
            figure.lost += sum(one.lost.values()) - (sum(past.lost.values()) if past else 0)
            reached = final[place - 1][key] if past else final[place][key] if before is None else 0
            if (gap := final[place][key] - reached) > 0:
                figure.missing += gap
                text = f"{one.camera}: {pluralize(gap, 'frame')} missing by {_at(tally.until)}{_ranges(one)}"
                is_open = place == len(hours) - 1 and now - tally.until < LATE
                (notes if is_open else faults).append(text)
    for camera, device in devices.items():
        if device["arrived"] < device["span"]:  # no fault: a device may restart, or count other messages, too
            notes.append(f"{camera}: {device['arrived']} of {device['span']} numbers of the device arrived")


def _discontinuities(
    tally: Tally,
    before: Mapping[tuple[str, str], FrameTally] | None,
    found: Mapping[tuple[str, str], FrameTally],
) -> Iterator[str]:
    """Yield counters that began anew, numbers that were used twice, and totals that do not go on."""
    at = _at(tally.until)
    numbered = {camera for camera, epoch in before or {} if epoch}
    for (camera, epoch), one in found.items():
        past = (before or {}).get((camera, epoch))
        if one.twice:
            yield f"{camera}: {pluralize(one.twice, 'number')} used for two frames by {at}"
        if not epoch and one.frames and camera in numbered:
            yield f"{camera}: {pluralize(one.frames, 'frame')} without a number by {at}"
        elif epoch and before is not None and past is None and camera in numbered:
            yield f"{camera}: its counter began again by {at}; frames before it may be missing"
        elif past and (one.arrived != past.arrived + one.frames or one.last < past.last):
            yield f"{camera}: the totals sealed at {at} do not follow those of the hour before"
    for camera in sorted({camera for camera, epoch in set(before or {}) - set(found) if epoch}):
        yield f"{camera}: its numbers are not in the counts sealed at {at}"


def _judge_detections(
    counted: Sequence[Tally],
    period: tuple[datetime, datetime],
    now: datetime,
    stored: Mapping[Key, int] | None,
    pending: Counts | None,
    figures: dict[str, CameraFigures],
    faults: list[str],
) -> None:
    since, end = period
    passes: Counter[Key] = Counter()
    deleted: Counter[Key] = Counter()
    problems: dict[tuple[str, str], Counter[date]] = defaultdict(Counter)
    for tally in counted:
        counts = _counts(tally)
        retained = timedelta(seconds=counts.retained_s)
        _add(passes, counts, "passes")
        _add(deleted, counts, "expired")
        for hour in counts.expired:
            for camera, count in hour.cameras.items():
                if since <= hour.hour and hour.hour + HOUR <= end:
                    if tally.until < hour.hour + retained:
                        problems[camera, "deleted before they were due"][hour.hour.date()] += count
                    elif tally.since > hour.hour + HOUR + retained + LATE:
                        problems[camera, "deleted too late"][hour.hour.date()] += count
    if pending is not None:
        _add(passes, pending, "passes")
        _add(deleted, pending, "expired")
    sealed_until, retained = counted[-1].until, timedelta(seconds=_counts(counted[-1]).retained_s)
    for key in sorted({*passes, *deleted, *(stored or {})}):
        at, camera = key
        if at < since or at + HOUR > end:
            continue
        figure = figures.setdefault(camera, CameraFigures(camera))
        figure.detections += passes[key]
        figure.deleted += deleted[key]
        differing: dict[str, int] = {}
        rest, due = passes[key] - deleted[key], at + HOUR + retained + LATE
        if stored is not None:
            there = stored.get(key, 0)
            figure.stored = (figure.stored or 0) + there
            differing = {
                "vanished early": rest - there,
                "stored, but never counted": there - max(rest, 0),
            }
            if now > due:
                differing["still stored, past their time"] = there
        elif sealed_until > due:
            differing["due, and not deleted by the job (vanished early, or stored too long)"] = rest
        differing["deleted, but never counted"] = -rest
        for text, count in differing.items():
            if count > 0:
                problems[camera, text][at.date()] += count
    for (camera, text), days in problems.items():
        for day, count in sorted(days.items()):
            faults.append(f"{camera}, {day}: {pluralize(count, 'detection')} {text}")


def _add(total: Counter[Key], counts: Counts, name: str) -> None:
    for hour in getattr(counts, name):
        for camera, count in hour.cameras.items():
            total[hour.hour, camera] += count


def needed(tallies: Sequence[Tally], since: datetime) -> Sequence[Tally]:
    """Return the tallies from the hour before `since` on."""
    ends = [one.until for one in tallies]
    return tallies[max(bisect_left(ends, since) - 1, 0) :]


def _counts(tally: Tally) -> Counts:
    assert tally.counts is not None  # others are left out before
    return tally.counts


def _ranges(one: FrameTally) -> str:
    shown = ", ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in one.gaps[:MOST_GAPS])
    more = " and others" if len(one.gaps) > MOST_GAPS else ""
    return f" (numbers {shown}{more} of {one.epoch})" if shown else ""


def _span(text: str) -> tuple[datetime, datetime]:
    """Return the start and the end of a year, month, day or hour."""
    lengths = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 13: "%Y-%m-%dT%H"}
    if len(text) not in lengths:
        raise ValueError(text)
    start = datetime.strptime(text, lengths[len(text)]).replace(tzinfo=UTC)
    if len(text) == 4:
        return start, start.replace(year=start.year + 1)
    if len(text) == 7:
        return start, (start + timedelta(days=31)).replace(day=1)
    return start, start + (timedelta(days=1) if len(text) == 10 else HOUR)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
