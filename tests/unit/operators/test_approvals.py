from datetime import timedelta
from typing import Any

import bytewax.operators as op
import msgspec
import pytest
from bytewax.dataflow import Dataflow, Stream
from bytewax.testing import TestingSink, TestingSource, run_main
from hypothesis import given, settings
from hypothesis import strategies as st

from platestream.flows.approvals import CallRateLimit
from platestream.operators import deployments
from platestream.operators.approvals import Approvals, Unapproved
from platestream.schemas import topics
from platestream.schemas.frame import Frame
from platestream.schemas.registry import RegistryRecord
from tests.support.flows import frame_message

KNOWN = RegistryRecord(
    kind="camera", id="known", name="Main St", latitude=34.5, longitude=-109.4, approved_by="Chief"
)
WAYS: dict[Unapproved, str] = {"quarantine": "quarantined", "refuse": "refused", "watch": "read_on"}


def frame(camera: str, second: float) -> Frame:
    return topics.FRAMES.decode(frame_message(1, second, camera=camera))


def controlled(frames: list[Frame], mode: Unapproved) -> dict[str, list[Any]]:
    flow = Dataflow("f")
    taken = op.input("frames", flow, TestingSource(frames, 3))
    nothing: Stream[Any] = op.input("registry", flow, TestingSource([]))
    streams = deployments.control("control", taken, nothing, Approvals(mode, [KNOWN]))
    out: dict[str, list[Any]] = {}
    for name in ("read_on", "quarantined", "refused", "findings"):
        op.output(name, getattr(streams, name), TestingSink(out.setdefault(name, [])))
    run_main(flow)
    return out


@pytest.mark.parametrize("mode", sorted(WAYS))
@given(cameras=st.lists(st.sampled_from(["known", "other", "third"]), max_size=8))
@settings(max_examples=20, deadline=None)
def test_each_frame_goes_one_way_and_what_breaks_a_rule_is_found_once_for_a_camera_and_day(
    mode: Unapproved, cameras: list[str]
) -> None:
    frames = [frame(camera, -number) for number, camera in enumerate(cameras)]
    out = controlled(frames, mode)
    good = [one for one in frames if one.camera_id == "known"]
    bad = [one for one in frames if one.camera_id != "known"]
    expected: dict[str, list[Any]] = {"read_on": good, "quarantined": [], "refused": []}
    if mode == "refuse":
        assert [(one.headers["camera-id"], one.value) for one in out["refused"]] == [
            (one.camera_id, None) for one in bad
        ]
        del expected["refused"]
    else:
        expected[WAYS[mode]] = frames if mode == "watch" else bad
    assert {name: out[name] for name in expected} == expected
    days = {(one.camera_id, one.captured_at.date()) for one in bad}
    assert sorted((one.camera_id, one.day) for one in out["findings"]) == sorted(days)
    assert {one.rule for one in out["findings"]} <= {"unregistered"}


AT = frame("known", 0).captured_at
OTHER = msgspec.structs.replace(KNOWN, id="other", changed_at=AT)


def test_an_approval_that_is_behind_its_frames_in_the_streams_is_asked_for() -> None:
    asked: list[list[RegistryRecord]] = [[], [OTHER]]
    approvals = Approvals(known=[KNOWN], newer=lambda: asked.pop(0))
    assert approvals.judge(frame("known", 0)).rule is None
    assert approvals.judge(frame("other", 1)).rule == "unregistered"
    assert [approvals.judge(frame("other", second)).rule for second in (2, 3)] == [None, None]
    assert asked == [], "what breaks no rule asks nothing"


def test_what_the_stream_brings_late_does_not_undo_what_was_asked_for() -> None:
    ended = msgspec.structs.replace(OTHER, active=False, changed_at=AT + timedelta(seconds=2))
    approvals = Approvals(known=[KNOWN], newer=lambda: [ended])
    assert approvals.judge(frame("other", 0)).rule == "ended"
    assert list(approvals.register(OTHER)) == []
    assert approvals.judge(frame("other", 1)).rule == "ended"


def test_the_registry_is_asked_once_a_second_and_less_often_where_it_takes_long() -> None:
    clock, takes, count = [AT], [0.0], [0]

    def ask() -> list[RegistryRecord]:
        count[0] += 1
        clock[0] += timedelta(seconds=takes[0])
        return [OTHER]

    newer = CallRateLimit(ask, lambda: clock[0])
    assert (newer(), newer()) == ([OTHER], [])
    clock[0] += timedelta(seconds=1)
    takes[0] = 0.5
    assert newer() == [OTHER]
    clock[0] += timedelta(seconds=9)
    assert newer() == []
    clock[0] += timedelta(seconds=1)
    assert newer() == [OTHER]
    assert count == [3]
