import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.edges.changelog import newest
from platestream.edges.edge import Share
from platestream.edges.files import FileTopics
from platestream.edges.topic_file import TopicFileError, TopicFullError, Unread
from platestream.schemas import topics
from platestream.schemas.message import Batch, EndOfSnapshot, Message
from platestream.schemas.topics import Topic
from tests.support.flows import detection

DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)
CAMERA = Message(b"cam", b"picture" * 1000)


def files(root: Path, now: datetime = DAY) -> FileTopics:
    return FileTopics(root, follow=False, now=lambda: now)


def written(root: Path, *plates: str, now: datetime = DAY) -> FileTopics:
    streams = files(root, now)
    sent = [replace_time(topics.DETECTIONS.encode(detection(plate)), now) for plate in plates]
    streams.append(topics.DETECTIONS, sent)
    return streams


def replace_time(message: Message, at: datetime) -> Message:
    return Message(message.key, message.value, message.headers, at)


def plates(streams: FileTopics) -> list[str]:
    return [topics.DETECTIONS.decode(message).plate for message in streams.messages(topics.DETECTIONS)]


def test_messages_past_what_their_topic_keeps_are_deleted_and_leave_no_byte(tmp_path: Path) -> None:
    written(tmp_path, "GONE111", now=DAY - timedelta(days=9))
    streams = written(tmp_path, "KEPT222")
    assert streams.expire(topics.DETECTIONS) == 1
    assert plates(streams) == ["KEPT222"]
    held = b"".join(path.read_bytes() for path in (tmp_path / "topics").iterdir())
    assert b"GONE111" not in held
    assert b"KEPT222" in held
    assert streams.oldest(topics.DETECTIONS) == DAY


def test_a_time_ahead_keeps_nothing_longer_and_a_frame_ages_from_its_arrival(tmp_path: Path) -> None:
    streams = files(tmp_path)
    streams.append(topics.DETECTIONS, [Message(b"cam", b"x", timestamp=DAY + timedelta(days=700))])
    assert streams.oldest(topics.DETECTIONS) == DAY
    streams.append(topics.FRAMES, [Message(b"cam", b"x", timestamp=DAY - timedelta(days=20))])
    assert streams.oldest(topics.FRAMES) == DAY


def test_a_topic_that_nobody_wrote_reads_as_empty_and_makes_no_file(tmp_path: Path) -> None:
    streams = files(tmp_path)
    assert list(streams.messages(topics.HOTLIST)) == []
    assert streams.oldest(topics.HOTLIST) is None
    assert streams.expire(topics.DETECTIONS) == streams.compact(topics.HOTLIST) == 0
    assert streams.unread(topics.FRAMES) == Unread(0, None)
    assert list(tmp_path.iterdir()) == []


def test_files_and_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    written(tmp_path, "AAA1")
    (path,) = (tmp_path / "topics").glob("*.sqlite3")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == [], "nothing half made"


def test_a_file_that_is_no_topic_is_named(tmp_path: Path) -> None:
    written(tmp_path, "AAA1")
    (path,) = (tmp_path / "topics").glob("*.sqlite3")
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(TopicFileError, match=r"detections\.sqlite3: file is not a database"):
        plates(files(tmp_path))
    with sqlite3.connect(tmp_path / "topics" / "alert_hits.sqlite3") as other:
        other.execute("CREATE TABLE messages (a)")
    with pytest.raises(TopicFileError, match=r"alert_hits\.sqlite3: is not of this version"):
        files(tmp_path).append(topics.ALERT_HITS, [CAMERA])


def test_a_folder_of_json_lines_is_refused_and_not_taken_for_an_empty_topic(tmp_path: Path) -> None:
    (tmp_path / "topics" / "hotlist").mkdir(parents=True)
    with pytest.raises(TopicFileError, match="JSON lines"):
        newest(files(tmp_path), topics.HOTLIST)


class Reader:
    """One partition of a source, driven by hand, an epoch at a time."""

    def __init__(self, root: Path, topic: Topic[Any], name: str, place: int | None = None) -> None:
        partition = crc32(b"cam") % topic.partitions
        self.part = files(root).read(topic).build_part(name, str(partition), place)

    def epoch(self) -> int:
        with suppress(StopIteration):
            self.part.next_batch()
        return self.part.snapshot()


