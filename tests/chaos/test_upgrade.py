"""This release and the next one on one data folder, side by side, forth and back, while cameras upload.

tests/checker recounts from outside. The next release is made from this one (support/releases.py).
"""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.checker import gather
from tests.checker.street import Street, over, street, uploading
from tests.support.clock import NOW
from tests.support.kafka_broker import wait_until
from tests.support.receivers import http_receiver
from tests.support.releases import NEW, OLD, move, next_release
from tests.support.up import ROOT

PATIENCE = 600
"""Seconds: on a busy machine a process that is started anew takes a minute until it reads."""
FLOWS = ("match", "audit", "notify")
pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(3600)]


def lanes(made: Street) -> dict[int, int]:
    """How many detections each release has written."""
    rows = gather.rows(made.owner, "SELECT lane, count() AS count FROM platestream.detections GROUP BY lane")
    return {row["lane"]: row["count"] for row in rows}


def more(made: Street, count: int = 2) -> None:
    """Until so many more vehicles are in the tables."""

    def there() -> int:
        (row,) = gather.rows(made.owner, "SELECT count() AS count FROM platestream.detections")
        return int(row["count"])

    wanted = there() + count
    wait_until(lambda: there() >= wanted, PATIENCE, f"{count} more vehicles", every=0.5)


def listed(made: Street, reference: str) -> str:
    """A plate that comes in a while, put on the list by the release that `made` is at."""
    plate = f"KTA{1012 + max(one.vehicle for one in made.journal.sends() if one.camera == 'a-gate')}"
    more = ["--plate", plate, "--category", "stolen_vehicle", "--state", "AZ", "--reason", "Stolen"]
    more += ["--expires", f"{NOW + timedelta(days=20):%Y-%m-%d}", "--case", "26-001234", "--by", "Ofc. Vale"]
    more += ["--contact", "928-555-0101", "--instructions", "P/C for arrest"]
    ran = made.system.run("hotlist", "add", reference, *more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    made.listed = {**made.listed, plate: f"sjpd:{reference}"}
    return plate


def alerted(made: Street, plate: str) -> None:
    """Until this vehicle came, and there is a hit of it."""
    sql = f"SELECT count() AS count FROM platestream.alert_hits WHERE plate = '{plate}'"
    wait_until(lambda: gather.rows(made.owner, sql)[0]["count"] > 0, PATIENCE, f"a hit of {plate}", every=0.5)


def test_up_to_the_next_release_side_by_side_and_back_while_cameras_upload(tmp_path: Path) -> None:
    newer = next_release(tmp_path / "next")
    with http_receiver() as web:
        made = street(tmp_path / "run", web)
        system = made.system
        try:
            made.begin()
            threads, began = uploading(made), time.monotonic()
            more(made)
            readers = [name for name in system.pids() if name.startswith("recognize")]

            # Rolling: the tables first, then one process after the other, so that old ones read new messages.
            system.tree = newer
            system.clickhouse = made.owner
            ran = system.run("migrate")
            system.clickhouse = ""
            assert "9000_next" in ran.stdout, ran.stdout + ran.stderr
            move(system, newer, *readers)
            alerted(made, listed(made, "1"))
            assert set(lanes(made)) == {OLD, NEW}, "those of before have the column's default"
            move(system, newer, *FLOWS)
            more(made)

            # As an operator of one machine does it: down, and up with the other release; and back.
            assert system.run("down").returncode == 0
            system.up()
            plate = listed(made, "2")
            assert system.run("down").returncode == 0
            system.tree = ROOT
            system.up()  # on the newer tables, with a hot list of which the newer release wrote an entry
            alerted(made, plate)
            assert "9000_next" in system.run("doctor").stdout
            over(made, threads)
            made.recount(began)
        finally:
            system.run("down")
