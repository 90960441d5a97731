"""Who is who, against the order's own words."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from platestream.operators.people import People, PeopleRules
from platestream.schemas.acts import ROLES
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.spans import Span

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
DAYS = st.none() | st.integers(-800, 800).filter(lambda days: days not in (0, 365, -365))


def at(days: int | None) -> datetime | None:
    return None if days is None else NOW + timedelta(days=days)


agencies = st.builds(
    lambda own, active, begun, ended: RegistryRecord(
        kind="agency",
        id="agency",
        name="Agency",
        own=own,
        active=active,
        mou_from=at(begun),
        mou_until=at(ended),
    ),
    st.booleans(), st.booleans(), DAYS, DAYS,
)  # fmt: skip
users = st.builds(
    lambda active, trained, agency, roles: RegistryRecord(
        kind="user",
        id="vale",
        name="Vale",
        active=active,
        trained_at=at(trained),
        agency=agency,
        role=",".join(roles),
    ),
    st.booleans(), DAYS, st.sampled_from(["agency", "nowhere"]),
    st.lists(st.sampled_from(sorted(ROLES)), unique=True),
)  # fmt: skip


@given(agencies, users, st.sampled_from([None, 30, 365]))
def test_a_colleague_is_registered_active_trained_today_and_of_our_own_agency(
    agency: RegistryRecord, user: RegistryRecord, valid: int | None
) -> None:
    rules = PeopleRules(training=None if valid is None else Span(valid, "day"))
    age = None if user.trained_at is None else (NOW - user.trained_at).days
    trained = age is not None and age >= 0 and (valid is None or age <= valid)
    ours = user.agency == "agency" and agency.active and agency.own
    people = People([agency, user])
    assert (people.person("vale", NOW, rules) is None) == (user.active and trained)
    assert (people.colleague("vale", NOW, rules) is None) == (user.active and trained and ours)
    in_force = user.active and trained and ours
    for role in ROLES:
        assert people.with_role(role, NOW, rules) == (["vale"] if in_force and role in user.roles else [])


@given(agencies, st.booleans())
def test_data_is_shared_with_ourselves_and_while_an_mou_is_in_force(
    agency: RegistryRecord, mou_required: bool
) -> None:
    begun = agency.mou_from is not None and agency.mou_from <= NOW
    in_force = begun and (agency.mou_until is None or agency.mou_until > NOW)
    allowed = agency.active and (agency.own or in_force or not mou_required)
    found = People([agency]).agency("agency", NOW, PeopleRules(mou_required=mou_required))
    assert (found is None) == allowed


@given(
    st.lists(st.tuples(users, st.integers(0, 10**6)), min_size=1, max_size=6, unique_by=lambda one: one[1]),
    st.randoms(),
)
def test_the_newest_version_stands_in_whatever_order_they_come(
    result: list[tuple[RegistryRecord, int]], chance: object
) -> None:
    versions = [msgspec.structs.replace(one, changed_at=NOW + timedelta(seconds=s)) for one, s in result]
    newest = max(versions, key=lambda one: one.changed_at or NOW)
    chance.shuffle(versions)  # type: ignore[attr-defined]
    assert People([*versions, *versions]).users["vale"] == newest


@given(st.integers(-30, 30), st.integers(1, 16), st.booleans())
def test_a_shift_is_from_login_to_logout_or_its_longest_time(since: int, hours: int, active: bool) -> None:
    begun = NOW + timedelta(hours=since, minutes=30)
    until = begun + timedelta(hours=hours)
    shift = RegistryRecord(
        kind="shift", id="s", name="s", user="vale", since=begun, until=until, active=active
    )
    people = People([shift])
    on = active and begun <= NOW < until
    assert people.on_shift("vale", NOW) == on
    assert list(people.shifts_at(NOW)) == ([shift] if on else [])
