from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.changelog import newest
from connectors.files import FileTopics
from schemas import topics
from schemas.message import Batch, EndOfSnapshot, Message, RefusedError
from tests.support.flows import detection

DAY = datetime(2026, 11, 24, 12, tzinfo=UTC)


def written(root: Path, *plates: str, now: datetime = DAY) -> FileTopics:
    streams = FileTopics(root, follow=False, now=lambda: now)
    streams.append(topics.DETECTIONS, [topics.DETECTIONS.encode(detection(plate)) for plate in plates])
    return streams


def plates(streams: FileTopics) -> list[str]:
    return [topics.DETECTIONS.decode(message).plate for message in streams.messages(topics.DETECTIONS)]


def test_half_a_line_left_by_a_crash_is_not_read_and_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    streams = written(tmp_path, "AAA1")
    (path,) = (tmp_path / "topics" / "detections").iterdir()
    with path.open("ab") as file:
        file.write(b'{"key":"Y2Ft","val')
    assert plates(streams) == ["AAA1"]
    written(tmp_path, "BBB2")
    assert plates(streams) == ["AAA1", "BBB2"]


def test_a_damaged_line_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    streams = written(tmp_path, "AAA1")
    (path,) = (tmp_path / "topics" / "detections").iterdir()
    with path.open("ab") as file:
        file.write(b"\xff not json\n")
    written(tmp_path, "BBB2")
    first, damaged, last = streams.messages(topics.DETECTIONS)
    assert damaged.value == b"\xff not json"
    with pytest.raises(RefusedError, match="not_json"):
        topics.DETECTIONS.decode(damaged)
    assert first.offset < damaged.offset < last.offset


def test_days_are_read_in_order_and_deleted_when_they_are_past(tmp_path: Path) -> None:
    written(tmp_path, "AAA1", now=DAY - timedelta(days=9))
    streams = written(tmp_path, "BBB2")
    assert plates(streams) == ["AAA1", "BBB2"]
    assert streams.purge(topics.DETECTIONS) == ["2026-11-15.jsonl"]
    assert plates(streams) == ["BBB2"]


def test_what_is_left_under_the_name_of_the_version_before_is_deleted_when_it_is_past(tmp_path: Path) -> None:
    old = replace(topics.FRAMES_QUARANTINE, name=topics.FRAMES_QUARANTINE.formerly)
    for age in (3, 0):
        files = FileTopics(tmp_path, follow=False, now=lambda age=age: DAY - timedelta(days=age))  # type: ignore[misc]
        files.append(old, [Message(b"cam", b"a frame")])
    assert files.purge(topics.FRAMES_QUARANTINE) == ["2026-11-21.jsonl"]
    assert len(list(files.messages(old))) == 1


def changelog(root: Path, now: datetime) -> FileTopics:
    return FileTopics(root, follow=False, now=lambda: now)


KEYS = st.sampled_from(
    [b"", b"a", b"ab", b"abc", b"abcd", b"abce", b"b", "ü".encode(), b'"', b"sjpd:1", b"sjpd:10"]
)


@given(st.lists(st.tuples(st.none() | KEYS, st.none() | st.binary(max_size=4))), KEYS)
@settings(max_examples=100, deadline=None)
def test_what_is_read_by_the_beginning_of_a_key_is_what_has_it(
    tmp_path_factory: pytest.TempPathFactory, sent: list[tuple[bytes | None, bytes | None]], prefix: bytes
) -> None:
    root = tmp_path_factory.mktemp("files")
    streams = changelog(root, DAY)
    streams.append(topics.HOTLIST, [Message(key, value) for key, value in sent])
    with (root / "topics" / "hotlist" / "2026-11-24.jsonl").open("ab") as file:
        file.write(b'{"value":"YQ==","key":"YWJj","headers":{}}\n')  # by another program, in another order
    there = [*sent, (b"abc", b"a")]
    read = [(one.key, one.value) for one in streams.read_to_end(topics.HOTLIST, prefix)]
    assert read == [one for one in there if (one[0] or b"").startswith(prefix)]


def test_what_is_written_behind_the_end_while_it_is_read_is_not_waited_for(tmp_path: Path) -> None:
    streams = changelog(tmp_path, DAY)
    streams.append(topics.HOTLIST, [Message(b"a", b"1"), Message(b"b", b"1")])
    reading = streams.read_to_end(topics.HOTLIST)
    read = [next(reading).key]
    streams.append(topics.HOTLIST, [Message(b"c", b"1")])
    assert [*read, *(one.key for one in reading)] == [b"a", b"b"]


