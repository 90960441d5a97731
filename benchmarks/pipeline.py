"""The whole recognise flow beside a bare loop of PaddleOCR `predict` over the same frames, in one run."""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from bytewax.testing import run_main

from benchmarks.baseline import Pixels, PlainReader, plain_ocr
from models.samples.frames import SPAN, sample_frames
from platestream.clickhouse import migrate
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.edges.sealed_topics import SealedTopics
from platestream.flows import recognize_flow
from platestream.keys.key_folder import UNSEALED, KeyFolder, Sealer
from platestream.reading.factory import PlateReader, Reader
from platestream.reading.media import frame_message
from platestream.schemas import topics
from platestream.schemas.message import Message
from platestream.settings import embedded_dsn


def run(rounds: int, threads: int) -> dict[str, Any]:
    """Milliseconds a frame, medians of `rounds`, taken in turn so that a busy machine slows all alike.

    `bare`: decode and PaddleOCR `predict`. `flow_on_bare`: the recognise flow on the embedded edge, from the
    topic to detections in topic and tables, with a reader that calls that same `predict`: over `bare` it is
    what the flow costs. `reader`: decode and this project's reader. `flow`: the flow with it, as it is run.
    """
    drawn = sample_frames(datetime.now(UTC) - SPAN)
    frames = [frame for frame in drawn if frame.kind != "corrupt file"]
    messages = [frame_message(frame.jpeg, frame.headers()) for frame in frames]
    reader = PlateReader(None, threads)
    with plain_ocr() as predict, tempfile.TemporaryDirectory(prefix="platestream-bench-") as scratch:
        tables = _tables(Path(scratch))
        jobs: dict[str, Callable[[int], None]] = {
            "bare": lambda _round: _loop(messages, predict),
            "flow_on_bare": lambda round_: _flow(
                messages, PlainReader(predict), tables, Path(scratch) / f"bare-{round_}"
            ),
            "reader": lambda _round: _loop(messages, reader.read),
            "plain_flow": lambda round_: _flow(messages, reader, tables, Path(scratch) / f"plain-{round_}"),
            "flow": lambda round_: _flow(
                messages, reader, tables, Path(scratch) / str(round_), KeyFolder(Path(scratch) / "keys")
            ),
        }
        taken: dict[str, list[float]] = {name: [] for name in jobs}
        for job in jobs.values():
            job(rounds)  # warm: models and database load what they load once
        for round_ in range(rounds):
            for name, job in jobs.items():
                began = time.perf_counter()
                job(round_)
                taken[name].append((time.perf_counter() - began) * 1000 / len(messages))
        tables.close()
    middle = {name: statistics.median(times) for name, times in taken.items()}
    return {
        "frames": len(messages),
        "rounds": rounds,
        "threads": threads,
        **{f"{name}_ms_a_frame": round(value, 1) for name, value in middle.items()},
        "flow_frames_per_s": round(1000 / middle["flow"], 2),
        "flow_on_bare_over_bare": round(middle["flow_on_bare"] / middle["bare"], 3),
        "flow_over_bare": round(middle["flow"] / middle["bare"], 3),
        "flow_over_reader": round(middle["flow"] / middle["reader"], 3),
        "flow_over_plain_flow": round(middle["flow"] / middle["plain_flow"], 3),
    }


def _loop(messages: list[Message], read: Callable[[Pixels], Any]) -> None:
    for message in messages:
        pixels = cv2.imdecode(np.frombuffer(message.value or b"", np.uint8), cv2.IMREAD_COLOR)
        read(np.asarray(pixels, np.uint8))


def _flow(
    messages: list[Message], reader: Reader, tables: ClickHouseTables, folder: Path, keys: Sealer = UNSEALED
) -> None:
    """Run the flow once; the time includes writing the frames, and with `keys` their encryption."""
    streams = SealedTopics(FileTopics(folder, follow=False), keys)
    streams.append(topics.FRAMES, messages)
    run_main(recognize_flow.build(Edge(streams, tables, keys), reader), epoch_interval=timedelta(seconds=1))
    if not any(True for _message in streams.read_to_end(topics.DETECTIONS)):
        raise RuntimeError("the flow detected nothing: there is nothing to measure")


def _tables(scratch: Path) -> ClickHouseTables:
    dsn = embedded_dsn(scratch)
    migrate.apply(connect(dsn, OWNER, explain=True))
    return ClickHouseTables(dsn, follow=False)