def test_a_frame_goes_when_every_reader_is_two_epochs_past_it(tmp_path: Path) -> None:
    topic = replace(topics.FRAMES, a_poll=1)
    streams = files(tmp_path)
    streams.append(topic, [CAMERA] * 2)
    one, other = Reader(tmp_path, topic, "recognize.frames"), Reader(tmp_path, topic, "bench.frames")
    other.epoch()
    for _ in range(4):
        one.epoch()
    assert len(list(streams.messages(topic))) == 2, "the other reader has not gone on"
    assert streams.unread(topic) == Unread(2, DAY)
    other.epoch()
    other.epoch()
    assert len(list(streams.messages(topic))) == 1
    assert other.part.snapshot() == 2


def test_whatever_a_reader_may_come_back_to_is_there(tmp_path: Path) -> None:
    topic = replace(topics.FRAMES, a_poll=1)
    files(tmp_path).append(topic, [CAMERA] * 5)
    reader = Reader(tmp_path, topic, "recognize.frames")
    places = [0]
    for _ in range(5):
        places.append(reader.epoch())
        again = Reader(tmp_path, topic, "recognize.frames", places[-2])
        assert again.part.next_batch()[0].offset == places[-1], "from the epoch before"


def test_places_are_not_given_twice_when_all_frames_are_gone(tmp_path: Path) -> None:
    streams = files(tmp_path)
    streams.append(topics.FRAMES, [CAMERA])
    reader = Reader(tmp_path, topics.FRAMES, "recognize.frames")
    last = [reader.epoch() for _ in range(4)][-1]
    assert list(streams.messages(topics.FRAMES)) == []
    streams.append(topics.FRAMES, [CAMERA])
    assert [one.offset for one in streams.messages(topics.FRAMES)] == [last + 1]


def filled(root: Path, topic: Topic[Any]) -> tuple[FileTopics, Topic[Any]]:
    topic = replace(topic, most_bytes=400_000)
    streams = files(root)
    for number in range(3):
        streams.append(topic, [Message(b"cam", bytes([number]) * 100_000)])
    return streams, topic


def test_a_topic_whose_frames_nobody_has_read_refuses_more_than_its_most(tmp_path: Path) -> None:
    streams, topic = filled(tmp_path, topics.FRAMES)
    with pytest.raises(TopicFullError, match=r"frames\.sqlite3: 100000 bytes more do not fit its 400000"):
        streams.append(topic, [Message(b"cam", b"3" * 100_000)])
    assert len(list(streams.messages(topic))) == 3
    reader = Reader(tmp_path, topic, "recognize.frames")
    for _ in range(4):
        reader.epoch()
    streams.append(topic, [Message(b"cam", b"3" * 100_000)])
    assert len(list(streams.messages(topic))) == 1


def test_frames_in_quarantine_push_out_the_oldest_and_do_not_stop_the_flow(tmp_path: Path) -> None:
    streams, topic = filled(tmp_path, topics.FRAMES_QUARANTINE)
    streams.append(topic, [Message(b"cam", bytes([3]) * 100_000)])
    left = [(one.value or b"")[0] for one in streams.messages(topic)]
    assert left[-1] == 3
    assert 0 not in left


KEYS = st.sampled_from(
    [
        b"",
        b"a",
        b"ab",
        b"abc",
        b"b",
        b"\xff",
        b"\xff\xff",
        b"a\xff",
        "ü".encode(),
        b'"',
        b"sjpd:1",
        b"sjpd:10",
    ]
)


@given(st.lists(st.tuples(st.none() | KEYS, st.none() | st.binary(max_size=4))), KEYS)
@settings(max_examples=60, deadline=None)
def test_what_is_read_by_the_beginning_of_a_key_is_what_has_it(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[bytes | None, bytes | None]], prefix: bytes
) -> None:
    streams = files(tmp_path_factory.mktemp("files"))
    streams.append(topics.HOTLIST, [Message(key, value) for key, value in sent])
    read = [(one.key, one.value) for one in streams.read_to_end(topics.HOTLIST, prefix)]
    assert read == [one for one in sent if (one[0] or b"").startswith(prefix)]


