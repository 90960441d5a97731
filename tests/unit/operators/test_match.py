"""A bucket of the hot list, and where changes and reads belong."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.generators.catalogue import example
from platestream.operators.match import HotListMatcher
from platestream.operators.matching.changelog_decoder import list_changes, pack_entry
from platestream.operators.matching.entry_match import match_entry
from platestream.operators.matching.events import Changes, Entries, Event, Reads, Removal
from platestream.operators.matching.router import ALL_BUCKETS, GRACE, HotListRouter, designate, probe
from platestream.schemas import plates
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import Batch, EndOfSnapshot
from platestream.schemas.registry import RegistryRecord

READ = Detection.from_json(bytes(example("detection").accepted))
LISTED = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))
NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)


def detection(plate: str, second: float = 0, **changes: Any) -> Detection:
    at = READ.captured_at + timedelta(seconds=second)
    alternatives = tuple(Alternative(other, 0.1) for other in changes.pop("alternatives", ()))
    named = {"detection_id": uuid4(), "plate": plate, "captured_at": at, "alternatives": alternatives}
    return msgspec.structs.replace(READ, **{**named, **changes})


def entry(plate: str, name: str = "sjpd:1", **changes: Any) -> HotListEntry:
    return msgspec.structs.replace(LISTED, plate=plate, entry_id=name, **changes)


def play(matcher: HotListMatcher, *events: Event | Detection) -> list[AlertHit]:
    """One event a batch."""
    result: list[Event] = [Reads([event]) if isinstance(event, Detection) else event for event in events]
    return [hit for event in result for hit in matcher.on_batch([[event]])[0]]


READY = (EndOfSnapshot("hotlist", 0, 2), EndOfSnapshot("registry", 0, 1), EndOfSnapshot("hotlist", 1, 2))
AST = pack_entry(entry("AST3087"))


def ready(*events: Event) -> HotListMatcher:
    matcher = HotListMatcher(None)
    play(matcher, *events, *READY)
    return matcher


def test_no_read_is_judged_before_list_and_registry_are_loaded() -> None:
    matcher = HotListMatcher(None)
    assert play(matcher, detection("AST3087"), READY[0], READY[1]) == []
    assert play(matcher, AST) == []
    assert [hit.entry for hit in play(matcher, READY[2])] == [entry("AST3087")]


def test_a_restart_waits_again_and_keeps_the_reads_that_waited() -> None:
    matcher = HotListMatcher(None)
    play(matcher, detection("AST3087"), Reads([], [detection("X", camera_id="b", alternatives=["AST3087"])]))
    again = HotListMatcher(matcher.snapshot())
    assert play(again, AST, *READY[:2]) == []
    assert len(play(again, READY[2])) == 2


def test_what_is_judged_leaves_the_snapshot() -> None:
    matcher = HotListMatcher(None)
    play(matcher, detection("AST3087"), AST, *READY)
    assert b"AST3087" not in matcher.snapshot()


def test_a_removed_entry_stops_alerting_with_the_next_read() -> None:
    matcher = ready(AST)
    assert len(play(matcher, detection("AST3087"))) == 1
    assert play(matcher, Removal(AST.key, AST.shape), detection("AST3087", 1000)) == []


def test_every_entry_of_a_plate_alerts_the_better_ones_first() -> None:
    read = detection("AST3087", state="AZ")
    hits = play(
        ready(
            *(
                pack_entry(entry("AST3087", f"ncic:{state}", source="ncic", state=state))
                for state in ("NM", "AZ")
            )
        ),
        read,
    )
    assert [(hit.entry.entry_id, hit.state_check) for hit in hits] == [
        ("ncic:AZ", "same"),
        ("ncic:NM", "contradicts"),
    ]
    assert hits[0].rank < hits[1].rank
    assert len({hit.hit_id for hit in hits}) == 2


def test_a_read_judged_twice_makes_the_same_hit() -> None:
    read = detection("AST3087")
    once, twice = play(ready(AST), read, read)
    assert once == twice
    assert isinstance(once.hit_id, UUID)


def test_a_vehicle_that_stays_alerts_once_a_pass() -> None:
    reads = [detection("AST3087", second) for second in (0, 60, 120, 180)]
    hits = play(ready(AST), *reads, detection("AST3087", 600))
    assert [hit.detection.captured_at for hit in hits] == [
        READ.captured_at,
        READ.captured_at + timedelta(seconds=600),
    ]


def test_a_better_read_of_the_same_pass_alerts_once_more() -> None:
    hits = play(ready(AST), detection("A5T3087"), detection("AST3087", 2), detection("A5T3087", 4))
    assert [hit.match for hit in hits] == ["look_alike", "exact"]


def test_another_camera_is_another_pass() -> None:
    assert len(play(ready(AST), detection("AST3087"), detection("AST3087", 1, camera_id="cam-2"))) == 2


def test_an_entry_may_alert_with_every_read() -> None:
    matcher = ready(pack_entry(entry("AST3087", again_after_s=0)))
    assert len(play(matcher, detection("AST3087"), detection("AST3087", 1))) == 2


def test_passes_are_remembered_across_a_restart() -> None:
    matcher = ready(AST)
    play(matcher, detection("AST3087"))
    again = HotListMatcher(matcher.snapshot())
    assert play(again, AST, *READY, detection("AST3087", 5)) == []


def test_the_next_pass_after_the_listing_alerts_though_a_historical_hit_of_the_last_one_is_seconds_old() -> (
    None
):
    matcher = ready(pack_entry(entry("AST3087", listed_at=READ.captured_at)))
    hits = play(matcher, *(detection("AST3087", second) for second in (-11, -1, 9, 19)))
    assert [(hit.historical, hit.detection.captured_at - READ.captured_at) for hit in hits] == [
        (True, timedelta(seconds=-11)),
        (False, timedelta(seconds=9)),
    ]


def test_a_vehicle_that_stands_there_when_it_is_listed_alerts_when_its_pass_ends() -> None:
    matcher = ready(pack_entry(entry("AST3087", listed_at=READ.captured_at)))
    (hit,) = play(matcher, detection("AST3087", -30, stayed_ms=31_000), detection("AST3087", 12))
    assert not hit.historical


def test_an_alert_withheld_by_a_historical_hit_of_the_last_release_comes_with_the_next_pass() -> None:
    """A state with one pass, begun before the listing, that every sighting renewed."""
    at = round(READ.captured_at.timestamp() * 1000)
    key = f"sjpd:1|{READ.camera_id}"
    old = {key: [[at - 9000, at + 60_000, 0, [uuid4().hex]]]}
    matcher = HotListMatcher(msgspec.msgpack.encode([[], [], old, []]))
    play(matcher, pack_entry(entry("AST3087", listed_at=READ.captured_at)), *READY)
    assert len(play(matcher, detection("AST3087", 70))) == 1


PASSES = st.tuples(st.integers(-200, 200), st.sampled_from(("AST3087", "A5T3087")), st.integers(0, 60))


@given(
    passes=st.lists(PASSES, max_size=12, unique_by=lambda one: one[0]),
    listed=st.integers(0, 12),
    restarts=st.sets(st.integers(0, 12)),
    order=st.randoms(use_true_random=False),
)
def test_historical_hits_never_take_the_place_of_an_alert(
    passes: list[tuple[int, str, int]], listed: int, restarts: set[int], order: random.Random
) -> None:
    """In whatever order listing and passes arrive, and wherever the flow restarts: the alerts are those of a
    flow that never saw what passed before the listing, and the first pass after it is among them.
    """
    order.shuffle(passes)
    reads = [
        detection(plate, second, detection_id=UUID(int=second + 1000), stayed_ms=stayed * 1000)
        for second, plate, stayed in passes
    ]
    new = pack_entry(entry("AST3087", listed_at=READ.captured_at))

    def judged(some: list[Detection | None]) -> list[AlertHit]:
        matcher, found = ready(), []
        for number, one in enumerate(some):
            if number == listed:
                play(matcher, new)
            if number in restarts:
                matcher = HotListMatcher(matcher.snapshot())
                play(matcher, *([new] if number >= listed else []), *READY)
            found += play(matcher, one) if one else []
        return found

    every = judged([*reads])
    fresh = [one if one.last_at >= READ.captured_at else None for one in reads]
    assert [hit for hit in every if not hit.historical] == judged(fresh)
    first = next(filter(None, fresh[listed:]), None)
    assert first is None or first in [hit.detection for hit in every if not hit.historical]
    assert all(hit.historical == (hit.detection.last_at < READ.captured_at) for hit in every)


def test_two_vehicles_that_fit_one_partial_plate_both_alert() -> None:
    pattern = pack_entry(entry("AST*", vehicle=LISTED.vehicle.__class__()))
    assert len(play(ready(pattern), detection("AST3087"), detection("AST3088", 1))) == 2


def test_a_partial_plate_alerts_in_the_bucket_of_the_plate_only() -> None:
    pattern = pack_entry(entry("??T3087"))
    read = detection("AST3087", alternatives=["ABC1234"])
    assert [len(play(ready(pattern), *events)) for _bucket, events in probe([read])] == [1, 0]


@pytest.mark.parametrize("kind", ["hotlist_source", "hotlist_category"])
def test_an_entry_of_a_withdrawn_source_or_category_alerts_nobody(kind: Any) -> None:
    name = LISTED.source if kind == "hotlist_source" else LISTED.category
    record = RegistryRecord(kind=kind, id=name, name=name, active=False)
    withheld: list[str] = []
    matcher = HotListMatcher(None, withheld=lambda entry: withheld.append(entry.entry_id))
    play(matcher, AST, record, *READY)
    assert play(matcher, detection("AST3087")) == []
    assert withheld == [AST.key.decode()]
    again = msgspec.structs.replace(record, active=True)
    assert len(play(matcher, again, detection("AST3087"))) == 1


def place(now: datetime = NOW) -> HotListRouter:
    return HotListRouter(None, lambda: now)


def moved(router: HotListRouter, *changes: HotListChange | EndOfSnapshot) -> list[Any]:
    """Changes in one batch of the changelog, and marks behind it."""
    messages = [one.to_message() for one in changes if isinstance(one, HotListChange)]
    marks = [one for one in changes if isinstance(one, EndOfSnapshot)]
    result: Any = list_changes([*([Batch.of(0, messages)] if messages else []), *marks])
    assert all(isinstance(one, Changes | EndOfSnapshot) for one in result)
    return flat(router.on_batch([result])[0])


def flat(placed: Iterable[Any]) -> list[Any]:
    """Buckets with one event each, and what is no event."""
    pairs = ([(one[0], event) for event in one[1]] if isinstance(one, tuple) else [one] for one in placed)
    return [one for some in pairs for pair in some for one in _singly(pair)]


def _singly(pair: Any) -> list[Any]:
    if isinstance(pair, tuple) and isinstance(pair[1], Entries):
        return [(pair[0], entry) for entry in pair[1].listed]
    return [pair]


def test_a_moved_entry_leaves_its_old_bucket() -> None:
    router = place()
    first, second = entry("AAA1111", "e"), entry("ZZZ9999", "e")
    assert moved(router, HotListChange("e", first)) == [(plates.bucket("AAA1111"), pack_entry(first))]
    assert moved(router, HotListChange("e", second)) == [
        (plates.bucket("AAA1111"), Removal(b"e", plates.shape("AAA1111"))),
        (plates.bucket("ZZZ9999"), pack_entry(second)),
    ]


def test_a_removal_finds_the_bucket_of_the_plate_it_does_not_name() -> None:
    router = place()
    moved(router, HotListChange("e", entry("AAA1111", "e")))
    gone = [(plates.bucket("AAA1111"), Removal(b"e", plates.shape("AAA1111")))]
    assert moved(router, HotListChange("e", None)) == gone
    assert moved(router, HotListChange("e", None)) == []


def test_patterns_and_marks_and_designations_reach_every_bucket() -> None:
    assert [where for where, _event in moved(place(), HotListChange("e", entry("AB*", "e")))] == list(
        ALL_BUCKETS
    )
    assert [where for where, _event in moved(place(), EndOfSnapshot("hotlist", 0, 1))] == list(ALL_BUCKETS)
    record = RegistryRecord(kind="hotlist_source", id="nm", name="New Mexico")
    assert [where for where, _event in designate([record])] == list(ALL_BUCKETS)
    assert [where for where, _event in designate([EndOfSnapshot("registry", 0, 1)])] == list(ALL_BUCKETS)
    assert designate([RegistryRecord(kind="agency", id="nm", name="New Mexico")]) == []


def test_an_expired_entry_is_taken_off_its_bucket_and_off_the_topic() -> None:
    late, later = entry("AAA1111", "late"), entry("BBB1111", "later", expires_at=NOW + timedelta(days=9))
    router = place(late.expires_at + GRACE)
    moved(router, HotListChange("late", late))
    later = msgspec.structs.replace(later, expires_at=late.expires_at + timedelta(days=9))
    moved(router, HotListChange("later", later), EndOfSnapshot("hotlist", 0, 1))
    assert router.notify_at() is not None
    gone, _discard = router.on_notify()
    assert flat(gone) == [
        (plates.bucket("AAA1111"), Removal(b"late", plates.shape("AAA1111"))),
        HotListChange("late", None),
    ]
    assert list(router.on_notify()[0]) == []


def test_reads_on_their_way_still_meet_an_entry_that_just_expired() -> None:
    router = place(LISTED.expires_at + GRACE - timedelta(seconds=1))
    moved(router, HotListChange("e", entry("AAA1111", "e")), EndOfSnapshot("hotlist", 0, 1))
    assert list(router.on_notify()[0]) == []


def test_a_read_is_given_once_to_each_bucket_that_one_of_its_readings_points_to() -> None:
    read = detection("AST3087", alternatives=["A5T3087", "AST3082", "AST3081"])
    placed = probe([read])
    assert placed[0] == (plates.bucket("AST3087"), [Reads([read])])
    assert all(events == [Reads([], [read])] for _bucket, events in placed[1:])
    assert len({bucket for bucket, _event in placed}) == len(placed)


PLATES = ["AST3087", "A5T3087", "4ST3087", "XYZ1234", "XY2I234", "AST*", "?YZ1*", "A?T30*"]
CHANGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from(PLATES))), max_size=12
)
READS = st.lists(
    st.builds(
        lambda plate, others, second: detection(plate, second, alternatives=others),
        st.sampled_from(PLATES[:5]),
        st.lists(st.sampled_from(PLATES[:5]), max_size=2),
        st.integers(0, 5000),
    ),
    max_size=6,
)


def found(changes: list[HotListChange], reads: list[Detection]) -> list[AlertHit]:
    """What all buckets together make of changes and then reads."""
    router = place()
    matchers = {bucket: HotListMatcher(None) for bucket in ALL_BUCKETS}
    result = [*moved(router, *changes), *moved(router, EndOfSnapshot("hotlist", 0, 1))]
    hits = []
    for bucket, event in result:
        play(matchers[bucket], event)
    for bucket, events in [*designate([EndOfSnapshot("registry", 0, 1)]), *probe(reads)]:
        hits += play(matchers[bucket], *events)
    return hits


@given(CHANGES, READS)
def test_the_join_agrees_with_a_plain_search_of_the_newest_entries(
    changes: list[tuple[str, str | None]], reads: list[Detection]
) -> None:
    result = [
        HotListChange(name, None if plate is None else entry(plate, name, again_after_s=0))
        for name, plate in changes
    ]
    newest = {change.entry_id: change.entry for change in result}
    plain = [
        hit
        for read in reads
        for one in newest.values()
        if one is not None and (hit := match_entry(read, one))
    ]
    assert sorted(found(result, reads), key=repr) == sorted(plain, key=repr)


@given(CHANGES, READS, st.randoms(use_true_random=False))
def test_hits_do_not_depend_on_the_order_of_entries_or_of_changes_played_twice(
    changes: list[tuple[str, str | None]], reads: list[Detection], chance: Any
) -> None:
    result = [HotListChange(name, plate and entry(plate, name)) for name, plate in changes]  # type: ignore[arg-type]
    newest = list({change.entry_id: change for change in result}.values())
    once = sorted(found(newest, reads), key=repr)
    chance.shuffle(newest)
    assert sorted(found(newest, reads), key=repr) == once
    assert sorted(found([*result, *result], reads), key=repr) == once


@given(CHANGES, READS)
def test_reads_played_twice_make_no_other_hits(
    changes: list[tuple[str, str | None]], reads: list[Detection]
) -> None:
    more = [HotListChange(name, plate and entry(plate, name)) for name, plate in changes]  # type: ignore[arg-type]
    assert {hit.hit_id for hit in found(more, reads + reads)} == {hit.hit_id for hit in found(more, reads)}


@given(CHANGES, READS, st.randoms(use_true_random=False))
def test_without_the_rule_of_passes_the_order_of_reads_does_not_matter(
    changes: list[tuple[str, str | None]], reads: list[Detection], chance: Any
) -> None:
    result = [
        HotListChange(name, None if plate is None else entry(plate, name, again_after_s=0))
        for name, plate in changes
    ]
    once = sorted(found(result, reads), key=repr)
    chance.shuffle(reads)
    assert sorted(found(result, reads), key=repr) == once
