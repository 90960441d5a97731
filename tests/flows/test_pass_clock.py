"""Vehicles that follow one another by about as long as the clock of their camera waits, through Bytewax."""

import time
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, TestingSource, run_main

from platestream.operators.consensus import PassRules, VehiclePasses, detections_of
from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.runtime.clock import utc_now
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.reading import PlateRead

IDLE = timedelta(milliseconds=300)


def frame(ago: float, plate: str) -> FrameReads:
    read = PlateRead(plate, 0.9, None, 0.0, (100, 300, 100, 50), (), (0.9,) * 7)
    at = datetime.now(UTC) - timedelta(seconds=ago)
    return FrameReads("gate", at, 34.5, -109.4, Vehicle(), (Sighting(read, b"crop", b"picture"),))


def test_the_clock_of_the_vehicle_before_does_not_close_the_next_ones_pass_at_its_first_frame() -> None:
    rules = PassRules(idle=IDLE, patience=IDLE)
    out: list[tuple[str, Detection]] = []
    frames = [frame(10, "ABC1234"), *(frame(ago, "XYZ9876") for ago in (0.4, 0.2, 0.0))]

    def read(seen: FrameReads) -> FrameReads:
        """Takes longer than the clock waits for the second vehicle's first frame, as a busy reader may."""
        if seen is frames[1]:
            time.sleep(1.5 * IDLE.total_seconds())
        return seen

    flow = Dataflow("pass_clock")
    seen = op.map("read", op.input("frames", flow, TestingSource(frames)), read)
    keyed = op.key_on("by_camera", seen, lambda one: one.camera_id)
    passes = op.stateful("passes", keyed, lambda resume: VehiclePasses(resume, ("m",), rules, utc_now))
    op.output("out", op.flat_map_value("published", passes, detections_of), TestingSink(out))
    run_main(flow)
    assert [(one.plate, one.frames) for _key, one in out] == [("ABC1234", 1), ("XYZ9876", 3)]