def test_what_is_written_and_compacted_while_one_reads_changes_nothing_for_the_reader(
    tmp_path: Path,
) -> None:
    files(tmp_path, DAY - timedelta(days=3)).append(
        topics.HOTLIST, [Message(b"a", b"1"), Message(b"b", b"1"), Message(b"a", b"2")]
    )
    streams = files(tmp_path)
    reading = streams.read_to_end(topics.HOTLIST)
    read = [next(reading).value]
    streams.append(topics.HOTLIST, [Message(b"c", b"1")])
    assert streams.compact(topics.HOTLIST) == 1
    assert [*read, *(one.value for one in reading)] == [b"1", b"1", b"2"]
    assert {key: one.value for key, one in newest(streams, topics.HOTLIST).items()} == {
        b"a": b"2",
        b"b": b"1",
        b"c": b"1",
    }


def test_what_somebody_read_while_it_was_deleted_leaves_no_byte_at_the_next_time(tmp_path: Path) -> None:
    old = files(tmp_path, DAY - timedelta(days=3))
    old.append(topics.HOTLIST, [Message(b"a", b"CANARY1"), Message(b"a", b"2"), Message(b"a", b"3")])
    streams = files(tmp_path)
    reading = files(tmp_path).read_to_end(topics.HOTLIST)
    next(reading)
    assert streams.compact(topics.HOTLIST) == 2
    streams.append(topics.HOTLIST, [Message(b"b", b"1")])
    assert [one.value for one in reading] == [b"2", b"3"]
    assert streams.compact(topics.HOTLIST) == 0
    assert b"CANARY" not in b"".join(path.read_bytes() for path in (tmp_path / "topics").iterdir())


def test_of_an_old_changelog_what_counts_stays_and_the_rest_leaves_no_byte(tmp_path: Path) -> None:
    old = files(tmp_path, DAY - timedelta(days=3))
    old.append(topics.HOTLIST, [Message(b"replaced", b"CANARY1"), Message(b"removed", b"CANARY2")])
    old.append(topics.HOTLIST, [Message(b"expired", b"CANARY3"), Message(b"stays", b"valid")])
    files(tmp_path, DAY - timedelta(days=2)).append(topics.HOTLIST, [Message(b"removed", None)])
    streams = files(tmp_path)
    streams.append(topics.HOTLIST, [Message(b"replaced", b"new")])
    assert streams.compact(topics.HOTLIST, lambda one: one.key != b"expired") == 4
    assert {one.key: one.value for one in streams.messages(topics.HOTLIST)} == {
        b"stays": b"valid",
        b"replaced": b"new",
    }
    held = b"".join(path.read_bytes() for path in (tmp_path / "topics").iterdir())
    assert b"CANARY" not in held
    assert streams.compact(topics.HOTLIST) == 0


def test_a_fresh_removal_is_kept_for_those_who_read_on(tmp_path: Path) -> None:
    files(tmp_path, DAY - timedelta(days=3)).append(topics.HOTLIST, [Message(b"a", b"1")])
    streams = files(tmp_path)
    streams.append(topics.HOTLIST, [Message(b"a", None)])
    streams.compact(topics.HOTLIST)
    assert [one.value for one in streams.messages(topics.HOTLIST)] == [None]


def messages(items: list[Batch | EndOfSnapshot]) -> list[Message]:
    return [one for item in items if isinstance(item, Batch) for one in item.messages()]


def test_a_changelog_that_is_compacted_while_it_loads_loses_nothing_and_comes_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platestream.edges.files.LOAD_BATCH", 10)
    topic = replace(topics.HOTLIST, partitions=1)
    files(tmp_path, DAY - timedelta(days=3)).append(topic, [Message(b"%d" % n, b"old") for n in range(40)])
    loading = files(tmp_path).load(topic).build_part("s", "0", None)
    values = {one.key: one.value for one in messages(loading.next_batch())}
    assert len(values) == 10
    streams = files(tmp_path)
    streams.append(topic, [Message(b"3", b"new"), Message(b"39", None)])
    assert streams.compact(topic) == 2
    marks = 0
    with suppress(StopIteration):
        while True:
            items = loading.next_batch()
            values |= {one.key: one.value for one in messages(items)}
            marks += sum(isinstance(item, EndOfSnapshot) for item in items)
    assert (values[b"3"], values[b"39"], marks) == (b"new", None, 1)
    assert set(values) == {b"%d" % n for n in range(40)}


