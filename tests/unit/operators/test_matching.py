"""One read against one entry; the index of patterns; limits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.matching.entry_match import Rules, check_state, match_entry
from platestream.operators.matching.limits import in_hours
from platestream.operators.matching.patterns import PatternIndex
from platestream.schemas.alert_hit import StateCheck
from platestream.schemas.fields import Vehicle
from platestream.schemas.hotlist import Area, HotListEntry, Hours
from platestream.schemas.hotlist_packed import pack, packed_plate, unpack
from platestream.schemas.message import RefusedError
from platestream.schemas.profile import Alerts
from tests.unit.operators.test_match import LISTED, READ, detection, entry


@pytest.mark.parametrize(
    ("read", "listed", "match", "apart"),
    [
        ("ABC1234", "ABC1234", "exact", []),
        ("OOPS01", "00PSO1", "exact", [(0, "O", "0"), (1, "O", "0"), (4, "0", "O")]),
        ("A8C1234", "ABC1234", "look_alike", [(1, "8", "B")]),
        ("AST3O87", "A5T3087", "look_alike", [(1, "S", "5"), (4, "O", "0")]),
    ],
)
def test_a_hit_says_what_matched_and_what_differs(
    read: str, listed: str, match: str, apart: list[tuple[int, str, str]]
) -> None:
    hit = match_entry(detection(read), entry(listed))
    assert hit is not None
    assert hit.match == match
    assert [(one.position, one.read, one.listed) for one in hit.differences] == apart
    assert hit.likelihood is not None
    assert (hit.likelihood == 1) == (match == "exact")


@pytest.mark.parametrize(
    ("read", "listed"),
    [("ABC1234", "ABD1234"), ("A8C1Z34", "ABC1234"), ("ABC123", "ABC1234"), ("8888", "BBBB")],
)
def test_what_is_further_apart_is_no_hit(read: str, listed: str) -> None:
    assert match_entry(detection(read), entry(listed)) is None


def test_two_look_alikes_match_within_a_budget_of_two_and_rank_lower() -> None:
    read = detection("A8C1Z34")
    both = match_entry(read, entry("ABC1234"), Rules(budget=2))
    one = match_entry(read, entry("ABC1Z34"), Rules(budget=2))
    assert both is not None
    assert one is not None
    assert both.rank > one.rank
    assert match_entry(read, entry("ABC1234", look_alikes=2))
    assert match_entry(read, entry("ABC1234")) is None


def test_an_entry_that_wants_the_exact_plate_gets_nothing_else() -> None:
    exact = entry("ABC1234", look_alikes=0)
    assert match_entry(detection("A8C1234", alternatives=["ABC1234"]), exact) is None
    assert match_entry(detection("ABC1234"), exact)


def test_another_reading_matches_to_the_letter_and_says_which_it_was() -> None:
    read = detection("ABC1284", alternatives=["ABC1934", "ABC1234"])
    hit = match_entry(read, entry("ABC1234"))
    assert hit is not None
    assert (hit.match, hit.matched, hit.likelihood) == ("alternative", "ABC1234", 0.1)


def test_no_match_needs_both_another_reading_and_a_look_alike() -> None:
    assert match_entry(detection("XBC1284", alternatives=["A8C1234"]), entry("ABC1234")) is None


def test_the_best_of_several_ways_counts() -> None:
    hit = match_entry(detection("A8C1234", alternatives=["ABC1234"]), entry("ABC1234"))
    assert hit is not None
    assert hit.match == "look_alike"


def test_the_profile_and_the_matcher_agree_on_the_least_confidence() -> None:
    alerts = Alerts()
    assert (alerts.least_confidence, alerts.least_alternative) == (
        Rules().least_confidence,
        Rules().least_alternative,
    )


def test_an_entry_counts_by_the_capture_time_of_the_read() -> None:
    apart = (LISTED.expires_at - READ.captured_at).total_seconds()
    assert match_entry(detection("AST3087", apart - 1), LISTED)
    assert match_entry(detection("AST3087", apart), LISTED) is None
    begins = entry("AST3087", valid_from=READ.captured_at)
    assert match_entry(detection("AST3087"), begins)
    assert match_entry(detection("AST3087", -1), begins) is None


@pytest.mark.parametrize(
    ("read", "listed", "said"),
    [("AZ", "AZ", "same"), ("AZ", "NM", "contradicts"), (None, "AZ", "unknown"), ("AZ", None, "unknown")],
)
def test_a_contradicting_state_is_said_and_not_silently_missed(
    read: str | None, listed: str | None, said: StateCheck
) -> None:
    assert check_state(read, listed) == said
    hit = match_entry(detection("AST3087", state=read), entry("AST3087", state=listed))
    assert hit is not None
    assert (hit.state_check, hit.rank >= 10) == (said, said == "contradicts")


def test_a_hit_stays_unverified_and_says_it_is_no_ground_for_a_stop() -> None:
    hit = match_entry(detection("AST3087"), LISTED)
    assert hit is not None
    assert hit.status == "unverified"
    assert "no ground for a stop" in hit.notice


def test_a_read_from_before_the_listing_is_history_and_no_fresh_alert() -> None:
    since = entry("AST3087", listed_at=READ.captured_at)
    result = [match_entry(detection("AST3087", second), since) for second in (-1, 0)]
    assert [hit and hit.historical for hit in result] == [True, False]


@pytest.mark.parametrize(
    ("pattern", "read", "match"),
    [
        ("AST3?87", "AST3087", "partial"),
        ("AST*", "AST3087", "partial"),
        ("*87", "AST3087", "partial"),
        ("A*3*7", "AST3087", "partial"),
        ("?O5*", "A05T1", "partial"),
        ("AST3?87", "AST387", None),
        ("AST3?87", "A5T3087", None),
        ("AS?", "AST3087", None),
    ],
)
def test_a_partial_plate_matches_unknown_characters_and_counts(
    pattern: str, read: str, match: str | None
) -> None:
    hit = match_entry(detection(read), entry(pattern, vehicle=Vehicle()))
    assert (hit and hit.match) == match


def described(**changes: Any) -> HotListEntry:
    return entry("*", vehicle=Vehicle(**changes))


FORD = Vehicle(make="FORD", colour="White", other={"sticker": "moose"})


@pytest.mark.parametrize(
    ("wanted", "seen", "hits"),
    [
        (described(make="Ford", colour="white"), FORD, True),
        (described(make="Ford", other={"sticker": "Moose"}), FORD, True),
        (described(make="Ford", colour="red"), FORD, False),
        (described(make="Ford", model="F-150"), FORD, False),
        (entry("AST*", vehicle=Vehicle(model="F-150")), FORD, True),
        (entry("AST*", vehicle=Vehicle(make="Ram")), FORD, False),
        (entry("AST3087", vehicle=Vehicle(make="Ram")), FORD, True),
        (entry("AST*", vehicle=Vehicle(body="sedan")), Vehicle(body="car"), True),
        (entry("AST*", vehicle=Vehicle(body="sedan")), Vehicle(body="suv"), False),
        (described(body="sedan", colour="white"), Vehicle(body="car", colour="white"), False),
    ],
)
def test_a_vehicle_filters_partial_plates_and_is_all_a_description_has(
    wanted: HotListEntry, seen: Vehicle, hits: bool
) -> None:
    hit = match_entry(detection("AST3087", vehicle=seen), wanted)
    assert (hit is not None) == hits


@pytest.mark.parametrize("result", [{"make": "Ford"}, {}])
def test_a_description_that_fits_too_much_is_refused(result: dict[str, str]) -> None:
    text = msgspec.json.decode(LISTED.to_json())
    with pytest.raises(RefusedError, match="too open"):
        HotListEntry.from_json(msgspec.json.encode({**text, "plate": "*", "vehicle": result}))


def test_cameras_areas_and_agencies_limit_an_entry() -> None:
    read = detection("AST3087")
    here = Area(read.latitude, read.longitude, 10)
    assert match_entry(read, entry("AST3087", cameras=(read.camera_id,), areas=(here,)))
    assert match_entry(read, entry("AST3087", cameras=("elsewhere",))) is None
    assert (
        match_entry(read, entry("AST3087", areas=(Area(read.latitude + 0.01, read.longitude, 1000),))) is None
    )
    assert match_entry(read, entry("AST3087", areas=(Area(read.latitude + 0.01, read.longitude, 1200),)))
    silenced = entry("AST3087", silenced_for=("sjpd",))
    assert match_entry(read, silenced) is None
    assert match_entry(read, silenced, Rules(agency="other"))


@pytest.mark.parametrize(
    ("utc", "inside"),
    [
        ("2026-11-24T05:00", True),
        ("2026-11-24T12:59", True),
        ("2026-11-24T13:00", False),
        ("2026-11-24T04:59", False),
    ],
)
def test_hours_over_midnight_are_local_and_belong_to_the_day_they_start_on(utc: str, inside: bool) -> None:
    at = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    night = Hours("22:00", "06:00", ("mon",))  # Monday in Arizona: 5:00 to 13:00 UTC on Tuesday
    assert in_hours(at, (night,)) == inside
    assert in_hours(at + timedelta(days=1), (night,)) is False


PATTERN = st.text("AB01?*", min_size=1, max_size=6).filter(lambda text: "?" in text or "*" in text)
FILM = Vehicle(make="Ford", colour="white")


@given(st.lists(PATTERN, max_size=8), st.text("ABO01", min_size=1, max_size=10), st.data())
def test_the_pattern_index_leaves_out_nothing_that_matches(
    patterns: list[str], plate: str, data: st.DataObject
) -> None:
    entries = {f"e{n}": entry(text, f"e{n}", vehicle=FILM) for n, text in enumerate(patterns)}
    index = PatternIndex()
    for one in entries.values():
        index.add(one)
    for name in data.draw(st.lists(st.sampled_from(sorted(entries)))) if entries else []:
        index.remove(name)
        entries.pop(name, None)
    read = detection(plate, vehicle=FILM)
    matching = sorted(name for name, one in entries.items() if match_entry(read, one))
    candidates = [one.entry_id for one in index.candidates(plate)]
    assert candidates == sorted(candidates)
    assert set(matching) <= set(candidates)
    assert len(index) == len(entries)


@pytest.mark.parametrize(
    "fields",
    [{}, {"plate": "*" * 16}, {"state": None, "look_alikes": 2, "cameras": ("a",), "again_after_s": 0}],
)
def test_a_packed_entry_is_unpacked_the_same(fields: dict[str, Any]) -> None:
    one = msgspec.structs.replace(entry("AST3087"), **fields)
    assert unpack(pack(one)) == one
    assert packed_plate(pack(one)) == one.plate