def test_a_changelog_that_is_written_anew_while_it_is_read_loses_nothing_that_counts(tmp_path: Path) -> None:
    for age in (5, 3, 2):
        files = changelog(tmp_path, DAY - timedelta(days=age))
        files.append(topics.HOTLIST, [Message(f"{age}".encode(), b"1"), Message(b"a", f"{age}".encode())])
    streams = changelog(tmp_path, DAY)
    reading = streams.read_to_end(topics.HOTLIST)
    found = {(one := next(reading)).key: one.value}
    assert len(streams.compact(topics.HOTLIST)) == 3
    found |= {one.key: one.value for one in reading}
    assert found == {b"5": b"1", b"3": b"1", b"2": b"1", b"a": b"2"}


def test_old_files_of_a_changelog_go_and_what_counts_of_them_is_written_anew(tmp_path: Path) -> None:
    days = [DAY - timedelta(days=age) for age in (5, 3, 1)]
    for number, now in enumerate(days):
        messages = [Message(key.encode(), f"{key}{number}".encode()) for key in ("a", "b", f"only{number}")]
        changelog(tmp_path, now).append(topics.HOTLIST, [*messages, Message(b"gone", b"CANARY7")])
    changelog(tmp_path, days[1]).append(topics.HOTLIST, [Message(b"gone", None)])
    changelog(tmp_path, days[2]).append(topics.HOTLIST, [Message(b"gone", None)])
    streams = changelog(tmp_path, DAY)
    before = newest(streams, topics.HOTLIST)
    gone = streams.compact(topics.HOTLIST, lambda message: message.key != b"only1")
    assert gone == ["2026-11-19.jsonl", "2026-11-21.jsonl"]
    after = newest(streams, topics.HOTLIST)
    told = {key: message.value for key, message in after.items()}
    assert told == {key: message.value for key, message in before.items() if key != b"only1"}
    assert streams.compact(topics.HOTLIST) == []


def messages(items: list[Batch | EndOfSnapshot]) -> list[Message]:
    return [one for item in items if isinstance(item, Batch) for one in item.messages()]


def test_a_reader_in_the_middle_of_an_old_file_misses_nothing(tmp_path: Path) -> None:
    old, new = DAY - timedelta(days=3), DAY
    changelog(tmp_path, old).append(topics.HOTLIST, [Message(b"%d" % n, b"old") for n in range(40)])
    reader = changelog(tmp_path, new).load(topics.HOTLIST).build_part("s", "0", None)
    seen = [one.key for one in messages(reader.next_batch())]
    assert len(seen) == 16
    changelog(tmp_path, new).append(topics.HOTLIST, [Message(b"3", b"new"), Message(b"39", None)])
    changelog(tmp_path, new).compact(topics.HOTLIST)
    values: dict[bytes | None, bytes | None] = {}
    with suppress(StopIteration):
        while True:
            values |= {one.key: one.value for one in messages(reader.next_batch())}
    assert values[b"3"] == b"new"
    assert values[b"39"] is None
    assert set(values) | set(seen) == {b"%d" % n for n in range(40)}


def test_a_changelog_that_ends_in_half_a_line_or_an_empty_file_is_read_to_its_end(tmp_path: Path) -> None:
    changelog(tmp_path, DAY).append(topics.HOTLIST, [Message(b"a", b"1")])
    folder = tmp_path / "topics" / "hotlist"
    with (folder / f"{DAY:%Y-%m-%d}.jsonl").open("ab") as file:
        file.write(b'{"key":"Y2Ft","val')
    (folder / f"{DAY + timedelta(days=1):%Y-%m-%d}.jsonl").touch()
    assert list(newest(changelog(tmp_path, DAY), topics.HOTLIST)) == [b"a"]


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
        message = Message(key.encode(), value)
        changelog(root, DAY - timedelta(days=age)).append(topics.HOTLIST, [message])
    streams = changelog(root, DAY)
    before = {key: message.value for key, message in newest(streams, topics.HOTLIST).items()}
    streams.compact(topics.HOTLIST)
    assert {key: one.value for key, one in newest(streams, topics.HOTLIST).items()} == before
    first = streams.first_day(topics.HOTLIST)
    assert first is None or first >= (DAY - timedelta(days=1)).date()


@settings(max_examples=30, deadline=None)
@given(value=st.binary(max_size=200), key=st.binary(max_size=20), header=st.text(max_size=20))
def test_any_bytes_cross_a_line(
    tmp_path_factory: pytest.TempPathFactory, value: bytes, key: bytes, header: str
) -> None:
    root = tmp_path_factory.mktemp("files")
    streams = FileTopics(root, follow=False)
    streams.append(topics.DETECTIONS, [Message(key, value, {"note": header})])
    (read,) = streams.messages(topics.DETECTIONS)
    assert (read.key, read.value, read.headers) == (key, value, {"note": header})
