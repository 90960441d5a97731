from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.consensus import PassRules, Published, VehiclePasses, detections_of
from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.operators.vehicle import Attribute, Look
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Vehicle
from platestream.schemas.reading import PlateRead

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
UNKNOWN = Vehicle()
Seen = tuple[str, float] | tuple[str, float, int]


def reads(second: float, *seen: Seen) -> FrameReads:
    """A frame at `second`, with plates read as (plate, confidence[, x])."""
    sightings = []
    for index, one in enumerate(seen):
        x = one[2] if len(one) == 3 else 400 * index
        read = PlateRead(one[0], one[1], None, 0.0, (x, 300, 100, 50), (), (one[1],) * len(one[0]))
        sightings.append(Sighting(read, f"crop {one[0]}".encode(), b"picture"))
    return FrameReads("cam", START + timedelta(seconds=second), 34.5, -109.4, Vehicle(), tuple(sightings))


def logic(resume: bytes | None = None, now: Callable[[], datetime] = lambda: START) -> VehiclePasses:
    return VehiclePasses(resume, ("model",), PassRules(), now)


def run(frames: Iterable[FrameReads], passes: VehiclePasses | None = None) -> list[Detection]:
    passes = passes or logic()
    return only([*(one for frame in frames for one in passes.on_item(frame)[0]), *passes.on_eof()[0]])


def only(published: Iterable[Published]) -> list[Detection]:
    """Without reports of vehicles that are in view still."""
    return [found for one in published for found in detections_of(one)]


def test_reads_of_one_vehicle_make_one_detection_with_the_best_picture_kept() -> None:
    (one,) = run([reads(0, ("ABC1234", 0.7)), reads(0.2, ("A8C1234", 0.6)), reads(0.4, ("ABC1234", 0.9))])
    assert (one.plate, one.frames, one.agreeing) == ("ABC1234", 3, 2)
    assert 0.8 < one.confidence < 0.9
    assert one.alternatives[0].plate == "A8C1234"
    assert one.captured_at == START
    assert one.best_at == START + timedelta(seconds=0.4)
    assert one.last_at == START + timedelta(seconds=0.4)
    assert one.crop == b"crop ABC1234"


def test_what_each_frame_got_wrong_elsewhere_is_put_right_together() -> None:
    seen = [reads(0, ("A8C1234", 0.5)), reads(0.2, ("ABC1Z34", 0.6)), reads(0.4, ("ABC123A", 0.5))]
    (one,) = run(seen)
    assert (one.plate, one.frames, one.agreeing) == ("ABC1234", 3, 0)
    assert one.crop == b"crop ABC1Z34"


def test_two_vehicles_in_one_frame_make_two_detections_however_alike() -> None:
    frames = [reads(t / 10, ("ABC1234", 0.9, 100), ("ABC1235", 0.9, 700)) for t in range(4)]
    assert sorted(one.plate for one in run(frames)) == ["ABC1234", "ABC1235"]


def test_an_alike_plate_far_away_in_the_frame_is_another_vehicle() -> None:
    frames = [reads(0, ("ABC1234", 0.9, 0)), reads(0.2, ("ABC1235", 0.9, 1100))]
    assert len(run(frames)) == 2


def test_the_same_vehicle_minutes_later_is_a_second_pass() -> None:
    first, second = run([reads(0, ("ABC1234", 0.9)), reads(120, ("ABC1234", 0.9))])
    assert first.detection_id != second.detection_id


def test_a_pass_is_published_as_soon_as_the_camera_is_past_it() -> None:
    passes = logic()
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    published, _discard = passes.on_item(reads(2.5))
    assert [one.plate for one in only(published)] == ["ABC1234"]


def test_a_camera_that_falls_silent_is_waited_for_only_so_long() -> None:
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += PassRules().idle
    assert passes.notify_at() == clock[0]
    published, discard = passes.on_notify()
    assert [one.plate for one in only(published)] == ["ABC1234"]
    assert not discard, "a late frame must still find its pass"


def test_a_camera_that_stays_silent_leaves_no_plate_in_the_recovery_store() -> None:
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += PassRules().idle
    passes.on_notify()
    assert passes.notify_at() == START + PassRules().silence
    clock[0] = START + PassRules().silence
    assert passes.on_notify() == ([], True)
    assert b"ABC1234" not in passes.snapshot()


