"""kill -9 of any process of `platestream up` while cameras upload: each frame has its outcome once.

Acknowledged uploads are counted against topics, tables, hits and seals, from outside.
"""

import os
import random
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from connectors.clickhouse_client import DatabaseError, connect
from tests.support.chaos import KILLS
from tests.support.gateway import PLACE, account
from tests.support.kafka_broker import free_port, wait_until
from tests.support.up import System
from tests.support.uploading import SHOTS, Camera, by_httpx

SEED = 41
DETECTED = "SELECT toString(detection_id), frames FROM platestream.detections FINAL"
NAMES = ("a-gate", "b-yard", "c-exit")

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]


def street(folder: Path) -> tuple[System, list[Camera]]:
    """A system that runs, and three cameras that upload to it."""
    port = free_port()
    tables = [
        f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\nrate = 60.0\n'
        f"trust = 1e8\n{PLACE}"
        for name in NAMES
    ]
    for name in NAMES:
        account(folder, name)
    system = System.of(folder, cameras=f'[http]\nlisten = "127.0.0.1:{port}"\n{"".join(tables)}')

    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=5)
    return system, [Camera(name, partial(by_httpx, port), first, wait=0.4) for name in NAMES]


def kill_at_random(system: System, kills: int) -> dict[str, int]:
    """How often each process was killed; what is being restarted is left out."""
    chance, killed = random.Random(SEED), dict[str, int]()
    while sum(killed.values()) < kills:
        time.sleep(chance.uniform(2, 10))
        running = {one.name: one.pid for one in system.supervisor.states() if one.state == "running"}
        if not running:
            continue
        name = chance.choice(sorted(running))
        os.kill(running[name], signal.SIGKILL)
        killed[name] = killed.get(name, 0) + 1
    return killed


def test_of_kills_of_any_process_no_frame_is_lost_and_none_counts_twice(tmp_path: Path) -> None:
    system, cameras = street(tmp_path)
    system.up()
    try:
        over = threading.Event()
        threads = [threading.Thread(target=camera.run, args=(over,), daemon=True) for camera in cameras]
        for one in threads:
            one.start()
        began = time.monotonic()
        killed = kill_at_random(system, KILLS)
        over.set()
        for one in threads:
            one.join(120)
        recount(system, cameras, killed, time.monotonic() - began)
    finally:
        system.run("down")


def recount(system: System, cameras: list[Camera], killed: dict[str, int], seconds: float) -> None:
    """All vehicles are in the table, each once with its frames, and nothing else; the log is whole."""
    expected = {one for camera in cameras for one in camera.passes}
    frames = sum(len(camera.acknowledged) for camera in cameras)
    owner = (system.data / "accounts" / "clickhouse_migrate").read_text().strip()

    def there() -> bool:
        try:
            return rows().keys() >= expected
        except DatabaseError:  # the database was the last that was killed
            return False

    def rows() -> dict[str, int]:
        client = connect(owner)
        try:
            found = client.query(
                "SELECT toString(detection_id), frames FROM platestream.detections FINAL"
            ).result_rows
        finally:
            client.close()
        assert len({row[0] for row in found}) == len(found)
        return {row[0]: row[1] for row in found}

    wait_until(there, 900, f"{len(expected)} vehicles detected")
    again = sum(camera.sent_again for camera in cameras)
    found = rows()
    print(
        f"{sum(killed.values())} kills in {seconds / 60:.1f} min ({killed}): {frames} frames acknowledged, "
        f"{again} uploads without an answer; {len(expected)} vehicles, {len(found)} detections"
    )
    assert found == dict.fromkeys(expected, SHOTS)
    client = connect(owner)
    assert client.query("SELECT count() FROM platestream.dead_letters FINAL").result_rows == [(0,)]
    client.close()
    wrong = [line for line in system.status()["wrong"] if "no frame for" not in line]
    assert wrong == []
