from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files import FileTopics
from schemas import topics
from schemas.message import Message, RefusedError
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