def test_a_backlog_is_waited_for_longer_and_so_is_what_follows_a_restart() -> None:
    late = logic(now=lambda: START + timedelta(seconds=12))
    late.on_item(reads(0, ("ABC1234", 0.9)))
    assert late.notify_at() == START + timedelta(seconds=24)
    again = logic(late.snapshot(), lambda: START)
    assert again.notify_at() == START + PassRules().patience


@pytest.mark.parametrize("stood_still", [timedelta(seconds=5), timedelta(minutes=20), timedelta(hours=9)])
def test_frames_that_came_while_the_process_stood_still_are_of_the_pass_that_they_are_of(
    stood_still: timedelta,
) -> None:
    """SIGSTOP, a machine that sleeps: the clock strikes before what waits is read."""
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += stood_still
    assert passes.on_notify() == ([], False)
    due = passes.notify_at()
    assert due is not None
    assert PassRules().idle <= due - clock[0] <= PassRules().patience
    (one,) = run([reads(0.2, ("ABC1234", 0.9)), reads(0.4, ("ABC1234", 0.9))], passes)
    assert (one.captured_at, one.frames) == (START, 3)


def test_a_camera_that_is_silent_after_a_standstill_is_waited_for_once() -> None:
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += timedelta(minutes=1)
    assert passes.on_notify() == ([], False)
    clock[0] += timedelta(minutes=1)
    published, _discard = passes.on_notify()
    assert [one.frames for one in only(published)] == [1]


def test_a_vehicle_that_an_outage_draws_apart_for_less_than_an_hour_is_detected_once() -> None:
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += PassRules().idle
    (one,) = only(passes.on_notify()[0])
    clock[0] += timedelta(minutes=59)
    assert run([reads(0.2, ("ABC1234", 0.9))], passes) == []
    assert one.captured_at == START


def test_a_late_frame_of_a_published_pass_opens_no_second_one() -> None:
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += PassRules().idle
    assert len(passes.on_notify()[0]) == 1
    assert run([reads(0.5, ("ABC1234", 0.99))], passes) == []


def test_a_clock_that_was_set_for_the_vehicle_before_closes_no_pass_of_the_next() -> None:
    """Bytewax strikes in the turn in which the next one's first frame comes, and asks when afterwards."""
    clock = [START]
    passes = logic(now=lambda: clock[0])
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    clock[0] += PassRules().idle
    (before,) = only(passes.on_item(reads(2.1, ("XYZ9876", 0.9)))[0])
    assert before.plate == "ABC1234"
    assert passes.on_notify() == ([], False)
    (one,) = run([reads(2.3, ("XYZ9876", 0.9)), reads(2.5, ("XYZ9876", 0.9))], passes)
    assert (one.plate, one.frames) == ("XYZ9876", 3)


def test_a_parked_vehicle_is_detected_again_only_after_the_longest_pass() -> None:
    found = run(reads(second, ("ABC1234", 0.9)) for second in range(100))
    assert len(found) == 2


def test_the_state_of_a_camera_is_gone_when_its_passes_are_forgotten() -> None:
    passes = logic()
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    _published, discard = passes.on_item(reads(400))
    assert discard
    passes.on_item(reads(400))
    assert b"ABC1234" not in passes.snapshot()


def followed(second: float, plate: str) -> FrameReads:
    """A frame at `second` in which a plate was found again and not read."""
    frame = reads(second, (plate, 0.9))
    (one,) = frame.sightings
    one = replace(one, read=replace(one.read, followed=True), crop=b"", picture=b"")
    return replace(frame, sightings=(one,))


def test_a_plate_that_is_followed_lengthens_its_pass_and_is_no_vote() -> None:
    (one,) = run([reads(0, ("ABC1234", 0.9)), reads(0.2, ("ABC1234", 0.95)), followed(1.4, "ABC1234")])
    (short,) = run([reads(0, ("ABC1234", 0.9)), reads(0.2, ("ABC1234", 0.95))])
    assert (one.frames, one.agreeing, one.confidence) == (2, 2, short.confidence)
    assert one.last_at == START + timedelta(seconds=1.4)
    assert one.best_at == START + timedelta(seconds=0.2)
    assert (one.crop, one.picture) == (b"crop ABC1234", b"picture")


