"""Routes of notifications: the receivers of a hit, and the record of each that is left out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.disproof import Disproof, pair_of
from platestream.operators.notify.message import Notice
from platestream.operators.notify.route import NOBODY, Router, route
from platestream.operators.notify.rules import parse_rules
from platestream.schemas.delivery import Delivery
from platestream.schemas.message import EndOfSnapshot, RefusedError
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord
from tests.support.notify_rules import (
    BASE,
    FOUND,
    NOW,
    ON_SHIFT,
    OWN,
    agency,
    hit,
    known,
    officer,
    outcomes,
    routed,
    rules,
    shift,
)


@pytest.mark.parametrize(
    ("limit", "matches"),
    [
        ('categories = ["stolen_vehicle"]', True),
        ('categories = ["amber_alert"]', False),
        ('sources = ["sjpd"]', True),
        ('sources = ["ncic"]', False),
        ("priorities = [3]", True),
        ("priorities = [1, 2]", False),
        ('cameras = ["white-mountain-dr-n"]', True),
        ('cameras = ["other"]', False),
        ("areas = [{latitude = 34.5059, longitude = -109.361, radius_m = 100}]", True),
        ("areas = [{latitude = 35.0, longitude = -109.361, radius_m = 100}]", False),
    ],
)
def test_a_route_is_by_category_source_priority_camera_and_area(limit: str, matches: bool) -> None:
    found = routed(hit(), rules(f'\n[[routes]]\nto = ["dispatch"]\n{limit}\n'))
    assert found == ([("dispatch", "sent")] if matches else [("", "nobody")])


def test_who_is_on_shift_is_told_and_who_logged_out_is_not() -> None:
    found = routed(hit(), rules(ON_SHIFT), OWN, officer(), shift("rvale"))
    assert found == [("dispatch", "sent"), ("vale", "sent")]
    for ended in ({"active": False}, {"until": NOW}, {"since": NOW + timedelta(hours=1)}):
        found = routed(hit(), rules(ON_SHIFT), OWN, officer(), shift("rvale", **ended))
        assert found == [("dispatch", "sent"), ("", "nobody")]


CAR = hit().detection.camera_id


def test_a_hit_of_a_car_goes_to_its_officer_first_and_at_once_to_the_others() -> None:
    by = rules(ON_SHIFT + '\n[[receivers]]\nname = "ana"\napprise = "json://localhost"\nofficer = "ana"\n')
    ana = msgspec.structs.replace(officer(), id="ana", name="Ofc. Ana")
    people = (OWN, officer(), ana, shift("rvale"), shift("ana", cameras=(CAR,)))
    found = [one for one in route(hit(), by, known(*people), NOW) if isinstance(one, Notice)]
    assert [one.receiver for one in found] == ["ana", "dispatch", "vale"]
    mine, desk, other = (one.text for one in found)
    assert "A camera of your car read it." in mine
    assert "car" not in desk.splitlines()[1]
    assert "Read in the car of ana, who is on shift there." in other
    for elsewhere in (
        (*people[:4], shift("ana", cameras=("car-2",))),
        (*people[:4], shift("ana", cameras=(CAR,), active=False)),
    ):
        texts = [one.text for one in route(hit(), by, known(*elsewhere), NOW) if isinstance(one, Notice)]
        assert not any("car of" in one or "your car" in one for one in texts)
    foreign = route(hit(agency="apache-county-so"), by, known(*people), NOW)
    assert not any("your car" in one.text for one in foreign if isinstance(one, Notice)), "a camera of theirs"


DAY = timedelta(days=1)
NOT_ENTITLED = {
    "who was never registered": None,
    "whose access has ended": officer(active=False),
    "who was never trained": officer(trained_at=None),
    "who is trained tomorrow": officer(trained_at=NOW + DAY),
    "whose training lapsed in mid-shift": officer(trained_at=NOW - 365 * DAY - timedelta(seconds=1)),
    "who is another agency's": officer(agency="apache-county-so"),
    "who is of an agency that nobody registered": officer(agency="nowhere-pd"),
}


@pytest.mark.parametrize("person", NOT_ENTITLED.values(), ids=NOT_ENTITLED)
def test_nobody_is_told_who_is_not_registered_trained_and_ours_though_on_shift_or_named(
    person: RegistryRecord | None,
) -> None:
    records = [OWN, agency(mou_from=NOW - DAY), shift("rvale"), *([person] if person else [])]
    found = routed(hit(), rules(ON_SHIFT), *records)
    assert found == [("dispatch", "sent"), ("vale", "not_entitled"), ("", "nobody")]
    assert routed(hit(), rules('\n[[routes]]\nto = ["vale"]\n'), *records) == [("vale", "not_entitled")]


def test_what_stands_against_telling_a_person_is_on_record_as_a_code() -> None:
    (decided,) = route(
        hit(), rules('\n[[routes]]\nto = ["vale"]\n'), known(OWN, officer(trained_at=None)), NOW
    )
    assert isinstance(decided, Delivery)
    assert (decided.outcome, decided.reason) == ("not_entitled", "untrained")


def test_another_agency_s_officer_is_told_where_the_rules_name_the_agency_and_its_mou_is_in_force() -> None:
    partner = "apache-county-so"
    by = parse_rules(BASE.replace('officer = "rvale"', f'officer = "rvale"\nagency = "{partner}"')
                     + '\n[[routes]]\nto = ["vale"]\n')  # fmt: skip
    theirs = officer(agency=partner)
    assert routed(hit(), by, agency(mou_from=NOW - DAY), theirs) == [("vale", "sent")]
    assert routed(hit(), by, agency(), theirs) == [("vale", "not_shared")]
    assert routed(hit(), by, agency(mou_from=NOW - DAY), OWN, officer()) == [("vale", "not_entitled")]


def test_with_nobody_on_shift_the_ones_named_for_it_are_told_and_told_so() -> None:
    by = rules('\n[[routes]]\nto = ["on_shift"]\n', before='nobody = ["dispatch"]\n')
    found = list(route(hit(), by, known(), NOW))
    assert outcomes(found) == [("dispatch", "sent"), ("", "nobody")]
    assert isinstance(found[0], Notice)
    assert NOBODY in found[0].text


QUIET = '\n[[routes]]\nto = ["dispatch"]\n[[quiet]]\nhours = [{start = "07:00", end = "09:00"}]\n'


def test_quiet_hours_hold_back_all_but_the_top_priority_and_are_on_record() -> None:
    assert routed(hit(), rules(QUIET)) == [("dispatch", "quiet")], "15:04 UTC is 08:04 in Arizona"
    assert routed(hit(listed={"category": "amber_alert"}), rules(QUIET)) == [("dispatch", "sent")]


@given(
    st.sampled_from(["amber_alert", "blue_alert", "terrorist_activity"]),
    st.lists(st.sampled_from(["receivers = ['dispatch']", "categories = ['amber_alert']", ""]), max_size=3),
)
def test_no_quiet_rule_ever_silences_the_top_priority(category: str, quiet: list[str]) -> None:
    hours = 'hours = [{start = "00:00", end = "00:00"}]'
    text = "".join(f"\n[[quiet]]\n{hours}\n{limit}\n" for limit in quiet)
    by = rules('\n[[routes]]\nto = ["dispatch"]\n' + text)
    assert routed(hit(listed={"category": category}), by) == [("dispatch", "sent")]


SHERIFF = '\n[[routes]]\nto = ["sheriff"]\n'


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (None, "not_shared"),
        (agency(), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9)), "sent"),
        (agency(mou_from=NOW + timedelta(days=1)), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), mou_until=NOW), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), active=False), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), shares_cameras=("other",)), "not_shared"),
        (agency(mou_from=NOW - timedelta(days=9), shares_cameras=("white-mountain-dr-n",)), "sent"),
    ],
)
def test_another_agency_is_told_only_by_an_mou_in_force(record: RegistryRecord | None, outcome: str) -> None:
    assert routed(hit(), rules(SHERIFF), *([record] if record else [])) == [("sheriff", outcome)]


def test_an_entry_that_does_not_alert_an_agency_is_not_sent_there() -> None:
    silenced = hit(listed={"silenced_for": ("apache-county-so",)})
    assert routed(silenced, rules(SHERIFF), agency(mou_from=NOW)) == [("sheriff", "silenced")]


def test_what_was_captured_long_ago_is_no_alert_any_more() -> None:
    late = hit(seen={"captured_at": NOW - timedelta(hours=13)})
    assert routed(late, rules('\n[[routes]]\nto = ["dispatch"]\n')) == [("dispatch", "stale")]


def test_finds_of_a_look_back_are_sent_only_where_a_route_asks_for_them() -> None:
    old = hit(historical=True, seen={"captured_at": NOW - timedelta(days=20)})
    assert routed(old, rules('\n[[routes]]\nto = ["dispatch"]\n')) == []
    wanted = rules('\n[[routes]]\nto = ["dispatch"]\nhistorical = true\n')
    (found,) = route(old, wanted, known(), NOW)
    assert isinstance(found, Notice)
    assert "HISTORICAL" in found.text


DISPROOF = Disproof("misread", "rvale", NOW - timedelta(minutes=2), UUID(int=9))
TO_DISPATCH = '\n[[routes]]\nto = ["dispatch"]\n'


@pytest.mark.parametrize(
    ("seen", "listed"),
    [
        ({"plate": "AST3O87"}, {"plate": "AST3087"}),
        ({"plate": "AST3D87"}, {"plate": "AST3087"}),
        ({"plate": "AST3087", "state": None}, {"plate": "AST3087", "state": "AZ"}),
        ({"plate": "AST3087", "state": "NM"}, {"plate": "AST3087", "state": "AZ"}),
    ],
)
def test_a_pair_that_was_found_wrong_is_sent_to_nobody_and_that_is_recorded(
    seen: dict[str, Any], listed: dict[str, Any]
) -> None:
    again = hit(seen=seen, listed=listed)
    (one,) = route(again, rules(TO_DISPATCH), known(), NOW, DISPROOF)
    assert isinstance(one, Delivery)
    assert (one.receiver, one.outcome, one.reason) == ("", "disproved", "misread")


@pytest.mark.parametrize("state", ["AZ", None])
def test_where_plate_and_state_match_exactly_it_alerts_and_says_what_was_found_before(
    state: str | None,
) -> None:
    true = hit(seen={"plate": "AST3087", "state": "AZ"}, listed={"plate": "AST3087", "state": state})
    (sent,) = route(true, rules(TO_DISPATCH, 'shows = "plate"\n'), known(), NOW, DISPROOF)
    assert isinstance(sent, Notice)
    assert sent.text.splitlines()[1] == (
        "FOUND WRONG BEFORE, 2026-11-24 15:02 by rvale: the vehicle had another plate. "
        "Plate and state match exactly."
    )
    assert msgspec.json.decode(sent.body)["disproved"]["hit_id"] == str(UUID(int=9))
    (link,) = route(true, rules(TO_DISPATCH), known(), NOW, DISPROOF)
    assert isinstance(link, Notice)
    assert "rvale" not in link.text + link.body.decode()


def test_a_disproof_is_of_the_pair_and_asked_for_again_after_a_restart() -> None:
    seen = {"plate": "AST3D87"}
    pair = pair_of("AST3D87", FOUND.entry.entry_id, FOUND.entry.plate)
    asked: list[datetime] = []

    def disproofs(now: datetime) -> dict[str, Disproof]:
        asked.append(now)
        return {pair: DISPROOF}

    first = Router(None, rules(TO_DISPATCH), lambda: NOW, disproofs)
    assert list(first.on_batch([hit(1, seen=seen)])[0]) == []
    again = Router(first.snapshot(), rules(TO_DISPATCH), lambda: NOW, disproofs)
    others = [
        hit(2, seen={"plate": "AST3Q87"}),
        hit(3, seen=seen, listed={"entry_id": "sjpd:2"}),
        hit(9, seen=seen),
    ]
    marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
    found = again.on_batch([*marks, *others])[0]
    assert outcomes(list(found)) == [("", "disproved"), *[("dispatch", "sent")] * 3]
    assert asked == [NOW] * 4


def test_hits_wait_until_the_registry_is_read_over_a_restart_too() -> None:
    by = rules(ON_SHIFT)
    first = Router(None, by, lambda: NOW)
    assert list(first.on_batch([hit()])[0]) == []
    again = Router(first.snapshot(), by, lambda: NOW)
    marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
    assert list(again.on_batch([OWN, officer(), shift("rvale"), marks[0]])[0]) == []
    found = again.on_batch([marks[1]])[0]
    assert outcomes(list(found)) == [("dispatch", "sent"), ("vale", "sent")]


FALLBACK = """
nobody = ["dispatch"]
[[receivers]]
name = "vale-sms"
apprise = "json://localhost"
officer = "rvale"
fallback = true
[[receivers]]
name = "dispatch"
apprise = "json://localhost"
[[routes]]
to = ["on_shift"]
"""


def present(seconds: float = 45, who: str = "rvale") -> Presence:
    at = NOW - timedelta(seconds=5)
    return Presence(user=who, at=at, since=at, until=NOW + timedelta(seconds=seconds))


def test_an_officer_on_shift_who_is_not_connected_is_reached_by_the_next_channel() -> None:
    by = parse_rules(FALLBACK)
    there = known(OWN, officer(), shift("rvale"))
    assert outcomes(list(route(hit(), by, there, NOW))) == [("vale-sms", "sent")]
    for device, outcome in ((present(), "connected"), (present(-1), "sent"), (present(who="other"), "sent")):
        router = Router(None, by, lambda: NOW)
        marks = [EndOfSnapshot(name, 0, 1) for name in ("registry", "presence")]
        found = router.on_batch([OWN, officer(), shift("rvale"), device, *marks, hit()])[0]
        assert outcomes(list(found)) == [("vale-sms", outcome)]
    # Nobody on shift: the device does not count.
    off = known(OWN, officer())
    off.devices["rvale"] = present()
    assert outcomes(list(route(hit(), by, off, NOW))) == [("dispatch", "sent"), ("", "nobody")]


def test_a_fallback_is_an_officers() -> None:
    with pytest.raises(RefusedError, match="name the `officer`"):
        rules("", '[[receivers]]\nname = "x"\napprise = "json://localhost"\nfallback = true\n')
