"""A vehicle passes through `platestream up` on disks whose raw bytes are read, deleted files included.

The tables, which have plates for SQL, are elsewhere.
"""

from contextlib import closing
from pathlib import Path

import pytest

from platestream.edges.clickhouse_client import OWNER, connect
from platestream.keys.envelope import MAGIC
from platestream.schemas.topics import DETECTIONS
from platestream.settings import ACCOUNTS, job_account
from tests.support.flows import plate_picture
from tests.support.kafka_broker import wait_until
from tests.support.raw_disk import raw_disk
from tests.support.up import System

pytestmark = pytest.mark.nightly

PLATE = "KBD4821"


def stored(system: System) -> int:
    owner = job_account(system.data / ACCOUNTS, "migrate").read_text().strip()
    with closing(connect(owner, OWNER)) as client:
        asked = f"SELECT count() FROM platestream.detections FINAL WHERE plate = '{PLATE}'"
        return int(client.query(asked).result_rows[0][0])


def test_topics_spool_state_logs_and_temporary_files_have_no_plate_and_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System.of(tmp_path / "up")
    picture = plate_picture(PLATE)
    middle = picture[len(picture) // 2 :][:48]
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    with raw_disk(system.data) as on_data, raw_disk(tmp_path / "scratch") as on_scratch:
        (tmp_path / "tables").mkdir()
        (system.data / "clickhouse").symlink_to(tmp_path / "tables")
        system.up()
        try:
            system.photograph(PLATE, "one")
            wait_until(lambda: PLATE in system.newest(DETECTIONS), 180, "a detection")
            wait_until(lambda: stored(system) == 1, 120, "its row", every=1)
        finally:
            system.run("down")
        for file in (system.data / "control", tmp_path / "scratch" / "control"):
            file.write_bytes(b"CONTROL1")
        for count in (on_data, on_scratch):
            assert count(PLATE.encode()) == 0
            assert count(middle) == 0
            assert count(b"CONTROL1") > 0, "it would be found"
        assert on_data(MAGIC) > 0, "encrypted messages are there"
