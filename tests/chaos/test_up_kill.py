"""kill -9 of any process of `platestream up`, and of its broker: a run with uploads, recounted from outside.

tests/checker writes down each send and reads topics, tables, the receiver's notices and the console's page by
its own means. What it finds is a fault; its figures are printed (`-rP` shows them).
"""

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.checker.check import figures
from tests.checker.street import over, street, uploading
from tests.support.chaos import KILLS, OUTAGE_SECONDS
from tests.support.kafka_broker import KafkaBroker, wait_until
from tests.support.receivers import http_receiver

SEED = 41
OF_MANY = max(KILLS, 3)
"""A system has many processes."""
pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(7200)]


def test_of_kills_of_any_process_no_frame_is_lost_and_none_counts_twice(tmp_path: Path) -> None:
    with http_receiver() as web:
        made, chance = street(tmp_path, web), random.Random(SEED)
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            while sum(made.killed.values()) < OF_MANY:
                time.sleep(chance.uniform(2, 10))
                made.kill(chance)
            over(made, threads)
            made.recount(began)
            assert made.plant() == {"invented", "hit without notice", "lost", "seals do not chain"}
        finally:
            made.system.run("down")


@pytest.mark.kafka
def test_of_a_broker_that_is_killed_and_away_likewise(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    with http_receiver() as web:
        made, chance = street(tmp_path, web, own_kafka.bootstrap), random.Random(SEED)
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            wait_until(lambda: len(made.journal.sends()) > 10, 60, "frames")
            own_kafka.kill()
            away = time.monotonic() + OUTAGE_SECONDS
            while time.monotonic() < away:
                time.sleep(chance.uniform(1, 4))
                made.kill(chance)
            own_kafka.start()
            while sum(made.killed.values()) < OF_MANY:
                time.sleep(chance.uniform(2, 10))
                made.kill(chance)
            over(made, threads)
            made.recount(began)
            # Recovery stores are lost: everything that is on the topics is read once more.
            made.system.run("down")
            shutil.rmtree(made.system.data / "recovery")
            made.system.up()
            wait_until(lambda: figures(made.found())["detections_again"] > 0, 300, "a replay")
            made.recount(began)
        finally:
            made.system.run("down")
