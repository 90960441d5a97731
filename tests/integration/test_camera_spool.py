import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.cameras.spool import OVERHEAD, Spool, SpoolInUseError
from platestream.keys.key_folder import KeyFolder
from platestream.keys.master import KeysError
from platestream.runtime.faults import Faults
from platestream.schemas.frame import CAMERA_READS
from platestream.schemas.message import Message, RefusedError


def message(text: str, size: int = 1000) -> Message:
    return Message(b"cam", text.encode().ljust(size, b"."), {"camera-id": "cam", "n": text})


def texts(spool: Spool) -> list[str]:
    return [one.message.headers["n"] for one in spool.take(1000, 10**9)]


def test_frames_come_out_in_order_and_stay_until_they_are_done(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    for n in range(5):
        spool.put("cam", message(str(n)), n)
    first = spool.take(2)
    assert [one.message.headers["n"] for one in first] == ["0", "1"]
    assert texts(spool) == ["0", "1", "2", "3", "4"]
    spool.done(first)
    assert texts(spool) == ["2", "3", "4"]
    assert (spool.count, spool.bytes) == (3, 3 * (1000 + OVERHEAD))


def test_what_does_not_fit_pushes_out_the_oldest_and_is_counted_on_disk(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3 * (1000 + OVERHEAD))
    gone = [spool.put("cam", message(str(n)), n) for n in range(5)]
    assert gone == [[], [], [], ["cam"], ["cam"]]
    spool.close()
    again = Spool(tmp_path, 3 * (1000 + OVERHEAD))
    assert texts(again) == ["2", "3", "4"]
    assert again.dropped() == {("cam", "full"): 2}


def test_an_encrypted_spool_has_no_picture_and_no_plate_on_the_disk(tmp_path: Path) -> None:
    older = Spool(tmp_path / "spool", 10**6)
    older.put("cam", message("0"), 0)
    older.close()
    keys = KeyFolder(tmp_path / "keys")
    spool = Spool(tmp_path / "spool", 10**6, keys)
    pushed = Message(b"cam", None, {"camera-id": "cam", "n": "1", CAMERA_READS: '[{"plate": "CNR7Y42"}]'})
    spool.put("cam", pushed, 1)
    spool.put("cam", message("PICTURE"), 2)
    assert texts(spool) == ["0", "1", "PICTURE"], "what an older release left is sent, too"
    assert pushed.headers.items() <= spool.take(9)[1].message.headers.items()
    assert spool.take(9)[1].message.value in (None, b"")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())
    assert b"CNR7Y42" not in stored
    assert b"PICTURE..." not in stored


def test_a_frame_whose_key_was_destroyed_is_counted_and_holds_up_no_other(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path / "keys")
    spool = Spool(tmp_path / "spool", 10**6, keys)
    spool.put("cam", message("old"), 0)
    keys.destroy(datetime.now(UTC) + timedelta(hours=1), Faults())
    spool = _again(spool, KeyFolder(tmp_path / "keys"))
    spool.put("cam", message("new"), 1)
    assert texts(spool) == ["new"]
    assert spool.dropped() == {("cam", "undeliverable"): 1}


def test_while_the_keys_are_gone_frames_are_refused_and_wait(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 10**6, KeyFolder(tmp_path / "keys"))
    spool.put("cam", message("0"), 0)
    (tmp_path / "keys").rename(tmp_path / "gone")
    (tmp_path / "keys").write_text("no folder")
    spool = _again(spool, KeyFolder(tmp_path / "keys"))
    with pytest.raises(RefusedError, match="cannot keep a frame"):
        spool.put("cam", message("1"), 1)
    with pytest.raises(KeysError):
        spool.take(9)
    (tmp_path / "keys").unlink()
    (tmp_path / "gone").rename(tmp_path / "keys")
    assert texts(spool) == ["0"]


def _again(spool: Spool, keys: KeyFolder) -> Spool:
    spool.close()
    return Spool(spool.folder, spool.limit, keys)


def test_what_is_being_sent_is_not_pushed_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3 * (1000 + OVERHEAD))
    for n in range(3):
        spool.put("cam", message(str(n)), n)
    sending = spool.take(2)
    spool.put("cam", message("3"), 3)
    spool.done(sending)
    assert texts(spool) == ["3"]
    assert spool.dropped() == {("cam", "full"): 1}


def test_a_frame_larger_than_the_spool_is_refused_and_pushes_nothing_out(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3000)
    spool.put("cam", message("0"), 0)
    with pytest.raises(RefusedError, match="does not fit"):
        spool.put("cam", message("1", 5000), 1)
    assert texts(spool) == ["0"]
    assert spool.dropped() == {}


def test_a_full_disk_refuses_a_frame_and_the_spool_goes_on(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**9)
    spool.put("cam", message("0"), 0)
    spool._db.execute("PRAGMA max_page_count = 30")  # SQLite then says what it says on a full disk
    with pytest.raises(RefusedError, match="disk is full"):
        spool.put("cam", message("1", 200_000), 1)
    spool.put("cam", message("2"), 2)
    assert texts(spool) == ["0", "2"]
    assert spool.count == 2


def test_what_waited_too_long_is_dropped_and_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    for n in range(4):
        spool.put("cam", message(str(n)), n)
    assert spool.expire(2) == ["cam", "cam"]
    assert texts(spool) == ["2", "3"]
    assert spool.dropped() == {("cam", "expired"): 2}


def test_a_second_gateway_on_the_same_spool_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    code = "from platestream.cameras.spool import Spool; from pathlib import Path; "
    code += f"Spool(Path({str(tmp_path)!r}), 1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "another gateway works on" in done.stderr
    with pytest.raises(SpoolInUseError):
        Spool(tmp_path, 10**6)
    spool.close()


def test_only_the_owner_may_look_into_it(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", 10**6).close()
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "spool" / "spool.db").stat().st_mode & 0o777 == 0o600


def test_a_spool_that_ran_empty_gives_its_disk_back(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**8)
    for n in range(40):
        spool.put("cam", message(str(n), 500_000), n)
    spool.done(spool.take(100, 10**9))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 1_000_000


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["put", "send"]), st.integers(1, 3000)), max_size=40))
def test_every_frame_is_sent_waits_or_is_counted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"), 8000)
    put = sent = 0
    for what, size in steps:
        if what == "put":
            spool.put("cam", message(str(put), size), put)
            put += 1
        else:
            batch = spool.take(2)
            spool.done(batch)
            sent += len(batch)
    assert put == sent + spool.count + sum(spool.dropped().values())
    assert spool.bytes <= 8000
    assert [int(one) for one in texts(spool)] == list(range(put - spool.count, put))
    spool.close()
