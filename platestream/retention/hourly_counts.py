"""Hourly counts by camera: frames by their numbers, detections, and what the retention job deletes.

All is derived from stored rows of which the first counts, so a replay or a restart counts nothing twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run
from platestream.schemas.fields import NOT_JSON
from platestream.schemas.tally import Counts, FrameTally, HourTally, Tally

_FRAMES = """
SELECT until, camera, of_epoch, frames, first, last, twice, outcomes, lost_first, lost_last,
    device_count, device_first, device_last, gaps
FROM platestream.frame_groups(
    since = {since:DateTime64(6, 'UTC')}, untils = {untils:Array(DateTime64(6, 'UTC'))})
"""
_PASSES = """
SELECT until, hour, camera_id, detections FROM platestream.pass_groups(
    since = {since:DateTime64(6, 'UTC')}, untils = {untils:Array(DateTime64(6, 'UTC'))})
"""
_EXPIRED = """
SELECT arrayFirst(one -> one >= at, {untils:Array(DateTime64(6, 'UTC'))}) AS until, hour, camera_id,
    sum(detections), sum(unsealed)
FROM platestream.expired_counts
WHERE at > {since:DateTime64(6, 'UTC')} AND at <= {untils:Array(DateTime64(6, 'UTC'))}[-1]
GROUP BY until, hour, camera_id ORDER BY until, hour, camera_id
"""
_DELETED = """
SELECT hour, sum(detections) FROM platestream.expired_counts
WHERE hour IN ({hours:Array(DateTime('UTC'))}) GROUP BY hour
"""
# After a run that was interrupted before its receipt, what is left of its rows was counted already. Where
# data is stored for minutes, detections go before the hour in which they were written is sealed.
_NOTE = """
INSERT INTO platestream.expired_counts (run, cutoff, hour, camera_id, detections, unsealed)
WITH (
    SELECT max(cutoff) FROM platestream.expired_counts
    WHERE at > (SELECT max(at) FROM platestream.ledger WHERE chain = 'retention' AND kind = 'run')
) AS counted, (
    SELECT max(parseDateTime64BestEffortOrZero(JSONExtractString(record, 'until'), 6, 'UTC'))
    FROM platestream.ledger WHERE chain = 'retention' AND kind = 'tally'
) AS sealed
SELECT {run:UUID}, {cutoff:DateTime64(3, 'UTC')}, toStartOfHour(captured_at), camera_id,
    uniqExact(detection_id), uniqExactIf(detection_id, detection_id IN (
        SELECT id FROM platestream.tallied
        WHERE source = 'detections' AND least(captured_at, tallied_at) < {cutoff:DateTime64(3, 'UTC')}
            AND captured_at <= {last:DateTime64(3, 'UTC')}
        GROUP BY id HAVING min(tallied_at) > sealed
    ))
FROM platestream.detections
WHERE least(captured_at, ingested_at) < {cutoff:DateTime64(3, 'UTC')}
    AND least(captured_at, ingested_at) >= counted AND captured_at <= {last:DateTime64(3, 'UTC')}
GROUP BY toStartOfHour(captured_at), camera_id
"""


def count(
    client: Client, since: datetime, until: datetime, before: Tally | None, retained: timedelta
) -> Counts:
    """Count what was written after `since` and until `until`, which follow the sealed hour `before`.

    Raises DatabaseError.
    """
    parameters: dict[str, Any] = {"since": since, "untils": [until]}
    frames = read_rows(client, "counting frames", _FRAMES, **parameters)
    passes = read_rows(client, "counting detections", _PASSES, **parameters)
    expired = read_rows(client, "counting what expired", _EXPIRED, **parameters)
    known = before.counts.frames if before and before.counts else []
    return Counts(
        retained_s=round(retained.total_seconds()),
        frames=list(_continued(known, frames)),
        passes=_hours([*passes, *((*row[:3], row[4]) for row in expired if row[4])]),
        expired=_hours(row[:4] for row in expired),
    )


def note_expiring(client: Client, act: UUID, cutoff: datetime, last: datetime) -> None:
    """Count the detections that a run is about to delete, by hour of capture; captures after `last` are not
    read. Raises DatabaseError.
    """
    parameters = {"run": act, "cutoff": cutoff, "last": last}
    run("counting what expires", partial(client.command, _NOTE, parameters=parameters))


def deleted_by_hour(client: Client, hours: Sequence[datetime]) -> dict[datetime, int]:
    """Return how many detections of these hours of capture (UTC) were deleted. Raises DatabaseError."""
    rows = read_rows(client, "counting what expired", _DELETED, hours=list(hours))
    return {hour.replace(tzinfo=UTC): deleted for hour, deleted in rows}


def _continued(known: Sequence[FrameTally], rows: Iterable[Sequence[Any]]) -> Iterable[FrameTally]:
    """Yield the counts of an hour: each camera's totals go on from those of the hour before."""
    before = {(one.camera, one.epoch): one for one in known}
    cameras = {one.camera for one in known}
    for row in rows:
        camera, epoch, frames, first, last, twice, outcomes, lost_first, lost_last, *device, gaps = row[1:]
        past = before.pop((camera, epoch), None)
        # The first numbers of a camera that was never counted may have come before counting began.
        begins = max(first - 1 - sum(_lost(lost_first).values()), 0) if camera not in cameras else 0
        yield FrameTally(
            camera=camera,
            epoch=epoch,
            frames=frames,
            outcomes=dict(sorted(outcomes.items())),
            twice=twice,
            gaps=[(low, high) for low, high in gaps],
            base=past.base if past else begins if epoch else 0,
            last=max(last, past.last if past else 0) if epoch else 0,
            arrived=frames + (past.arrived if past else 0) if epoch else 0,
            lost=_newer(past, last, _lost(lost_last)),
            device=(device[0], device[1], device[2]) if device[0] else None,
        )
    for (camera, epoch), past in sorted(before.items()):
        if epoch:
            yield FrameTally(
                camera=camera,
                epoch=epoch,
                base=past.base,
                last=past.last,
                arrived=past.arrived,
                lost=past.lost,
            )


def _newer(past: FrameTally | None, last: int, lost: dict[str, int]) -> dict[str, int]:
    """Return the newest report of losses: frames that come late have an older one."""
    return past.lost if past and last < past.last else lost


def _lost(text: str) -> dict[str, int]:
    try:
        return msgspec.json.decode(text, type=dict[str, int]) if text else {}
    except NOT_JSON:
        return {}


def _hours(rows: Iterable[Sequence[Any]]) -> list[HourTally]:
    hours: dict[datetime, Counter[str]] = defaultdict(Counter)
    for _until, hour, camera, detections in rows:
        hours[hour.replace(tzinfo=UTC)][camera] += detections
    return [HourTally(hour=hour, cameras=dict(cameras)) for hour, cameras in sorted(hours.items())]
