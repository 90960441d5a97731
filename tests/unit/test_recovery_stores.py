"""Recovery stores: made whole, rebuilt, held by one process; in containers and out by the same module."""

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platestream.retention import recovery_stores

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


def begun(store: Path, run: int) -> None:
    """A run of one process that committed its first epoch, and was killed amid its second."""
    with closing(sqlite3.connect(store / "part-0.sqlite3")) as part, part:
        part.execute("INSERT INTO exs (ex_num, worker_count, resume_epoch) VALUES (?, 1, ?)", [run, run])
        part.execute(
            "INSERT INTO fronts (ex_num, worker_index, worker_frontier) VALUES (?, 0, ?)", [run, run + 1]
        )
        for epoch in (run, run + 1):
            part.execute(
                "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES ('s', 'k', ?, x'00')",
                [epoch],
            )


def test_what_a_killed_flow_did_not_commit_is_taken_back_at_the_next_start(tmp_path: Path) -> None:
    store, now = tmp_path / "store", datetime.now(UTC)
    assert recovery_stores.prepare(store, 2, timedelta(days=30), now).startswith("made")
    begun(store, 1)
    assert recovery_stores.prepare(store, 2, timedelta(days=30), now).startswith("took back 1 snap")
    with closing(sqlite3.connect(store / "part-0.sqlite3")) as part:
        assert part.execute("SELECT snap_epoch FROM snaps").fetchall() == [(1,)]
    assert recovery_stores.prepare(store, 2, timedelta(days=30), now) == ""


def test_a_flow_is_started_anew_when_its_store_is_due(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as ended:
        with_recovery(tmp_path, "sleep", "30", days="0.00002")
    assert ended.value.returncode == -signal.SIGALRM, "the container's restart policy brings it back"


def test_a_store_that_a_flow_works_with_is_refused_to_a_second_one(tmp_path: Path) -> None:
    with_recovery(tmp_path, "true")
    held = recovery_stores.lock_store(tmp_path / "store")
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


ALONE, TWO, FOUR = "", "a-0:9;a-1:9", "a-0:9;a-1:9;a-2:9;a-3:9"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


class Orders(list[str]):
    """Who brought the store in order."""

    def by(self, name: str) -> Callable[[], None]:
        return lambda: self.append(name)


def test_the_first_of_several_processes_brings_the_store_in_order_and_all_of_them_end_together(
    tmp_path: Path,
) -> None:
    orders = Orders()
    first, until = recovery_stores.lock_shared(tmp_path / "store", TWO, orders.by("first"), LATER)
    second, same = recovery_stores.lock_shared(
        tmp_path / "store", TWO, orders.by("second"), LATER + timedelta(days=1)
    )
    with first, second:
        assert orders == ["first"]
        assert until == same == LATER
        with pytest.raises(recovery_stores.StoreInUseError):
            recovery_stores.lock_store(tmp_path / "store")
    third, _until = recovery_stores.lock_shared(tmp_path / "store", TWO, orders.by("third"), LATER)
    third.close()
    assert orders == ["first", "third"], "both have ended, so it can be brought in order again"


def test_processes_of_other_addresses_wait_until_those_before_have_ended(tmp_path: Path) -> None:
    orders, store = Orders(), tmp_path / "store"
    two, _until = recovery_stores.lock_shared(store, TWO, orders.by("two"), LATER)
    with pytest.raises(recovery_stores.StoreInUseError, match="of other addresses than a-0:9;a-1:9;a-2"):
        recovery_stores.lock_shared(store, FOUR, orders.by("four"), LATER, patience=0)
    threading.Timer(0.3, two.close).start()
    four, _until = recovery_stores.lock_shared(store, FOUR, orders.by("four"), LATER)
    four.close()
    assert orders == ["two", "four"]


def test_who_is_started_anew_waits_for_the_end_of_the_others_of_its_run(tmp_path: Path) -> None:
    """They end by themselves within seconds; what they did not commit is taken back before the next run."""
    store, orders = tmp_path / "store", Orders()
    recovery_stores.make(store, 2)
    first, _until = recovery_stores.lock_shared(store, TWO, orders.by("first"), LATER)
    second, _until = recovery_stores.lock_shared(store, TWO, orders.by("second"), LATER)
    begun(store, 1)
    second.close()
    with pytest.raises(recovery_stores.StoreInUseError, match="a run of these that has not ended"):
        recovery_stores.lock_shared(store, TWO, orders.by("too early"), LATER, patience=0)
    threading.Timer(0.3, first.close).start()
    again, _until = recovery_stores.lock_shared(store, TWO, orders.by("again"), LATER)
    other, _until = recovery_stores.lock_shared(store, TWO, orders.by("other"), LATER, patience=0)
    again.close()
    other.close()
    assert orders == ["first", "again"]


def test_one_process_alone_keeps_a_group_out_and_a_group_keeps_it_out(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with recovery_stores.lock_store(store), pytest.raises(recovery_stores.StoreInUseError):
        recovery_stores.lock_shared(store, TWO, lambda: None, LATER, patience=0)


def test_who_comes_when_a_group_is_due_waits_for_its_end(tmp_path: Path) -> None:
    """Else two that are always restarted beside each other would keep it from ever being brought in order."""
    store, orders = tmp_path / "store", Orders()
    old, _until = recovery_stores.lock_shared(
        store, TWO, orders.by("old"), datetime.now(UTC) + timedelta(seconds=0.3)
    )
    time.sleep(0.4)
    with old, pytest.raises(recovery_stores.StoreInUseError):
        recovery_stores.lock_shared(store, TWO, orders.by("new"), LATER, patience=0)
    assert orders == ["old"]


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        (["python", "-m", "bytewax.run", "f:flow", "-i", "1", "-a", TWO], {}),
        (["python", "-m", "bytewax.run", "f:flow", "-i", "1", f"--addresses={TWO}"], {}),
        (["python", "-m", "bytewax.run", "f:flow"], {"BYTEWAX_ADDRESSES": TWO}),
        (["python", "-m", "bytewax.run", "f:flow"], {"BYTEWAX_HOSTFILE_PATH": "hosts"}),
    ],
)
def test_a_group_is_known_by_what_bytewax_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], environment: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hosts").write_text("a-0:9\na-1:9\n")
    assert recovery_stores.cluster_of(command, environment) == TWO


def test_a_flow_without_addresses_is_one_process() -> None:
    assert recovery_stores.cluster_of(["python", "-m", "bytewax.run", "f:flow", "-w", "2"], {}) == ALONE


def test_processes_that_are_started_at_once_share_a_store_that_one_of_them_made(tmp_path: Path) -> None:
    """Real processes: each waits a moment, so that all of them are there at once."""
    store = str(tmp_path / "store")
    command = [sys.executable, "-m", "platestream.retention.recovery_stores", store, "2", "sleep", "1"]
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    environment = {"PATH": path, recovery_stores.ADDRESSES: TWO, "PLATESTREAM_DATA": str(tmp_path / "data")}
    started = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60)[1] for one in started]
    assert [one.returncode for one in started] == [0, 0], said
    assert sorted(said) == ["", f"made the recovery store {store} with 2 partitions\n"]
