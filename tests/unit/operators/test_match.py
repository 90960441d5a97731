from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.match import Event, HotListMatcher, Placement, Removed, check_state, match_entry
from schemas import plates
from schemas.alert_hit import AlertHit, StateCheck
from schemas.catalogue import example
from schemas.detection import Detection
from schemas.hotlist import HotListChange, HotListEntry
from schemas.message import Loaded

READ = Detection.from_json(bytes(example("detection").accepted))
LISTED = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))


def detection(plate: str, state: str | None = None, at: datetime = READ.captured_at) -> Detection:
    return msgspec.structs.replace(READ, plate=plate, state=state, captured_at=at)


def entry(plate: str, name: str = "sjpd:1", state: str | None = None) -> HotListEntry:
    return msgspec.structs.replace(LISTED, plate=plate, entry_id=name, state=state)


@pytest.mark.parametrize(
    ("read", "listed", "match", "apart"),
    [
        ("ABC1234", "ABC1234", "exact", []),
        ("OOPS01", "00PSO1", "exact", []),
        ("A8C1234", "ABC1234", "look_alike", [(1, "8", "B")]),
        ("AST3O87", "A5T3087", "look_alike", [(1, "S", "5")]),
    ],
)
def test_a_hit_says_what_matched_and_what_differs(
    read: str, listed: str, match: str, apart: list[tuple[int, str, str]]
) -> None:
    hit = match_entry(detection(read), entry(listed))
    assert hit is not None
    assert hit.match == match
    assert [(one.position, one.read, one.listed) for one in hit.differences] == apart


@pytest.mark.parametrize(
    ("read", "listed"),
    [("ABC1234", "ABD1234"), ("A8C1Z34", "ABC1234"), ("ABC123", "ABC1234"), ("8888", "BBBB")],
)
def test_what_is_further_apart_is_no_hit(read: str, listed: str) -> None:
    assert match_entry(detection(read), entry(listed)) is None


def test_an_entry_counts_by_the_capture_time_of_the_read() -> None:
    expires = LISTED.expires_at
    assert match_entry(detection("AST3087", at=expires - timedelta(seconds=1)), LISTED)
    assert match_entry(detection("AST3087", at=expires), LISTED) is None


@pytest.mark.parametrize(
    ("read", "listed", "said"),
    [("AZ", "AZ", "same"), ("AZ", "NM", "contradicts"), (None, "AZ", "unknown"), ("AZ", None, "unknown")],
)
def test_a_contradicting_state_is_said_and_not_silently_missed(
    read: str | None, listed: str | None, said: StateCheck
) -> None:
    assert check_state(read, listed) == said
    hit = match_entry(detection("AST3087", read), entry("AST3087", state=listed))
    assert hit is not None
    assert hit.state_check == said


def test_a_hit_stays_unverified_and_says_it_is_no_ground_for_a_stop() -> None:
    hit = match_entry(detection("AST3087"), LISTED)
    assert hit is not None
    assert hit.status == "unverified"
    assert "no ground for a stop" in hit.notice


def play(matcher: HotListMatcher, *events: Event) -> list[AlertHit]:
    return [hit for event in events for hit in matcher.on_item(event)[0]]


LOADED = (Loaded(0, 2), Loaded(1, 2))


def test_no_read_is_judged_before_every_partition_of_the_list_is_loaded() -> None:
    matcher = HotListMatcher(None)
    assert play(matcher, detection("AST3087"), Loaded(0, 2)) == []
    assert play(matcher, LISTED) == []
    assert [hit.entry for hit in play(matcher, Loaded(1, 2))] == [LISTED]


def test_a_restart_waits_again_and_keeps_the_reads_that_waited() -> None:
    matcher = HotListMatcher(None)
    play(matcher, detection("AST3087"))
    again = HotListMatcher(matcher.snapshot())
    assert play(again, LISTED, Loaded(0, 2)) == []
    assert len(play(again, Loaded(1, 2))) == 1


def test_what_is_judged_leaves_the_snapshot() -> None:
    matcher = HotListMatcher(None)
    play(matcher, detection("AST3087"), LISTED, *LOADED)
    assert b"AST3087" not in matcher.snapshot()


def test_a_removed_entry_stops_alerting_with_the_next_read() -> None:
    matcher = HotListMatcher(None)
    assert len(play(matcher, LISTED, *LOADED, detection("AST3087"))) == 1
    assert play(matcher, Removed(LISTED.entry_id), detection("AST3087")) == []


def test_every_entry_of_a_plate_alerts() -> None:
    hits = play(
        HotListMatcher(None), entry("AST3087", "a"), entry("AST3087", "b"), *LOADED, detection("AST3087")
    )
    assert [hit.entry.entry_id for hit in hits] == ["a", "b"]
    assert len({hit.hit_id for hit in hits}) == 2


def test_a_read_judged_twice_makes_the_same_hit() -> None:
    once, twice = play(HotListMatcher(None), LISTED, *LOADED, *[detection("AST3087")] * 2)
    assert once == twice
    assert isinstance(once.hit_id, UUID)


def test_a_moved_entry_leaves_its_old_bucket() -> None:
    place = Placement(None)
    place.on_item(HotListChange("e", entry("AAA1111", "e")))
    moved, _discard = place.on_item(HotListChange("e", entry("ZZZ9999", "e")))
    assert dict(moved) == {
        str(plates.bucket("ZZZ9999")): entry("ZZZ9999", "e"),
        str(plates.bucket("AAA1111")): Removed("e"),
    }


def test_a_removal_finds_the_bucket_of_the_plate_it_does_not_name() -> None:
    place = Placement(None)
    place.on_item(HotListChange("e", entry("AAA1111", "e")))
    assert place.on_item(HotListChange("e", None))[0] == [(str(plates.bucket("AAA1111")), Removed("e"))]
    assert place.on_item(HotListChange("e", None))[0] == []


def test_the_mark_reaches_every_bucket() -> None:
    assert len(Placement(None, buckets=8).on_item(Loaded(0, 1))[0]) == 8


CHANGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.sampled_from(["AST3087", "A5T3087", "XYZ1"]))),
    max_size=12,
)


@given(CHANGES, st.sampled_from(["AST3087", "A5T3087", "ASTE087", "XYZ1"]))
def test_the_join_agrees_with_a_plain_search_of_the_newest_entries(
    changes: list[tuple[str, str | None]], plate: str
) -> None:
    buckets = 4
    place, matchers = Placement(None, buckets), [HotListMatcher(None) for _bucket in range(buckets)]
    newest: dict[str, HotListEntry] = {}
    for name, listed in changes:
        newest.pop(name, None)
        if listed is not None:
            newest[name] = entry(listed, name)
        for bucket, event in place.on_item(HotListChange(name, newest.get(name)))[0]:
            matchers[int(bucket)].on_item(event)
    for bucket, event in place.on_item(Loaded(0, 1))[0]:
        matchers[int(bucket)].on_item(event)

    read = detection(plate)
    hits = play(matchers[plates.bucket(plate, buckets)], read)
    assert [hit.entry.entry_id for hit in hits] == sorted(
        name for name, one in newest.items() if match_entry(read, one)
    )
