"""A vehicle that stands before its camera: published while it stands, matched with what is listed then."""

from dataclasses import replace
from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.operators.consensus import PassRules, VehiclePasses
from platestream.operators.frame_reads import FrameReads
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.events import Event
from platestream.operators.matching.router import probe, probe_in_view
from platestream.schemas import plates
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Detection
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.message import EndOfSnapshot
from tests.unit.operators.test_consensus import START, logic, reads

LISTED = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))
READY = (EndOfSnapshot("hotlist", 0, 1), EndOfSnapshot("registry", 0, 1))
PLATE = "AST3087"
RULES = PassRules()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def standing(until: float, confidence: float = 0.95, every: float = 0.5) -> list[tuple[float, str, float]]:
    """A vehicle's reads from 0 to `until`: second, plate, confidence."""
    return [(step * every, PLATE, confidence) for step in range(int(until / every) + 1)]


def published(
    seen: list[tuple[float, str, float]], passes: VehiclePasses | None = None
) -> list[tuple[float, Detection | VehicleInView]]:
    """What is published, with the second of the frame that made it; at last a frame long after."""
    passes = passes or logic()
    out = [
        (at, one)
        for at, plate, confidence in seen
        for one in passes.on_item(reads(at, (plate, confidence)))[0]
    ]
    after = seen[-1][0] + 2.5
    return out + [(after, one) for one in passes.on_item(reads(after))[0]]


def test_a_vehicle_that_is_read_surely_and_stays_is_published_while_it_stands_and_only_once() -> None:
    (at, first), *later = published(standing(20))
    assert isinstance(first, Detection)
    assert (at, first.plate, first.frames, first.stayed_ms) == (3.0, PLATE, 7, 3000)
    assert [one[0] for one in later] == [6.0, 9.0, 12.0, 15.0, 18.0]
    assert all(
        one == VehicleInView(detection=first, seen_at=START + seconds(second)) for second, one in later
    )


def test_a_vehicle_that_is_not_read_surely_is_published_when_it_has_left() -> None:
    ((at, one),) = published(standing(8, confidence=0.3))
    assert isinstance(one, Detection)
    assert one.confidence < RULES.sure
    assert (at, one.frames) == (10.5, 17)


def test_a_read_that_only_a_camera_made_waits_for_its_picture() -> None:
    """Devices send a read first, and its picture seconds later; published early, it would stay unseen."""

    def pushed(at: float, *, ours: bool) -> FrameReads:
        frame = reads(at, (PLATE, 0.95))
        (one,) = frame.sightings
        sightings = (replace(one, ours=ours),)
        return replace(frame, sightings=sightings, pushed=True, unseen=not ours)

    passes = logic()
    alone = [one for step in range(9) for one in passes.on_item(pushed(step / 2, ours=False))[0]]
    assert alone == []
    with_picture = [one for step in range(9, 17) for one in passes.on_item(pushed(step / 2, ours=True))[0]]
    assert [type(one) for one in with_picture][:1] == [Detection]
    assert isinstance(with_picture[0], Detection)
    assert with_picture[0].opinion != "unseen"


def test_a_vehicle_that_passes_is_published_with_all_its_frames() -> None:
    ((_at, one),) = published(standing(2.5))
    assert isinstance(one, Detection)
    assert one.frames == 6


def test_no_picture_stays_in_the_recovery_store_when_the_vehicle_has_left() -> None:
    passes = logic()
    published(standing(10), passes)
    assert b"crop" not in passes.snapshot().replace(b"crop\xc4\x00", b"")
    assert PLATE.encode() in passes.snapshot(), "a late frame still finds its pass"


def test_a_camera_that_falls_silent_before_a_standing_vehicle_leaves_no_picture_either() -> None:
    clock = [START]
    passes = VehiclePasses(None, ("model",), RULES, lambda: clock[0])
    for at, plate, confidence in standing(4):
        clock[0] = START + seconds(at)
        passes.on_item(reads(at, (plate, confidence)))
    due = passes.notify_at()
    assert due == clock[0] + RULES.idle
    clock[0] = due
    assert passes.on_notify() == ([], False)
    assert b"crop " not in passes.snapshot()


