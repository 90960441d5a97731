"""Numbers of frames: one for each picture of a camera, whatever becomes of it and of the gateway."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.cameras.spool import OVERHEAD, Spool
from platestream.schemas.frame_count import FRAME_COUNT, FrameCount, count_of
from platestream.schemas.message import Message, RefusedError

OLD = """
CREATE TABLE frames (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, camera TEXT NOT NULL, arrived REAL NOT NULL,
    bytes INTEGER NOT NULL, headers BLOB NOT NULL, image BLOB NOT NULL
);
CREATE TABLE dropped (
    camera TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (camera, reason)
);
INSERT INTO frames (camera, arrived, bytes, headers, image)
VALUES ('cam', 1, 9, '{"camera-id":"cam"}', x'00');
INSERT INTO dropped VALUES ('cam', 'full', 77);
"""


def message(camera: str = "cam", size: int = 1000) -> Message:
    return Message(camera.encode(), b"." * size, {"camera-id": camera})


def counts(spool: Spool) -> list[FrameCount | None]:
    return [count_of(one.message.headers) for one in spool.take(1000, 10**9)]


def numbers(spool: Spool) -> list[int]:
    return [one.number for one in counts(spool) if one is not None]


def test_each_camera_counts_by_itself_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 10**6)
    for camera in ("a", "b", "a"):
        spool.put(camera, message(camera), 1)
    spool.done(spool.take(9))
    spool.close()
    again = Spool(tmp_path, 10**6)
    again.put("a", message("a"), 1, device=17)
    again.put("b", message("b"), 1)
    assert numbers(again) == [3, 2]
    assert [one.device for one in counts(again) if one] == [17, None]


def test_a_new_spool_has_another_epoch(tmp_path: Path) -> None:
    epochs = set()
    for name in ("one", "two"):
        spool = Spool(tmp_path / name, 10**6)
        spool.put("cam", message(), 1)
        epochs |= {one.epoch for one in counts(spool) if one}
    assert len(epochs) == 2


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["put", "refuse", "full", "expire", "send", "restart"]), max_size=30))
def test_every_number_arrives_or_is_reported_as_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool, sent = Spool(folder, 5 * (1000 + OVERHEAD)), []
    for at, step in enumerate([*steps, "put", "send"], 1):
        if step in ("put", "full"):
            for _n in range(6 if step == "full" else 1):
                spool.put("cam", message(), at)
        elif step == "refuse":
            spool.refuse("cam", "refused")
        elif step == "expire":
            spool.expire(at - 2)
        elif step == "send":
            batch = spool.take(100)
            sent += [one for waiting in batch if (one := count_of(waiting.message.headers))]
            spool.done(batch)
        else:
            spool.close()
            spool = Spool(folder, 5 * (1000 + OVERHEAD))
    spool.close()
    assert sent[-1].number == len(sent) + sum(sent[-1].lost.values())
    assert len({one.number for one in sent}) == len(sent)


def test_a_refused_frame_that_was_never_stored_uses_up_no_number(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 3000)
    with pytest.raises(RefusedError):
        spool.put("cam", message(size=5000), 1)
    spool.put("cam", message(), 1)
    assert numbers(spool) == [1]


def test_numbers_survive_a_kill(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom platestream.cameras.spool import Spool\n"
        "from platestream.schemas.message import Message\n"
        "spool = Spool(Path(sys.argv[1]), 10**9)\n"
        "while True:\n"
        "    spool.put('cam', Message(b'cam', b'.', {'camera-id': 'cam'}), 1)\n"
        "    print(spool.count, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _n in range(20)]
    process.kill()
    process.wait(60)
    spool = Spool(tmp_path, 10**9)
    found = numbers(spool)
    assert len(found) >= len(acknowledged)
    spool.put("cam", message(), 1)
    assert numbers(spool) == list(range(1, len(found) + 2))


def test_the_spool_of_an_older_release_is_opened_and_its_frames_have_no_number(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spool.db") as db:
        db.executescript(OLD)
    db.close()
    spool = Spool(tmp_path, 2 * (1000 + OVERHEAD))
    spool.put("cam", message(), 2)
    found = counts(spool)
    assert found[0] is None
    assert found[1] is not None
    assert (found[1].number, found[1].lost) == (1, {}), "losses from before are of no number"
    spool.done([])
    for _n in range(2):
        spool.put("cam", message(), 3)
    assert numbers(spool) == [2, 3]
    assert counts(spool)[-1] == FrameCount(found[1].epoch, 3, {"full": 1})


@pytest.mark.parametrize("text", ["", "7", "{}", '{"epoch":"x","number":1}', '{"epoch":"0123456789abcdef"}'])
def test_an_invalid_number_is_none(text: str) -> None:
    assert count_of({FRAME_COUNT: text}) is None
