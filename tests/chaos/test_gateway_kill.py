"""kill -9 of the gateway and of the flow behind it while cameras upload: each frame has its outcome once.

The acknowledged uploads are counted against what stands in the tables, from outside. A camera sends an upload
that was not acknowledged again until it is, as cameras do, so that a frame may have been taken in before.
"""

import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from platestream.edges.changelog import read_to_end
from platestream.edges.edge import Topics
from platestream.schemas.topics import DETECTIONS, FRAMES
from tests.conftest import skip_unless_ci
from tests.support.chaos import KILLS
from tests.support.flow_process import FlowProcess
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import wait_until
from tests.support.stored_topics import stored_topics
from tests.support.uploading import SHOTS, Camera, by_httpx

SEED = 14
pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(3600)]


@dataclass
class Street:
    """A gateway, a recognise flow, and two cameras that upload by HTTP: one is curl, one is httpx."""

    gateway: GatewayProcess
    flow: FlowProcess
    topics: Topics
    cameras: list[Camera]

    def by_curl(self, camera: str, at: str, picture: bytes) -> bool:
        file = self.gateway.folder / f"{camera}.jpg"
        file.write_bytes(picture)
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{response_code}", "--max-time", "20", "--digest"]
        command += ["-u", f"{camera}:s3cret:word", "-H", f"captured-at: {at}", "--data-binary", f"@{file}"]
        command += [f"http://127.0.0.1:{self.gateway.http}/"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout == "200"

    def start_flow(self) -> None:
        """A flow whose broker is away ends; a supervisor starts it again."""
        if not self.flow.running:
            self.flow.start()

    def detected(self) -> set[str]:
        found = read_to_end(self.topics, DETECTIONS)
        return {str(DETECTIONS.decode(message).detection_id) for message in found}

    def recount(self, kills: int) -> None:
        """All passes are there, each with its frames, and nothing else."""
        expected = {one for camera in self.cameras for one in camera.passes}
        frames = sum(len(camera.acknowledged) for camera in self.cameras)

        def there() -> bool:
            self.start_flow()
            health = self.gateway.health()
            return health is not None and health.waiting == 0 and self.detected() >= expected

        wait_until(there, 900, f"{len(expected)} vehicles detected")
        columns = "SELECT detection_id, frames FROM platestream.detections FINAL"
        for attempt in range(6):
            time.sleep(3 * 2**attempt)
            self.flow.kill()
            rows = self.flow.query(columns)
            if {row[0] for row in rows} >= expected:
                break
            self.flow.start()
        left = [one.headers["frame-id"] for one in read_to_end(self.topics, FRAMES)]
        again = sum(camera.sent_again for camera in self.cameras)
        print(
            f"{kills} kills: {frames} frames acknowledged, {again} uploads without an answer, "
            f"{len(left) - len(set(left))} of {len(left)} messages still on the topic are doubled; "
            f"{len(expected)} vehicles, {len(rows)} detections"
        )
        assert {row[0]: int(row[1]) for row in rows} == dict.fromkeys(expected, SHOTS)
        assert len(rows) == len(expected)
        assert self.flow.query("SELECT count() FROM platestream.dead_letters FINAL") == [["0"]]


def street(folder: Path) -> Street:
    if shutil.which("curl") is None:
        skip_unless_ci("curl is not there")
    names = ("a-gate", "b-yard")
    tables = [
        f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\nrate = 60.0\n'
        f"trust = 1e8\n{PLACE}"
        for name in names
    ]
    for name in names:
        account(folder, name)
    gateway = GatewayProcess(folder, "".join(tables))
    flow = FlowProcess("recognize", folder / "data", "", PLATESTREAM_KEYS=str(folder / "keys"))
    flow.prepare()
    made = Street(gateway, flow, stored_topics(folder / "data", folder / "keys"), [])
    # In the past, and never caught up with: a camera whose clock is trusted sends what it kept. Younger than
    # the seven days after which a broker drops a detection by its capture time.
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    sends: tuple[Callable[[str, str, bytes], bool], ...] = (made.by_curl, partial(by_httpx, gateway.http))
    made.cameras = [Camera(name, send, first) for name, send in zip(names, sends, strict=True)]
    gateway.start()
    gateway.listening(gateway.http)
    flow.start()
    return made


def uploading(made: Street, kill: Callable[[], None]) -> None:
    over = threading.Event()
    threads = [threading.Thread(target=camera.run, args=(over,), daemon=True) for camera in made.cameras]
    for one in threads:
        one.start()
    try:
        kill()
    finally:
        over.set()
        for one in threads:
            one.join(120)
    assert min(len(camera.acknowledged) for camera in made.cameras) > KILLS


def kill_at_random(made: Street, kills: int) -> Iterator[str]:
    chance = random.Random(SEED)
    for _round in range(kills):
        time.sleep(chance.uniform(0.2, 2))
        if chance.random() < 0.75 or not made.flow.running:
            made.gateway.kill()
            made.gateway.start()
            made.gateway.listening(made.gateway.http)
            yield "gateway"
        else:
            made.flow.kill()
            yield "flow"
        made.start_flow()


@pytest.fixture
def ended() -> Iterator[list[Street]]:
    started: list[Street] = []
    yield started
    for one in started:
        one.gateway.close()
        one.flow.end()


def test_of_kills_at_random_no_frame_is_lost_and_none_counts_twice(
    tmp_path: Path, ended: list[Street]
) -> None:
    made = street(tmp_path)
    ended.append(made)
    killed: list[str] = []
    uploading(made, lambda: killed.extend(kill_at_random(made, KILLS)))
    assert killed.count("gateway") > KILLS / 2
    made.recount(len(killed))
