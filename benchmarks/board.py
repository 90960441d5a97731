"""Queries of the boards over millions of detections, and the cost of counting in a flow.

Rows read are what the engine counts (`SelectedRows`); they do not depend on the machine or what else it does.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
from bytewax.testing import run_main
from clickhouse_connect.driver.client import Client

from benchmarks.search import DAYS, fill, rows_read
from models.samples.frames import SPAN, sample_frames
from platestream.boards import BOARDS
from platestream.boards.panel import Panel
from platestream.boards.queries import Period, ask_clickhouse
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import DASHBOARD, OWNER, connect
from platestream.edges.edge import Edge
from platestream.flows import recognize_flow
from platestream.reading.factory import PlateReader
from platestream.reading.geometry import Box
from platestream.runtime.metrics import meters
from platestream.schemas import topics
from platestream.schemas.message import Message
from platestream.schemas.reading import PlateRead
from tests.support.memory_edge import MemoryTables, MemoryTopics

SHARE = 0.01  # of the detections that a panel may read
HITS, LOOKS, LETTERS = 500, 250, 1000  # detections to one hit, one inquiry, one dead letter
INSERTS, BLOCK = 20, 1000
VIEWS = ("detections_to_traffic", "detections_to_camera_hours")

_AT = "{start:DateTime64(3, 'UTC')} + toIntervalSecond(cityHash64(number, 9) % {seconds:UInt64}) AS at"
_FILLS = (
    (
        HITS,
        f"""
INSERT INTO platestream.hit_facts (hit_id, captured_at, camera_id, source, category, match, historical, characters, ingested_at)
SELECT toUUID(UUIDNumToString(toFixedString(reinterpretAsString(toUInt128(number + 1)), 16))),
    {_AT}, concat('cam-', toString(number % 200)), 'ncic', 'stolen_vehicle', 'exact', false, 7, at
FROM numbers({{count:UInt64}})""",
    ),
    (
        HITS,
        f"""
INSERT INTO platestream.hit_actions (action_id, hit_id, at, by, kind)
SELECT generateUUIDv4(), toUUID(UUIDNumToString(toFixedString(reinterpretAsString(toUInt128(number + 1)), 16))),
    {_AT}, 'bench', 'plate_and_state_confirmed'
FROM numbers({{count:UInt64}})""",
    ),
    (
        HITS,
        f"""
INSERT INTO platestream.deliveries (delivery_id, hit_id, receiver, priority, outcome, at, captured_at)
SELECT generateUUIDv4(), generateUUIDv4(), 'cad', 1, 'delivered', {_AT}, at
FROM numbers({{count:UInt64}})""",
    ),
    (
        LOOKS,
        f"""
INSERT INTO platestream.inquiry_log (entry, inquiry_id, at, who, account, agency, tool, kind, outcome, case_number)
SELECT generateUUIDv4(), generateUUIDv4(), {_AT}, concat('person ', toString(number % 300)), 'bench', 'sjpd', 'sql',
    'search', 'allowed', '26-001234' FROM numbers({{count:UInt64}})""",
    ),
    (
        LOOKS,
        f"""
INSERT INTO platestream.inquiry_seals (seal, entry, inquiry_id, at, previous, hash)
SELECT number + 1, generateUUIDv4(), generateUUIDv4(), {_AT}, '', '' FROM numbers({{count:UInt64}})""",
    ),
    (
        LETTERS,
        f"""
