"""Growth of one machine: more and more cameras whose frames were read already, until something falls behind.

A system of `platestream up` with 2,000 listed plates gets detections at a constant rate for each camera, in
steps. Its topics are files, or those of the broker that PLATESTREAM_KAFKA names. This process stands for the
recognize flow: it publishes each detection and, once a second, stores detections and encrypted pictures. Each
step says how late hits were, what each process took of the processor, and how long a person waited for pages.
"""

import os
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
from clickhouse_connect.driver.client import Client

from benchmarks.console import CSRF, PASSWORD, signed_in
from benchmarks.page_weight import ENTRIES
from benchmarks.running import Live, cpu_seconds, listens, live, plates, register, until, upload, uploads
from platestream.demo.street import free_port
from platestream.edges.clickhouse_client import connect
from platestream.edges.sealed_tables import sealed_images
from platestream.edges.writer import TableWriter, TopicWriter
from platestream.operations.up.supervisor import Supervisor
from platestream.schemas import tables, topics
from platestream.schemas.detection import Detection
from platestream.settings import Settings, job_account, open_edge, system_account

A_DAY = 5_000  # vehicles that pass a camera in a day; a tenth of them in the busiest hour
RATE = A_DAY / 10 / 3600
"""Detections a second of one camera in the busiest hour."""
STEPS = (10, 100, 1000, 2000, 4000, 8000, 16_000)
LISTED = 0.01
"""Share of vehicles on the hot list."""
CROP, PICTURE = 4_000, 39_000
"""Bytes of the pictures of a detection, as they come to be stored (docs/how-to/operator/scaling.md)."""
BEHIND_S = 5.0
"""A step is kept up with if its last hit is in the table so soon after its detection was published."""
KEPT = 0.95
"""And if so much of what was to be published and stored in its time was."""
_LATE = """
SELECT count(), quantilesExact(0.5, 0.99)(dateDiff('millisecond', captured_at, ingested_at) / 1000)
FROM platestream.alert_hits WHERE captured_at >= {since:DateTime64(3, 'UTC')}
"""


def run(steps: Sequence[int], seconds: float) -> dict[str, Any]:
    """Figures of each step, the last of which is the first that fell behind."""
    gateway, console = free_port(), free_port()
    with live(uploads(gateway), console) as system:
        system.up()
        until(lambda: listens(gateway) and listens(console))
        listed = plates(ENTRIES)
        register(system, ["FST1234", *listed])
        system.run("account", "set", system_account(), said=PASSWORD + "\n")
        owner = connect(job_account(system.data / "accounts", "migrate").read_text().strip(), explain=True)
        began = datetime.now(UTC)
        upload(gateway, "FST1234")
        until(lambda: _hits(owner, began)[0] > 0)
        edge = open_edge(Settings(data=system.data))
        (seen,) = [topics.DETECTIONS.decode(one) for one in edge.topics.read_to_end(topics.DETECTIONS)]
        made = _Traffic(seen, listed)
        topic = edge.topics.writer(topics.DETECTIONS)
        stored = (edge.tables.writer(tables.DETECTIONS), edge.tables.writer(sealed_images(edge.keys)))
        asker = _Asker(console)
        found = []
        for cameras in steps:
            system.rest()
            step = _step(system, owner, _Out(topic, stored), made, asker, cameras, seconds)
            found.append(step)
            if step["behind_s"] > BEHIND_S or step["detections"] < KEPT * cameras * RATE * seconds:
                break
    where = "Kafka" if Settings().kafka else "files"
    return {"detections_a_camera_s": round(RATE, 3), "cores": os.cpu_count(), "topics": where, "steps": found}


class _Traffic:
    """Detections of cameras in turn, with plates of their own, and some that are listed."""

    def __init__(self, seen: Detection, listed: Sequence[str]) -> None:
        self._seen, self._listed = seen, listed
        self._chance = random.Random(1)
        self._crop, self._picture = (self._chance.randbytes(size) for size in (CROP, PICTURE))
        self._number = self.listed = 0

    def make(self, cameras: int, count: int) -> list[Detection]:
        return [self._one(cameras) for _number in range(count)]

    def _one(self, cameras: int) -> Detection:
        self._number += 1
        now, listed = datetime.now(UTC), self._chance.random() < LISTED
        self.listed += listed
        other = f"B{self._chance.randrange(100_000, 999_999)}"
        return msgspec.structs.replace(
            self._seen,
            detection_id=UUID(int=self._chance.getrandbits(128)),
            camera_id=f"camera-{self._number % cameras}",
            captured_at=now,
            best_at=now,
            plate=self._chance.choice(self._listed) if listed else other,
            crop=self._crop,
            picture=self._picture,
        )


