"""Rows that count frames, whatever became of them."""

import msgspec
import pytest

from platestream.flows import recognize_flow
from platestream.schemas import tables, topics
from platestream.schemas.frame import frame_id
from platestream.schemas.frame_count import FRAME_COUNT, FrameCount
from platestream.schemas.message import Message
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.flows import ScriptedReader, frame_message, memory_edge, run

EPOCH = "0123456789abcdef"


def numbered(number: int, level: int = 3, camera: str = "cam", **lost: int) -> Message:
    made = frame_message(level, number / 10 - 5, camera)
    name = str(frame_id(camera, NOW, b"%d" % number))
    count = msgspec.json.encode(FrameCount(EPOCH, number, lost)).decode()
    return msgspec.structs.replace(made, headers={**made.headers, FRAME_COUNT: count, "frame-id": name})


@pytest.mark.parametrize("workers", [1, 2])
def test_read_refused_and_repeated_frames_have_one_row_each(workers: int) -> None:
    edge, streams, store = memory_edge()
    bad = msgspec.structs.replace(numbered(2), value=b"no picture")
    for one in (numbered(1), bad, numbered(3, full=4), numbered(3, full=4), numbered(4)):
        streams.append(topics.FRAMES, one)
    run(recognize_flow.build(edge, ScriptedReader({3: []})), workers=workers)
    found = sorted((row["number"], row["outcome"], row["lost"]) for row in store.rows(tables.FRAMES_COUNTED))
    assert [one[:2] for one in found] == [(1, "read"), (2, found[1][1]), (3, "read"), (4, "read")]
    assert found[1][1] not in ("read", "held")
    assert found[2][2] == '{"full":4}'
    assert {row["epoch"] for row in store.rows(tables.FRAMES_COUNTED)} == {EPOCH}


def test_a_quarantined_frame_is_counted_and_a_frame_without_a_number_is_too() -> None:
    edge, streams, store = memory_edge()
    approved = RegistryRecord(
        kind="camera", id="other", name="other", approved_by="Chief", latitude=34.5, longitude=-109.4,
        agency="sjpd", changed_at=NOW, approved_at=NOW,
    )  # fmt: skip
    streams.append(topics.REGISTRY, topics.REGISTRY.encode(approved))
    streams.append(topics.FRAMES, numbered(7))
    streams.append(topics.FRAMES, frame_message(3, 0, camera="other"))
    run(recognize_flow.build(edge, ScriptedReader({3: []})))
    rows = {row["camera_id"]: row for row in store.rows(tables.FRAMES_COUNTED)}
    assert (rows["cam"]["outcome"], rows["cam"]["number"]) == ("held", 7)
    assert rows["other"]["epoch"] == ""
