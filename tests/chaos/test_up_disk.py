"""The disk of `platestream up` is full for a while: nothing that was acknowledged is lost."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.checker.street import over, street, uploading
from tests.conftest import skip_unless_ci
from tests.support.chaos import OUTAGE_SECONDS
from tests.support.kafka_broker import wait_until
from tests.support.receivers import http_receiver

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a system on a small disk of its own, in memory."""
    folder = tmp_path / "data"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=0700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        skip_unless_ci("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_what_was_acknowledged_is_there_after_the_disk_was_full(disk: Path, tmp_path: Path) -> None:
    with http_receiver() as web:
        made = street(tmp_path, web)
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            wait_until(lambda: len(made.journal.sends()) > 20, 60, "frames")
            filler = disk / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(bytes(65536)):
                    pass
            time.sleep(OUTAGE_SECONDS)
            assert sum(one.unanswered for one in made.cameras) > 0
            filler.unlink()
            over(made, threads)
            made.recount(began)
        finally:
            made.system.run("down")