@settings(max_examples=40, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from("abc"), st.sampled_from([None, b"1", b"2"])), max_size=30
    )
)
def test_whatever_was_changed_when_the_newest_of_every_key_is_the_same_after_as_before(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str, bytes | None]]
) -> None:
    root = tmp_path_factory.mktemp("changelog")
    for age, key, value in sorted(changes, key=lambda one: -one[0]):
        files(root, DAY - timedelta(days=age)).append(topics.HOTLIST, [Message(key.encode(), value)])
    streams = files(root)
    before = {key: message.value for key, message in newest(streams, topics.HOTLIST).items()}
    streams.compact(topics.HOTLIST)
    assert {key: one.value for key, one in newest(streams, topics.HOTLIST).items()} == before
    later = files(root, DAY + timedelta(days=2))
    later.compact(topics.HOTLIST)
    assert {one.key: one.value for one in later.messages(topics.HOTLIST)} == before


@settings(max_examples=30, deadline=None)
@given(
    value=st.none() | st.binary(max_size=200),
    key=st.none() | st.binary(max_size=20),
    header=st.text(max_size=20),
    time=st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_any_message_crosses_unchanged(
    tmp_path_factory: pytest.TempPathFactory,
    value: bytes | None,
    key: bytes | None,
    header: str,
    time: datetime | None,
) -> None:
    streams = files(tmp_path_factory.mktemp("files"))
    streams.append(topics.DETECTIONS, [Message(key, value, {"note": header}, time)])
    (read,) = streams.messages(topics.DETECTIONS)
    assert (read.key, read.value, read.headers, read.timestamp) == (key, value, {"note": header}, time)


def test_a_write_that_is_cut_short_leaves_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    streams = written(tmp_path, "AAA1")
    (path,) = (tmp_path / "topics").glob("*.sqlite3")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO messages (partition, ages_from, arrived, value) VALUES (0, 0, 0, 'half')")
    other.close()
    written(tmp_path, "BBB2")
    assert plates(streams) == ["AAA1", "BBB2"]


def test_cameras_get_partitions_in_turn_so_that_processes_share_them_evenly(tmp_path: Path) -> None:
    streams = files(tmp_path)
    cameras = [b"stj-01", b"stj-02", b"stj-03", b"stj-04"]
    for key in [*cameras, *reversed(cameras)]:
        streams.append(topics.FRAMES, [Message(key, b"picture")])
    found = [(message.key, message.partition) for message in streams.messages(topics.FRAMES)]
    assert dict(found) == dict(zip(cameras, range(4), strict=True))
    assert len(set(found)) == 4, "a camera stays where it was"


@given(st.integers(1, 9), st.integers(1, 9))
def test_shares_cover_each_partition_once(partitions: int, processes: int) -> None:
    read = [one for number in range(processes) for one in Share(number, processes)(range(partitions))]
    assert sorted(read) == list(range(partitions))


def test_a_process_reads_the_partitions_of_its_share(tmp_path: Path) -> None:
    sent = [Message(key, b"picture") for key in (b"a", b"b", b"c")]
    files(tmp_path).append(topics.FRAMES, sent)
    seen: list[list[bytes | None]] = []
    for number in range(2):
        share = FileTopics(tmp_path, follow=False, share=Share(number, 2))
        out: list[Message] = []
        flow = Dataflow("read")
        op.output("out", op.input("frames", flow, share.read(topics.FRAMES)), TestingSink(out))
        run_main(flow)
        seen.append(sorted((message.key for message in out), key=str))
    assert seen == [[b"a", b"c"], [b"b"]]


def test_what_no_reader_has_ever_passed_waits_since_it_arrived(tmp_path: Path) -> None:
    files(tmp_path, DAY - timedelta(hours=1)).append(topics.FRAMES, [CAMERA])
    streams = files(tmp_path)
    streams.append(topics.FRAMES, [Message(b"other", b"picture", timestamp=DAY - timedelta(days=5))])
    assert streams.unread(topics.FRAMES) == Unread(2, DAY - timedelta(hours=1))
    assert files(tmp_path / "nothing").unread(topics.FRAMES) == Unread(0, None)
