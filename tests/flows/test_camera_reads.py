"""Reads that cameras push, through the recognize and match flows: both reads, and which of them alerts."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from platestream.flows import match_flow, recognize_flow
from platestream.operators.matching.entry_match import Rules
from platestream.schemas import tables, topics
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.detection import Detection
from platestream.schemas.frame import CAMERA_READS, PUSH_FAULT
from platestream.schemas.hotlist import HotListChange
from platestream.schemas.message import Message
from tests.support.clock import NOW
from tests.support.flows import LISTED, ScriptedReader, frame_message, memory_edge, run
from tests.support.memory_edge import MemoryTopics

SCRIPT = {1: ["ABC1234"], 2: ["XYZ9876", "KLM5555"], 3: []}


def camera_read(plate: str, **more: Any) -> CameraRead:
    return CameraRead(format="axis", plate=plate, confidence=0.8, **more)


def push(level: int, second: float, *plates: str, picture: bool = True, **more: Any) -> Message:
    reads = msgspec.json.encode([camera_read(plate, **more) for plate in plates]).decode()
    message = frame_message(level, second, **{CAMERA_READS: reads})
    return message if picture else msgspec.structs.replace(message, value=b"")


def detections(*messages: Message, workers: int = 1) -> tuple[list[Detection], MemoryTopics]:
    edge, streams, store = memory_edge()
    for message in messages:
        streams.append(topics.FRAMES, message)
    run(recognize_flow.build(edge, ScriptedReader(SCRIPT)), workers=workers)
    found = streams.records(topics.DETECTIONS)
    assert {row["detection_id"] for row in store.rows(tables.DETECTIONS)} == {
        one.detection_id for one in found
    }
    return found, streams


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (push(1, 0, "ABC1234"), [("ABC1234", "ABC1234", "agree")]),
        (push(1, 0, "A8C1234"), [("ABC1234", "A8C1234", "disagree")]),
        (push(1, 0, "QQQ1"), [("ABC1234", "QQQ1", "disagree")]),
        (push(3, 0, "ABC1234"), [("ABC1234", "ABC1234", "camera_only")]),
        (push(1, 0), [("ABC1234", None, "reader_only")]),
        (push(1, 0, "ABC1234", picture=False), [("ABC1234", "ABC1234", "unseen")]),
        (frame_message(1, 0), [("ABC1234", None, "")]),
        (
            push(2, 0, "KLM5S55", "XYZ9876"),
            [("KLM5555", "KLM5S55", "disagree"), ("XYZ9876", "XYZ9876", "agree")],
        ),
        (push(2, 0, "KLM5555"), [("KLM5555", "KLM5555", "agree"), ("XYZ9876", None, "reader_only")]),
    ],
)
def test_both_reads_are_in_the_detection_and_compared(
    message: Message, expected: list[tuple[str, str | None, str]]
) -> None:
    found, streams = detections(message)
    assert (
        sorted((one.plate, one.camera_read and one.camera_read.plate, one.opinion) for one in found)
        == expected
    )
    assert streams.messages(topics.DEAD_LETTERS) == []
    for one in found:
        assert Detection.from_json(one.to_json()) == one
        assert one.crop.startswith(b"\xff\xd8"), "also where no picture came: it says so"


@pytest.mark.parametrize("workers", [1, 2])
def test_the_reads_of_one_pass_join_and_the_reader_s_count_where_there_are_any(workers: int) -> None:
    first = push(3, -2, "A8C1234", direction="in", lane="2", speed_kmh=48.0)
    found, _streams = detections(first, push(1, -1.5, "A8C1234"), push(3, -1, "ABC1234"), workers=workers)
    (one,) = found
    assert (one.plate, one.frames, one.agreeing, one.opinion) == ("ABC1234", 3, 1, "disagree")
    assert one.camera_read is not None
    assert one.camera_read.plate == "A8C1234", "the first of those with most confidence"
    (one,), _streams = detections(first)
    assert one.vehicle.other == {"direction": "in", "lane": "2", "speed_kmh": "48"}


def test_similar_plates_of_a_device_are_two_vehicles_unless_it_followed_one() -> None:
    first, second = push(3, -1, "ABC1234"), push(3, 0, "ABC1284")
    assert len(detections(first, second)[0]) == 2
    (one,), _streams = detections(push(3, -1, "ABC1234", track="7"), push(3, 0, "ABC1284", track="7"))
    assert one.frames == 2


def test_the_same_push_twice_and_a_second_play_of_the_topic_are_one_detection() -> None:
    messages = [push(1, 0, "ABC1234"), push(1, 0, "ABC1234"), push(3, 20, "XYZ1"), push(3, 20, "XYZ1")]
    found, _streams = detections(*messages)
    assert len(found) == 2
    again, _streams = detections(*messages, *messages)
    assert {one.detection_id for one in again} == {one.detection_id for one in found}


def test_two_vehicles_in_pushes_of_the_same_second_are_two_detections() -> None:
    messages = [push(3, 0, "ABC1234"), push(3, 0, "XYZ9876"), push(3, 0, "KLM5555"), push(3, 0, "ABC1234")]
    found, _streams = detections(*messages)
    assert sorted(one.plate for one in found) == ["ABC1234", "KLM5555", "XYZ9876"]
    again, _streams = detections(*messages, *messages)
    assert {(one.detection_id, one.plate) for one in again} == {
        (one.detection_id, one.plate) for one in found
    }


def test_a_picture_that_comes_after_the_read_of_the_same_time_counts() -> None:
    (one,), _streams = detections(push(3, 0, "ABC1234", picture=False), push(1, 0, "ABC1234"))
    assert (one.plate, one.opinion) == ("ABC1234", "agree")


def test_a_push_that_cannot_be_used_is_a_dead_letter_with_its_body() -> None:
    good = push(1, 0, "ABC1234")
    bad = Message(b"cam", b"<b", {**frame_message(1, 0).headers, PUSH_FAULT: "push: a push that is not XML"})
    broken = Message(b"cam", good.value, {**good.headers, CAMERA_READS: '[{"format":"axis","plate":"<b>"}]'})
    found, streams = detections(bad, broken, good)
    letters = {one.reason: one for one in streams.records(topics.DEAD_LETTERS)}
    assert (letters["push"].value, letters["push"].detail) == (b"<b", "a push that is not XML")
    assert "<b>" not in letters["headers"].detail
    assert [one.plate for one in found] == ["ABC1234"]


def test_a_reader_of_today_s_release_reads_detections_of_older_ones() -> None:
    old = msgspec.json.decode(detections(frame_message(1, 0))[0][0].to_json())
    del old["camera_read"], old["opinion"]
    assert Detection.from_json(msgspec.json.encode(old)).opinion == ""


def hits(rules: Rules, *messages: Message, listed: str = "ABC1234") -> list[tuple[str, str, str]]:
    found, _streams = detections(*messages)
    edge, streams, _store = memory_edge()
    entry = msgspec.structs.replace(
        LISTED, plate=listed, state=None, expires_at=NOW + timedelta(days=1), listed_at=None
    )
    streams.append(topics.HOTLIST, HotListChange(entry.entry_id, entry).to_message())
    for one in found:
        streams.append(topics.DETECTIONS, topics.DETECTIONS.encode(one))
    run(match_flow.build(edge, rules=rules))
    return [(hit.detection.plate, hit.match, hit.matched) for hit in streams.records(topics.ALERT_HITS)]


@pytest.mark.parametrize(
    ("rules", "message", "listed", "expected"),
    [
        (Rules(), push(1, 0, "QQQ1"), "ABC1234", [("ABC1234", "exact", "")]),
        (Rules(), push(1, 0, "QQQ1"), "QQQ1", [("ABC1234", "alternative", "QQQ1")]),
        (Rules(budget=0), push(1, 0, "QQQ1"), "QQQ1", [("ABC1234", "alternative", "QQQ1")]),
        (Rules(), push(3, 0, "ABC1234"), "ABC1234", [("ABC1234", "exact", "")]),
        (Rules(), push(3, 0, "ABC1234", picture=False), "ABC1234", []),
        (Rules(unseen=True), push(3, 0, "ABC1234", picture=False), "ABC1234", [("ABC1234", "exact", "")]),
        (Rules(camera_reads="reader"), push(1, 0, "QQQ1"), "QQQ1", []),
        (Rules(camera_reads="reader"), push(1, 0, "QQQ1"), "ABC1234", [("ABC1234", "exact", "")]),
        (Rules(camera_reads="reader"), push(3, 0, "ABC1234"), "ABC1234", []),
        (Rules(camera_reads="agree"), push(1, 0, "QQQ1"), "ABC1234", []),
        (Rules(camera_reads="agree"), push(1, 0, "ABC1234"), "ABC1234", [("ABC1234", "exact", "")]),
        (Rules(camera_reads="agree"), frame_message(1, 0), "ABC1234", [("ABC1234", "exact", "")]),
    ],
)
def test_the_rules_say_which_read_alerts(
    rules: Rules, message: Message, listed: str, expected: list[tuple[str, str, str]]
) -> None:
    assert hits(rules, message, listed=listed) == expected