def test_a_pass_ends_after_the_last_frame_in_which_its_plate_was_followed() -> None:
    passes = logic()
    for frame in (reads(0, ("ABC1234", 0.9)), *(followed(step, "ABC1234") for step in (1.0, 2.0, 3.0))):
        assert only(passes.on_item(frame)[0]) == []
    assert only(passes.on_item(reads(4.9))[0]) == []
    (one,) = only(passes.on_item(reads(5.1))[0])
    assert one.stayed_ms == 3000


def test_a_followed_plate_whose_pass_is_unknown_opens_none() -> None:
    passes = logic()
    assert passes.on_item(followed(0, "ABC1234")) == ([], True)
    assert run([followed(0, "ABC1234")]) == []


def test_the_id_does_not_depend_on_what_was_read() -> None:
    (one,) = run([reads(0, ("ABC1234", 0.7))])
    (other,) = run([reads(0, ("XYZ9876", 0.9))])
    assert one.detection_id == other.detection_id


PLATES = st.sampled_from(["ABC1234", "A8C1234", "XYZ9876", "KLM555"])
FRAMES = st.lists(
    st.tuples(st.integers(1, 30), st.lists(PLATES, max_size=2, unique=True)), min_size=1, max_size=25
)


def timeline(gaps: list[tuple[int, list[str]]]) -> list[FrameReads]:
    at, frames = 0.0, []
    for gap, seen in gaps:
        at += gap / 10
        frames.append(reads(at, *((plate, 0.9) for plate in seen)))
    return frames


@given(FRAMES)
def test_playing_every_frame_twice_changes_nothing(gaps: list[tuple[int, list[str]]]) -> None:
    frames = timeline(gaps)
    assert run(frame for frame in frames for _twice in range(2)) == run(frames)


@given(FRAMES)
def test_a_clock_that_strikes_before_it_is_due_changes_nothing(gaps: list[tuple[int, list[str]]]) -> None:
    frames, passes = timeline(gaps), logic()
    found = []
    for frame in frames:
        found += only(passes.on_item(frame)[0])
        found += only(passes.on_notify()[0])
    assert found + only(passes.on_eof()[0]) == run(frames)


@given(FRAMES, st.data())
def test_a_crash_anywhere_and_a_replay_from_the_snapshot_publish_the_same_rows(
    gaps: list[tuple[int, list[str]]], data: st.DataObject
) -> None:
    frames = timeline(gaps)
    snapshot_at = data.draw(st.integers(0, len(frames)))
    crash_at = data.draw(st.integers(snapshot_at, len(frames)))

    passes = logic()
    rows = {one.detection_id: one for frame in frames[:snapshot_at] for one in only(passes.on_item(frame)[0])}
    saved = passes.snapshot()
    for frame in frames[snapshot_at:crash_at]:
        rows |= {one.detection_id: one for one in only(passes.on_item(frame)[0])}
    rows |= {one.detection_id: one for one in run(frames[snapshot_at:], logic(saved))}

    assert rows == {one.detection_id: one for one in run(frames)}


@given(FRAMES, st.lists(st.floats(0, 100), min_size=25, max_size=25), st.data())
def test_whenever_frames_come_and_wherever_a_crash_is_the_same_vehicles_are_detected(
    gaps: list[tuple[int, list[str]]], pauses: list[float], data: st.DataObject
) -> None:
    """A pause is real time before a frame: the clock strikes in it, and not when all is replayed at once.

    Which frames are of one pass is said by capture times; how many of them were waited for, by the clock.
    """
    frames, clock = timeline(gaps), [START]
    snapshot_at = data.draw(st.integers(0, len(frames)))
    crash_at = data.draw(st.integers(snapshot_at, len(frames)))
    expected = {one.detection_id: one for one in run(frames)}

    def live(passes: VehiclePasses, some: list[FrameReads], waits: list[float]) -> dict[UUID, Detection]:
        found: dict[UUID, Detection] = {}
        for frame, wait in zip(some, waits, strict=False):
            until = clock[0] + timedelta(seconds=wait)
            while (due := passes.notify_at()) is not None and due <= until:
                clock[0] = max(clock[0], due)
                found |= {one.detection_id: one for one in only(passes.on_notify()[0])}
            clock[0] = until
            found |= {one.detection_id: one for one in only(passes.on_item(frame)[0])}
        return found

    passes = logic(now=lambda: clock[0])
    rows = live(passes, frames[:snapshot_at], pauses)
    saved = passes.snapshot()
    rows |= live(passes, frames[snapshot_at:crash_at], pauses[snapshot_at:])
    again = logic(saved, lambda: clock[0])
    rows |= live(again, frames[snapshot_at:], [0.0] * len(frames))
    rows |= {one.detection_id: one for one in only(again.on_eof()[0])}

    assert rows.keys() == expected.keys()