INSERT INTO platestream.dead_letters (topic, partition, offset, timestamp, reason, received_at)
SELECT 'frames', 0, number, {_AT}, 'corrupt', at FROM numbers({{count:UInt64}})""",
    ),
)
_INSERT = """
INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate, frames, agreeing)
SELECT generateUUIDv4(), now64(3), concat('cam-', toString(number % 20)), 'ABC1234', 1, 1 FROM numbers({count:UInt64})
"""


def run(rows: int, rounds: int) -> dict[str, Any]:
    """Figures of every panel that asks ClickHouse, in a database made for it; ms are the best of `rounds`.

    `over_budget` names panels that read more than a hundredth of the detections.
    """
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as folder:
        dsn = f"chdb://{folder}/platestream"
        owner, dashboard = connect(dsn, OWNER), connect(dsn, DASHBOARD)
        try:
            migrate.apply(owner)
            fill(owner, rows)
            _fill_the_rest(owner, rows, now)
            panels = {
                f"{board.title}: {panel.title}": _figure(
                    owner, dashboard, panel, Period.last(board.hours, now), rounds
                )
                for board in BOARDS
                for panel in board.panels
                if panel.sql
            }
            inserts = _inserts(owner)
        finally:
            dashboard.close()
            owner.close()
    over = [name for name, one in panels.items() if one["rows_read"] > rows * SHARE]
    return {"detections": rows, "panels": panels, "over_budget": over, "inserts": inserts}


def _fill_the_rest(owner: Client, rows: int, now: datetime) -> None:
    fields = {"start": now - timedelta(days=DAYS), "seconds": DAYS * 86400}
    for share, sql in _FILLS:
        owner.command(sql, parameters={**fields, "count": rows // share})


def _figure(owner: Client, client: Client, panel: Panel, period: Period, rounds: int) -> dict[str, Any]:
    ask: Callable[[], Any] = lambda: ask_clickhouse(client, panel, period)  # noqa: E731
    best, found = float("inf"), 0
    for _round in range(rounds):
        began = time.perf_counter()
        found = len(ask().rows)
        best = min(best, time.perf_counter() - began)
    return {"rows": found, "rows_read": rows_read(owner, ask), "ms": round(best * 1000, 1)}


def _inserts(owner: Client) -> dict[str, float]:
    """Ms of an insert of 1000 detections with the views that count for the boards, and without them."""
    taken = {"with_views_ms": _insert_ms(owner)}
    for view in VIEWS:
        owner.command(f"DROP VIEW platestream.{view}")
    taken["without_ms"] = _insert_ms(owner)
    return taken


def _insert_ms(owner: Client) -> float:
    times = []
    for _insert in range(INSERTS):
        began = time.perf_counter()
        owner.command(_INSERT, parameters={"count": BLOCK})
        times.append(time.perf_counter() - began)
    return round(statistics.median(times) * 1000, 1)


class _CheapReader:
    """Finds one plate and takes no time: what is left is the flow."""

    models = ("bench/1",)

    def read(
        self,
        image: Any,  # noqa: ARG002
        longest: int = 0,  # noqa: ARG002
        known: PlateRead | None = None,  # noqa: ARG002
    ) -> list[PlateRead]:
        return [PlateRead("ABC1234", 0.9, None, 0.0, (10, 40, 100, 50), (), (0.9,) * 7)]

    def locate(self, image: Any, longest: int) -> list[Box]:  # noqa: ARG002
        return []


def counting(frames: int, rounds: int, threads: int) -> dict[str, Any]:
    """The recognise flow with metrics and without, in turn in this process: CPU seconds, medians of `rounds`.

    `cost_share` is with a reader that takes no time; `of_a_real_frame` is the same time over what this
    project's reader takes for a frame.
    """
    messages = _messages(frames)
    taken: dict[str, list[float]] = {"on": [], "off": []}
    _play(messages)
    for round_ in range(rounds):
        for name in ("on", "off") if round_ % 2 else ("off", "on"):
            taken[name].append(_play(messages, on=name == "on"))
    on, off = (statistics.median(taken[name]) for name in ("on", "off"))
    real = _real_frame_s(threads)
    return {
        "frames": frames,
        "rounds": rounds,
        "on_frames_per_cpu_s": round(frames / on),
        "off_frames_per_cpu_s": round(frames / off),
        "cost_us_a_frame": round((on - off) / frames * 1e6, 1),
        "cost_share": round((on - off) / off, 4),
        "real_frame_ms": round(real * 1000, 1),
        "of_a_real_frame": round((on - off) / frames / real, 6),
    }


def _messages(count: int) -> list[Message]:
    done, jpeg = cv2.imencode(".jpg", np.full((120, 480, 3), 90, np.uint8))
    assert done
    start = datetime.now(UTC) - timedelta(seconds=count)
    return [_message(jpeg.tobytes(), start + timedelta(seconds=index), index) for index in range(count)]


def _message(jpeg: bytes, at: datetime, index: int) -> Message:
    camera = f"cam-{index % 8}"
    fields = {"camera-id": camera, "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Message(camera.encode(), jpeg, fields, at)


def _play(messages: list[Message], *, on: bool = True) -> float:
    streams = MemoryTopics()
    for message in messages:
        streams.append(topics.FRAMES, message)
    edge = Edge(streams, MemoryTables())
    if on:
        return _timed(edge)
    with meters.silent():
        return _timed(edge)


def _timed(edge: Edge) -> float:
    flow = recognize_flow.build(edge, _CheapReader())
    began = time.process_time()  # of this process alone: what else the machine does is not in it
    run_main(flow, epoch_interval=timedelta(seconds=1))
    return time.process_time() - began


def _real_frame_s(threads: int) -> float:
    reader = PlateReader(None, threads)
    drawn = [one for one in sample_frames(datetime.now(UTC) - SPAN) if one.kind != "corrupt file"][:12]
    pictures = [
        np.asarray(cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        for one in drawn
    ]
    reader.read(pictures[0])
    times = []
    for picture in pictures:
        began = time.perf_counter()
        reader.read(picture)
        times.append(time.perf_counter() - began)
    return statistics.median(times)
