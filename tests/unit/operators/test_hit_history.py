from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.hit_history import (
    LOCAL_STEPS,
    STEPS,
    History,
    Status,
    following,
    history,
    is_local,
)
from platestream.schemas.hit_action import ActionKind, HitAction
from tests.support.hit_actions import HIT, KINDS, action, actions

SOURCE = {True: "sjpd", False: "ncic"}


def told(*kinds: ActionKind, local: bool = False) -> History:
    return history((action(kind, number) for number, kind in enumerate(kinds)), source=SOURCE[local])


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ((), "unverified"),
        (("plate_and_state_confirmed",), "plate_confirmed"),
        (("plate_and_state_confirmed", "confirmed_current", "action_taken"), "acted"),
        (("plate_and_state_confirmed", "confirmed_current", "no_action"), "closed"),
        (("plate_and_state_confirmed", "not_current", "no_action"), "closed"),
        (("misread", "no_action"), "closed"),
        (("wrong_state", "no_action"), "closed"),
    ],
)
def test_the_order_s_own_course(kinds: tuple[ActionKind, ...], status: Status) -> None:
    assert told(*kinds).status == status
    assert told(*kinds).ignored == ()


@pytest.mark.parametrize(
    "kinds",
    [
        ("action_taken",),
        ("no_action",),
        ("confirmed_current",),
        ("plate_and_state_confirmed", "action_taken"),
        ("plate_and_state_confirmed", "no_action"),
        ("plate_and_state_confirmed", "not_current", "action_taken"),
        ("misread", "action_taken"),
        ("wrong_state", "confirmed_current"),
    ],
)
def test_no_step_can_be_skipped(kinds: tuple[ActionKind, ...]) -> None:
    found = told(*kinds)
    assert [one.kind for one in found.ignored] == [kinds[-1]]
    assert found.status not in ("acted", "closed")


def test_an_entry_of_our_own_list_is_verified_by_looking_alone() -> None:
    assert told("plate_and_state_confirmed", "action_taken", local=True).status == "acted"
    assert told("plate_and_state_confirmed", local=True).verified
    assert not told("plate_and_state_confirmed").verified
    assert told("action_taken", local=True).status == "unverified"
    assert [is_local(name) for name in ("ncic", "acic", "mvd", "", "sjpd", "bolo")] == [
        *(False,) * 4,
        *(True,) * 2,
    ]


def test_a_second_look_corrects_towards_caution_and_the_check_starts_anew() -> None:
    found = told("plate_and_state_confirmed", "confirmed_current", "misread")
    assert (found.status, found.visual, found.current, found.disputed) == ("misread", "misread", "", True)
    again = told("plate_and_state_confirmed", "confirmed_current", "misread", "plate_and_state_confirmed")
    assert (again.status, again.current, again.verified) == ("plate_confirmed", "", False)


def test_of_two_officers_at_once_the_first_counts_and_the_other_is_on_record() -> None:
    first, second = action("no_action", 2, number=2), action("action_taken", 2, number=1)
    before = [action("plate_and_state_confirmed", 0), action("confirmed_current", 1)]
    for order in ([first, second], [second, first]):
        found = history([*order, *before], source="ncic")
        assert found.status == "acted", "the same millisecond: the smaller id"
        assert [one.kind for one in found.ignored] == ["no_action"]


@given(st.data())
def test_order_and_doubling_never_change_a_history(data: st.DataObject) -> None:
    done = data.draw(st.lists(actions(), max_size=12))
    again = data.draw(
        st.permutations(done + data.draw(st.lists(st.sampled_from(done or [action("misread")]))))
    )
    kept = [one for one in again if one in done]
    local = data.draw(st.booleans())
    assert history(kept, source=SOURCE[local]) == history(done, source=SOURCE[local])


@given(st.lists(actions(), max_size=12), st.booleans())
def test_every_action_is_in_the_history_once_and_only_allowed_steps_count(
    done: list[HitAction], local: bool
) -> None:
    found = history(done, source=SOURCE[local])
    ids = [one.action_id for one in (*found.applied, *found.ignored)]
    assert sorted(ids) == sorted({one.action_id for one in done})
    status: Status = "unverified"
    for one in found.applied:
        status = following(status, local=local)[one.kind]
    assert status == found.status


@given(st.lists(actions(), max_size=10), st.booleans())
def test_nobody_acts_before_plate_and_state_were_compared(done: list[HitAction], local: bool) -> None:
    kinds = [one.kind for one in history(done, source=SOURCE[local]).applied]
    if "action_taken" in kinds:
        before = kinds[: kinds.index("action_taken")]
        assert "plate_and_state_confirmed" in before
        assert local or before[-1] == "confirmed_current"


def test_the_table_of_steps_speaks_of_all_states_and_kinds() -> None:
    assert set(STEPS) == set(get_args(Status))
    assert {kind for steps in STEPS.values() for kind in steps} == set(KINDS)
    assert set(LOCAL_STEPS) <= set(KINDS)


def test_times_count_to_the_millisecond_as_the_table_keeps_them() -> None:
    at = datetime(2026, 11, 24, 15, 0, 0, 123_900, UTC)
    late = action("misread", at=at, number=1)
    early = action("plate_and_state_confirmed", at=at - timedelta(microseconds=800), number=2)
    assert history([late, early], source="ncic").applied[0] is late
    assert late.hit_id == HIT


@pytest.mark.parametrize(
    ("source", "asked", "counts"),
    [
        *(
            (source, asked, asked != "mvd")
            for source in ("ncic", "acic")
            for asked in ("ncic", "acic", "mvd")
        ),
        ("mvd", "mvd", True),
        ("mvd", "ncic", False),
        ("sjpd", "mvd", True),
        ("bolo", "ncic", True),
    ],
)
def test_an_entry_is_confirmed_by_its_keeper_and_an_mvd_query_confirms_no_ncic_hit(
    source: str, asked: str, counts: bool
) -> None:
    steps = [action("plate_and_state_confirmed", 0), action("confirmed_current", 1, checked_with=asked)]
    found = history(steps, source=source)
    assert (found.status == "confirmed", len(found.ignored)) == (counts, int(not counts))
