"""kill -9 of processes that write one topic at once, and a full disk: what was acknowledged is there."""

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from platestream.edges.files import FileTopics
from platestream.schemas.message import Message
from platestream.schemas.topics import FRAMES

WRITERS = 3
KILLS = 20
SEED = 14

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(300)]


def start(folder: Path, name: str, out: Path, *more: str) -> subprocess.Popen[bytes]:
    with out.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.topic_writer", str(folder), name, *more], stdout=file
        )


def said(folder: Path) -> Counter[str]:
    """What each message says, by how often it is there."""
    return Counter(
        (one.value or b"").decode().rstrip(".") for one in FileTopics(folder, follow=False).messages(FRAMES)
    )


def test_of_writers_that_are_killed_everything_acknowledged_is_there_once(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    acknowledged = tmp_path / "acknowledged"
    names = (f"w{number}" for number in range(WRITERS + KILLS))
    writers = [start(tmp_path, next(names), acknowledged) for _ in range(WRITERS)]
    try:
        time.sleep(2)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.5))
            victim = writers.pop(0)
            victim.kill()
            victim.wait()
            writers.append(start(tmp_path, next(names), acknowledged))
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    result = acknowledged.read_text().splitlines(keepends=True)
    whole = {line.rstrip("\n") for line in result if line.endswith("\n")}
    there = said(tmp_path)
    assert len(whole) > KILLS
    assert whole - set(there) == set()
    assert set(there.values()) == {1}
    files = FileTopics(tmp_path, follow=False)
    files.append(FRAMES, [Message(b"after", b"after")])
    assert said(tmp_path)["after"] == 1


def test_a_full_disk_is_said_and_what_was_acknowledged_before_is_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer = start(tmp_path, "full", out, str(2_000_000))
    writer.wait(timeout=60)
    *acknowledged, refused = out.read_text().splitlines()
    assert "frames.sqlite3: " in refused
    assert refused.startswith("refused")
    assert len(acknowledged) > 20
    assert set(acknowledged) == set(said(tmp_path))
    FileTopics(tmp_path, follow=False).append(FRAMES, [Message(b"after", b"after")])
    assert said(tmp_path)["after"] == 1
