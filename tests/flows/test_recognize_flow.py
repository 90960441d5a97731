from pathlib import Path

import pytest
from bytewax.dataflow import Dataflow

from connectors.edge import Edge
from flows import recognize_flow
from schemas import tables, topics
from schemas.message import Message
from tests.support.flows import ScriptedReader, frame_message, memory_edge, recovery, run

SCRIPT = {1: ["ABC1234"], 2: ["XYZ9876", "KLM5555"], 3: [], 4: ["A8C1234"]}


def build(edge: Edge, reader: ScriptedReader | None = None) -> Dataflow:
    return recognize_flow.build(edge, reader or ScriptedReader(SCRIPT))


@pytest.mark.parametrize("workers", [1, 2])
def test_frames_become_one_detection_a_pass_in_topic_and_tables(workers: int) -> None:
    edge, streams, store = memory_edge()
    for second, level in [(-5, 1), (-4.8, 4), (-4.6, 1), (-1, 3), (0, 2)]:
        streams.append(topics.FRAMES, frame_message(level, second))
    run(build(edge), workers=workers)

    found = streams.records(topics.DETECTIONS)
    assert [one.plate for one in found] == ["ABC1234", "XYZ9876", "KLM5555"]
    assert (found[0].frames, found[0].agreeing) == (3, 2)
    assert [row["detection_id"] for row in store.rows(tables.DETECTIONS)] == [
        one.detection_id for one in found
    ]
    assert len(store.rows(tables.IMAGES)) == 2 * len(found)
    assert streams.messages(topics.DEAD_LETTERS) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_cameras_do_not_mix(workers: int) -> None:
    edge, streams, _store = memory_edge()
    for index in range(6):
        streams.append(topics.FRAMES, frame_message(1, -2 + index / 10, camera=f"cam-{index}"))
    run(build(edge), workers=workers)
    assert sorted(one.camera_id for one in streams.records(topics.DETECTIONS)) == [
        f"cam-{n}" for n in range(6)
    ]


def bad_frames() -> list[tuple[Message, str]]:
    good = frame_message(1, 0)
    return [
        (Message(b"cam", b"", good.headers), "empty"),
        (Message(b"cam", None, good.headers), "empty"),
        (Message(b"cam", good.value, {"camera-id": "cam"}), "headers"),
        (Message(b"cam", b"GIF89a", good.headers), "not_a_picture"),
        (Message(b"cam", (good.value or b"")[:-40], good.headers), "truncated"),
        (frame_message(1, -31 * 86400), "expired"),
        (frame_message(1, 3600), "future"),
        (frame_message(9, 0), "engine"),
    ]


def test_each_bad_frame_is_a_dead_letter_and_the_good_ones_go_on() -> None:
    edge, streams, store = memory_edge()
    for message, _reason in bad_frames():
        streams.append(topics.FRAMES, message)
        streams.append(topics.FRAMES, frame_message(1, -1))
    run(build(edge))

    letters = streams.records(topics.DEAD_LETTERS)
    assert sorted(letter.reason for letter in letters) == sorted(reason for _m, reason in bad_frames())
    assert len(store.rows(tables.DEAD_LETTERS)) == len(letters)
    assert [one.plate for one in streams.records(topics.DETECTIONS)] == ["ABC1234"]


def test_a_dead_letter_holds_the_original_bytes_except_what_has_expired() -> None:
    edge, streams, _store = memory_edge()
    streams.append(topics.FRAMES, Message(b"cam", b"GIF89a", frame_message(1, 0).headers))
    streams.append(topics.FRAMES, frame_message(1, -31 * 86400))
    run(build(edge))
    first, second = streams.records(topics.DEAD_LETTERS)
    assert (first.value, first.origin) == (b"GIF89a", streams.messages(topics.FRAMES)[0].origin)
    assert second.value is None


def test_an_engine_that_fails_on_everything_stops_the_flow() -> None:
    edge, streams, _store = memory_edge()
    for index in range(25):
        streams.append(topics.FRAMES, frame_message(9, index / 10))
    with pytest.raises(RuntimeError, match="recognize"):
        run(build(edge))


def test_two_full_plays_of_the_topic_leave_the_same_rows() -> None:
    edge, streams, store = memory_edge()
    for index in range(8):
        streams.append(topics.FRAMES, frame_message(1 + index % 3, index - 10))
    run(build(edge))
    once = store.rows(tables.DETECTIONS)
    run(build(edge))
    assert store.rows(tables.DETECTIONS) == once


def test_a_restart_goes_on_where_the_flow_stopped(tmp_path: Path) -> None:
    edge, streams, store = memory_edge()
    kept = recovery(tmp_path / "recovery")
    reader = ScriptedReader(SCRIPT)
    streams.append(topics.FRAMES, frame_message(1, -5))
    run(build(edge, reader), kept)
    streams.append(topics.FRAMES, frame_message(2, -1))
    run(build(edge, reader), kept)
    assert reader.calls == 2
    assert sorted(row["plate"] for row in store.rows(tables.DETECTIONS)) == ["ABC1234", "KLM5555", "XYZ9876"]


def test_a_table_is_written_once_an_epoch() -> None:
    edge, streams, store = memory_edge()
    for index in range(4):
        streams.append(topics.FRAMES, frame_message(2, index - 4, camera=f"cam-{index}"))
    from bytewax.testing import run_main

    run_main(build(edge))
    assert store.inserts["detections"] == 1