@given(FRAMES)
def test_every_read_belongs_to_exactly_one_published_pass(gaps: list[tuple[int, list[str]]]) -> None:
    """Where none is published while its vehicle stands there; further reads of such a one are absorbed."""
    frames, in_the_end = timeline(gaps), PassRules(settled=PassRules().longest + timedelta(seconds=1))
    found = run(frames, VehiclePasses(None, ("model",), in_the_end, lambda: START))
    reads_of = sum(len(frame.sightings) for frame in frames)
    assert sum(one.frames for one in found) == reads_of
    assert len({one.detection_id for one in found}) == len(found)
    early = run(frames)
    assert sum(one.frames for one in early) <= reads_of
    assert len({one.detection_id for one in early}) == len(early)


def viewed(second: float, width: int, confidence: float = 0.9, camera: Vehicle = UNKNOWN) -> FrameReads:
    """A frame with one plate of a width, whose view names it."""
    read = PlateRead("ABC1234", confidence, None, 0.0, (0, 300, width, 50), (), ())
    sighting = Sighting(read, b"crop", b"picture", f"{width}".encode())
    at = START + timedelta(seconds=second)
    return FrameReads("cam", at, 34.5, -109.4, camera, (sighting,))


def described(frames: Iterable[FrameReads], look: Look) -> tuple[list[Detection], list[list[bytes]]]:
    """The detections, and the views of each that were examined."""
    examined: list[list[bytes]] = []

    def examine(views: Sequence[bytes]) -> Look:
        examined.append(list(views))
        return look

    passes = VehiclePasses(None, ("model",), PassRules(), lambda: START, examine)
    return run(frames, passes), examined


WHITE = Look(Attribute("suv", 0.8), Attribute("white", 0.9))


def test_a_vehicle_is_described_once_for_its_pass_from_its_two_best_views() -> None:
    frames = [viewed(0, 100), viewed(0.2, 110), viewed(0.4, 120, confidence=0.3), viewed(0.6, 115)]
    (one,), examined = described(frames, WHITE)
    assert examined == [[b"115", b"110"]]
    assert (one.vehicle.body, one.vehicle.colour) == ("suv", "white")
    assert one.vehicle.other["body_confidence"] == "0.80"
    assert "direction" not in one.vehicle.other


def test_a_plate_that_grows_over_the_pass_approaches() -> None:
    (one,), _ = described([viewed(0, 80), viewed(0.3, 60), viewed(0.6, 130)], Look())
    assert one.vehicle.other["direction"] == "approaching"
    assert one.vehicle.body is None


def test_what_the_camera_reports_of_the_vehicle_stands() -> None:
    camera = Vehicle(colour="tan", body="SUV")
    (one,), _ = described([viewed(0, 100, camera=camera)], WHITE)
    assert one.vehicle == camera


def test_views_are_in_the_snapshot_and_leave_it_with_the_pass() -> None:
    passes = logic()
    passes.on_item(viewed(0, 100))
    resumed = logic(passes.snapshot())
    assert b"view" in resumed.snapshot()
    resumed.on_eof()
    assert msgspec.msgpack.decode(resumed.snapshot())[0]["views"] == {"best": [], "widths": []}


def test_a_pass_of_the_release_before_has_no_view_and_is_published() -> None:
    passes = logic()
    passes.on_item(reads(0, ("ABC1234", 0.9)))
    (stored,) = msgspec.msgpack.decode(passes.snapshot())
    del stored["views"]
    (one,) = logic(msgspec.msgpack.encode([stored])).on_eof()[0]
    assert isinstance(one, Detection)
    assert (one.plate, one.vehicle) == ("ABC1234", Vehicle())
