"""A disk that is full after so many more bytes, and then is not: what is made or written then is whole."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from docs.generators.catalogue import example
from platestream.cameras.spool import Spool
from platestream.edges.topic_file import TopicFile, TopicFileError
from platestream.notifications.delivery import ThreadedPost
from platestream.notifications.journal import Journal
from platestream.operators.notify.message import Notice
from platestream.retention.recovery_stores import prepare
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import Message, RefusedError
from tests.support.small_disk import fill, small_disk

pytestmark = pytest.mark.chaos

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 4096
FREE = range(0, 75 * PAGE, PAGE)
"""From nothing to more than any of the files takes."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "2m") as folder:
        yield folder


def a_message(number: int, size: int = 1000) -> Message:
    return Message(b"%d" % number, bytes(size), {}, None, "frames", 0, 0)


def topic_file(path: Path) -> None:
    with closing(TopicFile(path, "frames")) as topic:
        topic.append([a_message(1)], 1, NOW)
        assert list(topic.read_to_end())


def spool(path: Path) -> None:
    with closing(Spool(path, 500_000)) as made:
        made.put("gate", a_message(1), 1.0)
        assert made.take(9)


def recovery_store(path: Path) -> None:
    prepare(path, 2, timedelta(days=30), NOW)
    parts = sorted(path.glob("*.sqlite3"))
    assert len(parts) == 2
    for part in parts:
        with closing(sqlite3.connect(part)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("SELECT count(*) FROM parts").fetchall() == [(1,)]


@pytest.mark.parametrize("make", [topic_file, spool, recovery_store])
def test_what_could_not_be_made_is_made_once_there_is_room(make: Callable[[Path], None], disk: Path) -> None:
    refused = 0
    for free in FREE:
        filler = fill(disk, free)
        try:
            make(disk / str(free))
        except (OSError, RefusedError):
            refused += 1
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # of Rust, in Bytewax
                raise
            refused += 1
        filler.unlink()
        make(disk / str(free))
        left = {one.name for one in disk.iterdir() if one.name.startswith(".")}
        assert left == set(), "nothing of what was begun"
        for one in disk.rglob("*"):
            with suppress(IsADirectoryError):
                one.unlink()
    assert 0 < refused < len(FREE)


def test_what_a_topic_acknowledged_is_there_and_nothing_of_what_it_refused(disk: Path) -> None:
    path, kept = disk / "frames.sqlite3", []
    for number, free in enumerate(FREE):
        filler = fill(disk, free)
        with closing(TopicFile(path, "frames")) as topic:
            try:
                topic.append([a_message(number, 7000 * (number % 7))], 1, NOW)
                kept.append(b"%d" % number)
            except TopicFileError:
                pass
            with suppress(TopicFileError):
                topic.expire(NOW - timedelta(days=1))
        filler.unlink()
        with closing(TopicFile(path, "frames")) as topic:
            assert [one.key for one in topic.read_to_end()] == kept
    assert 0 < len(kept) < len(FREE)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_journal_of_deliveries_without_room_holds_nothing_up(disk: Path) -> None:
    """Seen in a run with a full disk: the receiver's thread ended, and nothing was sent from then on."""
    delivery = Delivery.from_json(bytes(example("delivery").accepted))
    for free in (0, 40):
        path = disk / f"journal-{free}"
        journal = Journal(path)
        filler = fill(disk, free)
        ledger: list[Delivery] = []
        sent = ThreadedPost(
            {"cad": lambda _notice: None},
            ledger.extend,
            patience=timedelta(minutes=1),
            now=lambda: NOW,
            journal=journal,
        )
        for number in range(600):  # more than the rest of the page holds
            sent.submit(a_notice(number))
        sent.drain("cad")
        assert len(ledger) == 600
        filler.unlink()
        journal.note(delivery)
        assert journal.left()[-1] == delivery, "whole, behind what was cut off"
        path.unlink()


def a_notice(number: int) -> Notice:
    return Notice(
        delivery_id=UUID(int=number),
        hit_id=UUID(int=number),
        receiver="cad",
        agency="",
        priority=1,
        captured_at=NOW,
        taken_at=NOW,
        subject="",
        text="",
        body=b"",
    )
