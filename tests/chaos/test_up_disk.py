"""The disk of `platestream up` is full for a while: nothing that was acknowledged is lost."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from platestream.operations.up.plan import Program
from platestream.operations.up.supervisor import Supervisor
from tests.checker.street import over, street, uploading
from tests.support.chaos import OUTAGE_SECONDS
from tests.support.kafka_broker import wait_until
from tests.support.receivers import http_receiver
from tests.support.small_disk import fill, small_disk

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(1800)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a system on a small disk of its own, in memory."""
    with small_disk(tmp_path / "data", "300m") as folder:
        yield folder


def test_processes_are_kept_running_while_the_disk_is_full(disk: Path) -> None:
    """Whoever watches them writes nothing that must go in."""
    supervisor = Supervisor(disk)
    ends = (sys.executable, "-c", "")
    ending = [Program(f"one-{number}", "ends", ends, first=True) for number in range(40)]
    supervisor.start(ending)
    try:
        fill(disk)
        time.sleep(OUTAGE_SECONDS)
        assert len(supervisor.states()) == len(ending)
    finally:
        supervisor.stop()


def test_what_was_acknowledged_is_there_after_the_disk_was_full(disk: Path, tmp_path: Path) -> None:
    with http_receiver() as web:
        made = street(tmp_path, web)
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            wait_until(lambda: len(made.journal.sends()) > 20, 60, "frames")
            filler = fill(disk)
            time.sleep(OUTAGE_SECONDS)
            assert sum(one.unanswered for one in made.cameras) > 0
            filler.unlink()
            over(made, threads)
            made.recount(began)
        finally:
            made.system.run("down")
