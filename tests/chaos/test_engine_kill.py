"""kill -9 of the engine while clients insert: what it acknowledged is there, and it is soon back."""

import random
import threading
import time
from functools import partial

import httpx
import pytest
from clickhouse_connect.driver.exceptions import Error

from tests.support.chaos import KILLS
from tests.support.engine import Engine, own_engine
from tests.support.kafka_broker import wait_until

__all__ = ["own_engine"]

WRITERS = 3
SEED = 81

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600 + 40 * KILLS)]


def is_long(acknowledged: list[int], enough: int) -> bool:
    return len(acknowledged) >= enough


def test_nothing_acknowledged_is_lost_by_kill_9(own_engine: Engine) -> None:
    chance = random.Random(SEED)
    own_engine.start()
    own_engine.ask("CREATE DATABASE platestream")
    own_engine.ask(
        "CREATE TABLE platestream.kept (n UInt64) ENGINE = MergeTree ORDER BY n"
        " SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"
    )
    acknowledged: list[int] = []
    done = threading.Event()

    def write(first: int) -> None:
        n = first
        while not done.is_set():
            try:
                client = own_engine.client("owner")
                while not done.is_set():
                    client.insert("platestream.kept", [[n + k] for k in range(10)], column_names=["n"])
                    acknowledged.extend(range(n, n + 10))
                    n += 10 * WRITERS
            except (Error, OSError, RuntimeError, httpx.HTTPError):
                n += 10 * WRITERS  # may be there or not: nobody said so
                time.sleep(0.05)

    writers = [threading.Thread(target=write, args=(10 * k,)) for k in range(WRITERS)]
    for writer in writers:
        writer.start()
    restarts = []
    for _ in range(KILLS):
        enough = len(acknowledged) + 100
        wait_until(partial(is_long, acknowledged, enough), 60, "100 rows acknowledged")
        time.sleep(chance.uniform(0.0, 1.2))
        own_engine.kill()
        restarts.append(own_engine.start())
    time.sleep(0.5)
    done.set()
    for writer in writers:
        writer.join()
    there = {row[0] for row in own_engine.rows("SELECT n FROM platestream.kept")}
    assert len(acknowledged) >= 100 * KILLS
    assert set(acknowledged) <= there
    assert own_engine.rows("SELECT count() - uniqExact(n) FROM platestream.kept") == [[0]]
    assert {row[1] for row in own_engine.rows("CHECK TABLE platestream.kept")} == {1}
    print(f"{len(acknowledged)} rows acknowledged, restarts {min(restarts):.1f} to {max(restarts):.1f} s")
