"""Looking through the gate at millions of detections: rows read and ms, beside a full scan of the table.

Rows read are what the engine counts (`SelectedRows`); they do not depend on the machine or what else it does.
What the engine remembers of a condition it has seen before is switched off: a person asks each thing once.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from platestream.access import gate, inquire
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import ANALYST, OWNER, connect
from platestream.keys.key_folder import UNSEALED

DAYS, CAMERAS = 28, 200
LEAD, MATE = "LEAD123", "MATE456"
WHY: inquire.ActorDocumentation = {
    "vehicles": 10_000,
    "who": "bench",
    "tool": "platestream bench",
    "reason": "benchmark of the gate",
}

# Plates as an Arizona plate is written; some cars are seen far more often than others.
_FILL = f"""
INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate, state, ingested_at)
WITH
    toUInt64({{cars:UInt64}} * pow((cityHash64(number, 1) % 1000000007) / 1000000007, 1.7)) AS car,
    {{day:DateTime64(3, 'UTC')}} + toIntervalMillisecond(cityHash64(number, 2) % 86400000) AS at
SELECT
    generateUUIDv4(), at, concat('cam-', leftPad(toString(cityHash64(number, 3) % {CAMERAS}), 3, '0')),
    concat(char(65 + car % 26, 65 + intDiv(car, 26) % 26, 65 + intDiv(car, 676) % 26),
        leftPad(toString(car * 7919 % 10000), 4, '0')), 'AZ', at
FROM numbers({{first:UInt64}}, {{count:UInt64}})
"""  # noqa: S608 - a number of our own
# Two plates that the rest cannot be, once a day each at one camera, half a minute apart.
_PAIR = """
INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate, state, ingested_at)
SELECT generateUUIDv4(), at, concat('cam-00', toString(number % 10)), {plate:String}, 'AZ', at
FROM (SELECT number, {first:DateTime64(3, 'UTC')} + toIntervalDay(number) AS at FROM numbers({count:UInt64}))
"""
# A picture a detection, small, as many as there are; its hash is right.
_PICTURES = """
INSERT INTO platestream.images (detection_id, captured_at, camera_id, kind, sha256, jpeg, ingested_at)
SELECT detection_id, captured_at, camera_id, 'crop', SHA256(toString(detection_id) AS jpeg), jpeg, captured_at
FROM platestream.detections WHERE toDate(captured_at) = {day:Date}
"""
_ONE = """
SELECT detection_id, captured_at FROM platestream.detections WHERE plate_zero LIKE {plate:String}
ORDER BY captured_at LIMIT 1
"""
_READ = "SELECT sum(value) FROM system.events WHERE event = 'SelectedRows'"
_SCAN = "SELECT count() FROM platestream.detections WHERE position(plate, 'BC12') > 0"


def fill(client: Client, rows: int, *, pictures: bool = True) -> None:
    """About `rows` detections of 28 days, and as many pictures. `client` needs the owner's role."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    share = rows // DAYS
    days = [start + timedelta(days=number) for number in range(DAYS)]
    for number, day in enumerate(days):
        fields = {"cars": max(rows // 4, 1000), "day": day, "first": number * share, "count": share}
        client.command(_FILL, parameters=fields)
    for plate, seconds in ((LEAD, 0), (MATE, 30)):
        first = start + timedelta(hours=12, seconds=seconds)
        client.command(_PAIR, parameters={"plate": plate, "first": first, "count": DAYS})
    # One part a day, as merges leave it: what a plate is found in is then no smaller than a granule.
    client.command("OPTIMIZE TABLE platestream.detections FINAL")
    if pictures:
        for day in days:
            client.command(_PICTURES, parameters={"day": day.date()})


def looks(client: Client, owner: Client) -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """Every way to look, by name. `client` needs the analyst's role, `owner` finds what to ask for."""
    seen, at = owner.query(_ONE, parameters={"plate": LEAD}).result_rows[0]
    for one in (client, owner):
        one.set_client_setting("use_query_condition_cache", 0)
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    two_hours: Any = {"since": until - timedelta(hours=2), "until": until}
    yield "exact", lambda: gate.search(client, pattern=LEAD, **WHY)
    yield "partial", lambda: gate.search(client, pattern="*BC12*", **WHY)
    yield "partial, end", lambda: gate.search(client, pattern="*C1234", **WHY)
    yield "partial, four at the end", lambda: gate.search(client, pattern="*1234", **WHY)
    yield "one edit or look-alike", lambda: gate.search(client, "fuzzy", pattern=LEAD, **WHY)
    yield "camera, 2 h", lambda: gate.search(client, "sightings", cameras=["cam-007"], **two_hours, **WHY)
    yield "co-travel", lambda: gate.search(client, "cotravel", pattern=LEAD, other=MATE, **WHY)
    yield "exact, to hold", lambda: gate.holdable(client, pattern=LEAD, **WHY)[1]
    yield "companions", lambda: gate.search(client, "companions", pattern=LEAD, **WHY)
    yield (
        "picture",
        lambda: list(gate.picture(client, detection_id=seen, captured_at=at, keys=UNSEALED, **WHY)),
    )


def rows_read(owner: Client, look: Callable[[], object]) -> int:
    """Rows that the engine read meanwhile; nothing else may ask it then."""
    before = owner.query(_READ).result_rows[0][0]
    look()
    return int(owner.query(_READ).result_rows[0][0] - before)


def run(rows: int, rounds: int) -> dict[str, Any]:
    """Figures of each way to look, in a database made for it and thrown away; ms are the best of `rounds`."""
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as folder:
        dsn = f"chdb://{folder}/platestream"
        owner = connect(dsn, OWNER)
        analyst = connect(dsn, ANALYST)
        try:
            migrate.apply(owner)
            fill(owner, rows)
            scan = lambda: list(owner.query(_SCAN).result_rows)  # noqa: E731
            figures = {name: _figure(owner, look, rounds) for name, look in looks(analyst, owner)}
            whole = _figure(owner, scan, rounds)
        finally:
            analyst.close()
            owner.close()
    for one in figures.values():
        one["ms_of_scan"] = round(one["ms"] / whole["ms"], 2)
    return {"detections": rows, "full_scan": whole, "looks": figures}


def _figure(owner: Client, look: Callable[[], list[Any]], rounds: int) -> dict[str, Any]:
    best, found, read = float("inf"), 0, 0
    for _round in range(rounds):
        began = time.perf_counter()
        found = len(look())
        best = min(best, time.perf_counter() - began)
    read = rows_read(owner, look)
    return {"found": found, "rows_read": read, "ms": round(best * 1000, 1)}
