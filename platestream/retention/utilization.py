"""Use of the system by day and camera, retained after the detections expire: figures without plates (K.2)."""

from datetime import date, datetime, timedelta
from functools import partial

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import read_rows, run

LATELY = timedelta(days=3)

# A day is counted while it changes, and again before its detections expire, for the outcomes of its hits. The
# days are those of the partitions, of which the engine stores the times.
_DAYS = """
SELECT day FROM (
    SELECT toDate(max(captured_at)) AS day FROM platestream.detections GROUP BY toYYYYMMDD(captured_at)
)
WHERE {again:Bool} AND (day >= {recent:Date} OR day <= {going:Date})
   OR day NOT IN (SELECT day FROM platestream.utilization)
"""
_WHOLE = "SELECT DISTINCT day FROM platestream.utilization WHERE day <= {cut:Date}"
_TALLY = """
INSERT INTO platestream.utilization (day, camera_id, passes, hits, verified, acted_on)
SELECT day, camera_id, sum(passes), sum(hits), sum(checked), sum(acted)
FROM (
    SELECT toDate(captured_at) AS day, camera_id, uniqExact(detection_id) AS passes,
           0 AS hits, 0 AS checked, 0 AS acted
    FROM platestream.detections WHERE day IN {days:Array(Date)} GROUP BY day, camera_id
    UNION ALL
    SELECT day, camera_id, 0 AS passes, uniqExact(hit_id) AS hits,
           uniqExactIf(hit_id, has(kinds, 'plate_and_state_confirmed')) AS checked,
           uniqExactIf(hit_id, has(kinds, 'action_taken')) AS acted
    FROM (SELECT hit_id, toDate(captured_at) AS day, camera_id FROM platestream.alert_hits
          WHERE day IN {days:Array(Date)}) AS hit
    LEFT JOIN (SELECT hit_id, groupUniqArray(kind) AS kinds FROM platestream.hit_actions GROUP BY hit_id)
        AS action ON hit.hit_id = action.hit_id
    GROUP BY day, camera_id
)
GROUP BY day, camera_id
"""


def tally(client: Client, cutoff: datetime, now: datetime, *, again: bool = True) -> list[date]:
    """Count the days that have no count, and with `again` those whose count may change; return them. The
    count of a day that `cutoff` divides remains unchanged.
    """
    asked = {"again": again, "recent": (now - LATELY).date(), "going": (cutoff + timedelta(days=1)).date()}
    days = {day for (day,) in read_rows(client, "tallying", _DAYS, **asked)}
    days -= {day for (day,) in read_rows(client, "tallying", _WHOLE, cut=cutoff.date())}
    if days:
        parameters = {"days": sorted(days)}
        run("tallying", partial(client.command, _TALLY, parameters=parameters))
    return sorted(days)