@given(st.integers(2, 60), st.integers(1, 100))
def test_a_restart_anywhere_publishes_the_rest_as_if_there_had_been_none(until: int, after: int) -> None:
    seen = standing(until)
    before, rest = seen[:after], seen[after:] or seen[-1:]
    passes = logic()
    for at, plate, confidence in before:
        passes.on_item(reads(at, (plate, confidence)))
    again = published(rest, logic(passes.snapshot()))
    assert again == [one for one in published(seen) if one[0] > before[-1][0]]


def entry(listed_at: float | None, **changes: int) -> HotListEntry:
    at = None if listed_at is None else START + seconds(listed_at)
    until = START + timedelta(days=1)
    return msgspec.structs.replace(
        LISTED, plate=PLATE, state=None, listed_at=at, valid_from=None, expires_at=until, **changes
    )


class Matcher:
    """The bucket of the plate; a restart may come at any time."""

    def __init__(self) -> None:
        self.matcher = HotListMatcher(None)
        self.listed: list[Event] = []
        self.play(*READY)

    def play(self, *events: Event) -> list[AlertHit]:
        return [hit for event in events for hit in self.matcher.on_batch([[event]])[0]]

    def add(self, one: HotListEntry) -> None:
        self.listed.append(pack_entry(one))
        self.play(self.listed[-1])

    def restart(self) -> None:
        self.matcher = HotListMatcher(self.matcher.snapshot())
        self.play(*self.listed, *READY)

    def see(self, one: Detection | VehicleInView) -> list[AlertHit]:
        probes = probe([one]) if isinstance(one, Detection) else probe_in_view([one])
        return self.play(
            *(event for bucket, events in probes if bucket == plates.bucket(PLATE) for event in events)
        )


def alerts(
    listed_at: float, until: float, restarts: frozenset[int] = frozenset(), **changes: int
) -> list[tuple[float, AlertHit]]:
    """Alerts with the second of their frame, of a vehicle that stands there from 0 `until`."""
    matcher, found, there = Matcher(), [], False
    for number, (at, one) in enumerate(published(standing(until))):
        if not there and at >= listed_at:
            matcher.add(entry(listed_at, **changes))
            there = True
        if number in restarts:
            matcher.restart()
        found += [(at, hit) for hit in matcher.see(one)]
    return [(at, hit) for at, hit in found if not hit.historical]


@given(
    st.floats(-5, 50),
    st.frozensets(st.integers(0, 20)),
    st.sampled_from((0, 90, 300)),
)
def test_whenever_a_standing_vehicle_is_listed_it_alerts_once_within_seconds(
    listed_at: float, restarts: frozenset[int], again_after_s: int
) -> None:
    ((at, hit),) = alerts(listed_at, 58, restarts, again_after_s=again_after_s)
    soon = max(RULES.settled, seconds(max(listed_at, 0)) + RULES.again + seconds(0.5))
    assert seconds(at) <= soon
    assert hit.detection.last_at >= START + seconds(listed_at)


def test_the_find_of_its_look_back_is_another_hit_than_the_alert() -> None:
    matcher = Matcher()
    (_at, first), (_later, again), *_others = published(standing(20))
    matcher.add(entry(4))
    (find,) = matcher.see(first)
    (alert,) = matcher.see(again)
    assert (find.historical, alert.historical) == (True, False)
    assert find.hit_id != alert.hit_id
    assert find.detection.detection_id == alert.detection.detection_id
    assert matcher.see(again) == [], "reported again"


def test_a_report_from_before_the_listing_alerts_nobody() -> None:
    matcher = Matcher()
    (_at, _first), (_later, again), *_others = published(standing(20))
    matcher.add(entry(30))
    assert matcher.see(again) == []


def test_an_entry_that_was_listed_before_alerts_with_the_detection_alone() -> None:
    matcher = Matcher()
    matcher.add(entry(None))
    hits = [hit for _at, one in published(standing(20)) for hit in matcher.see(one)]
    assert len(hits) == 1


def test_reports_are_no_reads_that_wait_for_the_list() -> None:
    matcher = HotListMatcher(None)
    (_at, _first), (_later, again), *_others = published(standing(20))
    assert isinstance(again, VehicleInView)
    for _bucket, events in probe_in_view([again]):
        assert list(matcher.on_batch([events])[0]) == []
    assert matcher.snapshot() == HotListMatcher(None).snapshot()