class _Out:
    """The output of the recognize flow: each batch on the topic at once, in the tables once a second."""

    def __init__(
        self, topic: TopicWriter[Detection], stored: Sequence[TableWriter[Detection]], every: float = 1
    ) -> None:
        self._topic, self._stored, self._every = topic, stored, every
        self._at, self._waiting = time.monotonic(), list[Detection]()

    def publish(self, detections: list[Detection]) -> None:
        self._topic.publish(detections)
        self._waiting += detections
        if time.monotonic() - self._at >= self._every:
            self.store()

    def store(self) -> None:
        self._at = time.monotonic()
        for table in self._stored:
            table.insert(self._waiting)
        self._waiting = []


def _step(
    system: Live,
    owner: Client,
    out: _Out,
    made: _Traffic,
    asker: "_Asker",
    cameras: int,
    seconds: float,
) -> dict[str, Any]:
    began_at, began = datetime.now(UTC), time.monotonic()
    before, published, made.listed = _cpu(system), 0, 0
    with asker.asking() as answers:
        while (now := time.monotonic() - began) < seconds:
            due = int(min(now + 0.2, seconds) * cameras * RATE) - published
            out.publish(made.make(cameras, due))
            published += due
            time.sleep(max(0.0, 0.2 - (time.monotonic() - began - now)))
        out.store()
        wrote = time.monotonic() - began
    after = _cpu(system)
    ended = time.monotonic()
    until(lambda: _hits(owner, began_at)[0] >= made.listed, 600)
    behind = time.monotonic() - ended
    hits, late = _hits(owner, began_at)
    return {
        "cameras": cameras,
        "detections": published,
        "asked_s": round(cameras * RATE, 1),
        "detections_s": round(published / wrote, 1),
        "behind_s": round(behind, 1),
        "hits": hits,
        "to_hit_s": late,
        "cores": {name: round((after[name] - before.get(name, 0)) / wrote, 3) for name in sorted(after)},
        "pages_ms": {name: round(1000 * sorted(took)[len(took) // 2]) for name, took in answers.items()},
    }


def _hits(owner: Client, since: datetime) -> tuple[int, list[float]]:
    """Hits of a step, and the seconds from capture to the table: half and 99 of 100 of them."""
    ((count, late),) = owner.query(_LATE, parameters={"since": since}).result_rows
    return int(count), [round(one, 2) for one in late]


def _cpu(system: Live) -> dict[str, float]:
    """Processor seconds so far by process; those of the same kind together."""
    supervisor = Supervisor(system.data)
    taken = {"supervisor": cpu_seconds(supervisor.pid), "stands for recognize": time.process_time()}
    for one in supervisor.states():
        if one.pid:
            name = one.name.split("-")[0]
            taken[name] = taken.get(name, 0.0) + cpu_seconds(one.pid)
    return taken


class _Asker:
    """A person who looks at the hits and searches, one after the other."""

    def __init__(self, console: int) -> None:
        self._base = f"http://localhost:{console}"
        self._session = signed_in(console, system_account())
        page = httpx.get(f"{self._base}/search", headers=self._session).text
        self._csrf = page.partition(CSRF)[2].partition('"')[0]

    @contextmanager
    def asking(self) -> Iterator[dict[str, list[float]]]:
        """Seconds of each page by name, while the block runs."""
        took: dict[str, list[float]] = {}
        ended = threading.Event()
        thread = threading.Thread(target=self._ask, args=(took, ended), daemon=True)
        thread.start()
        yield took
        ended.set()
        thread.join()

    def _ask(self, took: dict[str, list[float]], ended: threading.Event) -> None:
        case = {"csrf": self._csrf, "case_number": "26-001234"}
        with httpx.Client(headers=self._session, timeout=120) as browser:
            while not ended.wait(2):
                for name, path, form in (
                    ("hits", "/hits", case),
                    ("search", "/search", {**case, "way": "search", "plate": "FST1234"}),
                ):
                    began = time.monotonic()
                    browser.post(self._base + path, data=form).raise_for_status()
                    took.setdefault(name, []).append(time.monotonic() - began)
