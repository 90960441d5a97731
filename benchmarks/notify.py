"""From a detection on the broker to a webhook and a mail, both flows being processes of their own; and how
fast matching goes on while every receiver is dead.

A busy day is taken as 3,600 hits, a tenth of them in its busiest hour; `rate` 1 a second is ten times that
hour.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
from bytewax.outputs import DynamicSink

from benchmarks import match_data as drawn
from benchmarks.flow_process import FlowProcess
from benchmarks.receivers import Heard, receivers
from platestream.edges.changelog import publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.alert_hit import hit_id
from platestream.schemas.detection import Detection, detection_id
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import RefusedError
from platestream.settings import Settings

ENTRIES = 10_000
PICTURE = random.Random(drawn.SEED).randbytes(20_000)
RULES = """
shows = "plate"
patience = "1 hour"
[mail]
server = "127.0.0.1:{mail}"
security = "none"
sender = "alpr@example.gov"
domain = "alpr.example.gov"
[[receivers]]
name = "webhook"
webhook = "http://127.0.0.1:{web}/"
secret_file = "{secret}"
[[receivers]]
name = "mail"
mail = "desk@example.gov"
[[routes]]
to = ["webhook", "mail"]
"""
Progress = Callable[[str], None]


def run(settings: Settings, rate: float, hits: int, reads: int, rounds: int, say: Progress) -> dict[str, Any]:
    """Latencies in milliseconds; throughput of matching in reads a second, medians of `rounds` taken in turn;
    `dead_over_alive` is the median of the rounds' own ratios.

    The broker that the settings name must have no topics of Platestream, or empty ones.
    """
    if not settings.kafka:
        raise RefusedError("bench", "PLATESTREAM_KAFKA names no broker; this needs one of its own")
    config = {"bootstrap.servers": settings.kafka, **settings.kafka_properties()}
    create(config, topics.TOPICS)
    streams = KafkaTopics(settings.kafka, settings.kafka_properties())
    if any(True for topic in (topics.DETECTIONS, topics.HOTLIST) for _one in read_to_end(streams, topic)):
        raise RefusedError("bench", "this broker has detections or a hot list: take one of its own")
    plates = list(drawn.plates(ENTRIES, random.Random(drawn.SEED)))
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as scratch, receivers() as heard:
        say("hot list")
        publish(streams, topics.HOTLIST, [_entry(number, plate) for number, plate in enumerate(plates)])
        folder = Path(scratch)
        rules = folder / "notify.toml"
        (folder / "secret").write_text("whsec_" + "A" * 44)
        rules.write_text(RULES.format(mail=heard.mail_port, web=heard.web_port, secret=folder / "secret"))
        match = FlowProcess("match", folder / "match", settings)
        notify = FlowProcess("notify", folder / "notify", settings, PLATESTREAM_NOTIFY_FILE=str(rules))
        try:
            notify.start()
            match.start()
            say(f"{hits} hits, {rate:g} a second")
            latencies = _latencies(streams, plates, heard, rate, hits)
            bare = _bare(streams, heard, min(hits, 100), rate)
            throughput = _throughput(streams, plates, heard, match, reads, rounds, say)
        finally:
            match.stop()
            notify.stop()
    return {
        "rate_per_s": rate,
        "hits": hits,
        **latencies,
        **bare,
        "load": round(os.getloadavg()[0], 1),
        **throughput,
    }


def _latencies(
    streams: KafkaTopics, plates: list[str], heard: "Heard", rate: float, hits: int
) -> dict[str, Any]:
    writer = cast(DynamicSink[Detection], streams.write(topics.DETECTIONS)).build("bench", 0, 1)
    number = 0

    def detect() -> str:
        nonlocal number
        read = _read(number, plates[number % ENTRIES], datetime.now(UTC))
        writer.write_batch([read])
        number += 1
        return _hit(read, (number - 1) % ENTRIES)

    _warm(detect, heard)
    acknowledged: dict[str, float] = {}
    for _hit_number in range(hits):
        acknowledged[detect()] = time.time()
        time.sleep(1 / rate)
    _wait(lambda: acknowledged.keys() <= heard.web.keys() and acknowledged.keys() <= heard.mail.keys(), 120)
    figures: dict[str, Any] = {}
    for name, came in (("webhook", heard.web), ("mail", heard.mail)):
        taken = sorted(1000 * (came[hit] - at) for hit, at in acknowledged.items())
        figures |= {
            f"{name}_p50_ms": round(statistics.median(taken), 1),
            f"{name}_p99_ms": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 1),
            f"{name}_worst_ms": round(taken[-1], 1),
        }
    return figures


def _warm(detect: Callable[[], str], heard: "Heard") -> None:
    """Both flows have loaded what they load, and have opened their databases with their first rows: ten hits
    in a row come within a second each.
    """
    prompt, end = 0, time.monotonic() + 300
    while prompt < 10:
        began, hit = time.monotonic(), detect()
        _wait(partial(_came, heard, hit), 300)
        prompt = prompt + 1 if time.monotonic() - began < 1 else 0
        time.sleep(0.5)
        if time.monotonic() > end:
            raise RuntimeError("no ten hits in a row came within a second each, in 300 s")


def _came(heard: "Heard", hit: str) -> bool:
    return hit in heard.web and hit in heard.mail


def _bare(streams: KafkaTopics, heard: "Heard", hits: int, rate: float) -> dict[str, Any]:
    """The same without flows: read from the broker and posted at once, in this process: the least it is."""
    writer = cast(DynamicSink[Detection], streams.write(topics.DETECTIONS)).build("bench", 0, 1)
    source: Any = streams.read(topics.DETECTIONS)
    parts = [source.build_part("bench", name, None) for name in source.list_parts()]
    for part in parts:
        while part.next_batch():
            """What was there before."""
    taken = []
    with httpx.Client() as client:
        for number in range(hits):
            read = _read(500_000 + number, "NOTLISTED", datetime.now(UTC))
            writer.write_batch([read])
            began = time.time()
            while not any(part.next_batch() for part in parts):
                time.sleep(0.001)
            client.post(f"http://127.0.0.1:{heard.web_port}/", json={"hit_id": str(number)})
            taken.append(1000 * (time.time() - began))
            time.sleep(1 / rate / 4)
    for part in parts:
        part.close()
    taken.sort()
    return {
        "bare_p50_ms": round(statistics.median(taken), 1),
        "bare_p99_ms": round(taken[min(len(taken) - 1, int(len(taken) * 0.99))], 1),
    }


def _throughput(
    streams: KafkaTopics,
    plates: list[str],
    heard: "Heard",
    match: "FlowProcess",
    reads: int,
    rounds: int,
    say: Progress,
) -> dict[str, Any]:
    """One read in a hundred is listed. Each round: reads are on the broker, then matching starts; from its
    first hit to its last. Receivers are alive and dead in turn, the notify flow runs all the time.
    """
    rates: dict[str, list[float]] = {"alive": [], "dead": []}
    first = 1_000_000
    for round_ in range(rounds):
        for name in ("alive", "dead") if round_ % 2 == 0 else ("dead", "alive"):
            say(f"round {round_ + 1}: receivers {name}")
            heard.dead = name == "dead"
            match.stop()
            before = sum(1 for _one in read_to_end(streams, topics.ALERT_HITS))
            batch = [
                _read(
                    first + number,
                    plates[number % ENTRIES] if number % 100 == 0 else f"NN{number:05}",
                    datetime.now(UTC) - timedelta(seconds=60) + timedelta(milliseconds=number),
                )
                for number in range(reads)
            ]
            first += reads
            publish(streams, topics.DETECTIONS, batch)
            match.start()
            rates[name].append(reads / _drain(streams, before, reads // 100))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    return {
        "reads": reads,
        "rounds": rounds,
        "reads_per_s_alive": round(middle["alive"]),
        "reads_per_s_dead": round(middle["dead"]),
        "dead_over_alive": round(
            statistics.median(
                dead / alive for dead, alive in zip(rates["dead"], rates["alive"], strict=True)
            ),
            3,
        ),
        "each_alive": [round(one) for one in rates["alive"]],
        "each_dead": [round(one) for one in rates["dead"]],
    }


def _drain(streams: KafkaTopics, before: int, hits: int) -> float:
    """Seconds from the first new alert hit to the last of so many."""
    began = 0.0
    source: Any = streams.read(topics.ALERT_HITS)
    parts = [source.build_part("bench", name, None) for name in source.list_parts()]
    seen, end = 0, time.monotonic() + 300
    try:
        while seen < before + hits:
            found = sum(len(part.next_batch()) for part in parts)
            seen += found
            if seen > before and not began:
                began = time.monotonic()
            if time.monotonic() > end:
                raise RuntimeError(f"{seen - before} of {hits} hits in 300 s")
            if not found:
                time.sleep(0.002)
    finally:
        for part in parts:
            part.close()
    return time.monotonic() - began


def _entry(number: int, plate: str) -> HotListChange:
    entry = msgspec.structs.replace(
        drawn.entry(number, plate),
        again_after_s=0,
        look_alikes=0,
        listed_at=None,
        expires_at=datetime.now(UTC) + timedelta(days=2),
    )
    return HotListChange(entry.entry_id, entry)


def _read(number: int, plate: str, at: datetime) -> Detection:
    camera = f"camera-{number % 8}"
    return msgspec.structs.replace(
        drawn.read(number, plate, ()),
        detection_id=detection_id(camera, at, number % 1000),
        camera_id=camera,
        captured_at=at,
        best_at=at,
        picture=PICTURE,
    )


def _hit(read: Detection, number: int) -> str:
    return str(hit_id(read.detection_id, drawn.entry(number, "A").entry_id))


def _wait(until: Callable[[], bool], within: float) -> None:
    end = time.monotonic() + within
    while not until():
        if time.monotonic() > end:
            raise RuntimeError(f"nothing more came in {within:.0f} s")
        time.sleep(0.05)
