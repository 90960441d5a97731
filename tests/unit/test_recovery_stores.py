"""Recovery stores: made whole, rebuilt, held by one process; in containers and out by the same module."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from services.retention import recovery_stores

ROOT = Path(__file__).parents[2]


def with_recovery(folder: Path, *command: str, days: str = "7") -> str:
    """Runs deploy/with-recovery with `folder` as /recovery and this Python as `python`."""
    script = (ROOT / "deploy" / "with-recovery").read_text().replace("/recovery", str(folder))
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ran = subprocess.run(
        ["/bin/sh", "-c", script, "with-recovery", "3", *command],
        env={"PATH": path, recovery_stores.DAYS: days},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout


def test_a_recovery_store_is_made_once_and_kept(tmp_path: Path) -> None:
    assert with_recovery(tmp_path, "echo", "started") == "started\n"
    stores = sorted((tmp_path / "store").glob("part-*.sqlite3"))
    assert len(stores) == 3
    before = [store.stat().st_ino for store in stores]
    assert with_recovery(tmp_path, "echo", "again") == "again\n"
    assert [store.stat().st_ino for store in stores] == before


def test_what_a_flow_has_forgotten_leaves_its_store_at_the_next_start(tmp_path: Path) -> None:
    with_recovery(tmp_path, "true")
    store = tmp_path / "store" / "part-0.sqlite3"
    with closing(sqlite3.connect(store)) as made:
        made.execute("PRAGMA secure_delete = OFF")
        made.execute("CREATE TABLE remembered (state BLOB)")
        made.execute("INSERT INTO remembered VALUES (?)", [b"CANARY7" * 3000])
        made.commit()
        made.execute("DROP TABLE remembered")
        made.commit()
    assert b"CANARY7" in store.read_bytes()
    with_recovery(tmp_path, "true")
    assert b"CANARY7" not in store.read_bytes()


def test_a_flow_is_started_anew_when_its_store_is_due(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as ended:
        with_recovery(tmp_path, "sleep", "30", days="0.00002")
    assert ended.value.returncode == -signal.SIGALRM, "the container's restart policy brings it back"


def test_a_store_that_a_flow_works_with_is_refused_to_a_second_one(tmp_path: Path) -> None:
    with_recovery(tmp_path, "true")
    held = recovery_stores.hold(tmp_path / "store")
    with held, pytest.raises(subprocess.CalledProcessError) as refused:
        with_recovery(tmp_path, "true")
    assert "in use by another process" in refused.value.stderr


def test_a_store_whose_making_was_interrupted_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / "store.making"
    half.mkdir()
    (half / "part-0.sqlite3").write_bytes(b"")
    with_recovery(tmp_path, "true")
    assert len(list((tmp_path / "store").glob("part-*.sqlite3"))) == 3
    assert not half.exists()
