"""The sample of `platestream up --sample`: its people, its lists and its street."""

from pathlib import Path

import pytest

from platestream.access import accounts, registry
from platestream.access.door import Door
from platestream.demo import street
from platestream.hotlist import entries
from platestream.hotlist.list_changes import listed
from platestream.schemas.acts import ROLES
from platestream.settings import Settings, system_account
from tests.support.clock import NOW
from tests.support.database import Database

ME = system_account()


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    (tmp_path / "data" / street.FOLDER).mkdir(parents=True)
    return Settings(clickhouse=database.dsn, data=tmp_path / "data")


def test_a_new_sample_has_people_of_each_role_with_a_link_each(settings: Settings) -> None:
    ways = street.fill(settings, NOW)
    assert [(one.who, one.does) for one in ways] == [
        (ME, "every role"),
        *((role, role) for role in street.PEOPLE),
    ]
    assert len({one.code for one in ways if one.code}) == 5
    with Door.open(settings, "test") as door:
        users = registry.records_of(door.streams, "user")
        assert set(users[ME].roles) == set(ROLES)
        assert all(users[role].roles == (role,) for role in street.PEOPLE)


@pytest.mark.nightly
def test_bolos_are_received_by_acts_and_one_entry_is_removed(settings: Settings, database: Database) -> None:
    street.fill(settings, NOW)
    with Door.open(settings, "test") as door:
        there = listed(door.streams)
    acts = database.rows(
        "SELECT other FROM platestream.inquiry_log WHERE kind = 'bolo' AND outcome = 'allowed'"
    )
    assert {name for name, one in there.items() if one.source == "bolo"} == {name for (name,) in acts}
    assert len(acts) == 3
    assert "BFK417" not in {one.plate for one in there.values()}
    assert database.rows("SELECT count() FROM platestream.inquiry_log WHERE kind = 'hotlist_remove'") == [
        (1,)
    ]


@pytest.mark.nightly
def test_a_sample_that_was_changed_starts_again_as_it_was_left(settings: Settings) -> None:
    street.fill(settings, NOW)
    with Door.open(settings, "test") as door:
        registry.end(door, "user", "officer", NOW)
        registry.end(door, "camera", "stj-02", NOW)
        accounts.set_own(door, "a good long password", NOW, "at a test")
        gone = next(iter(listed(door.streams)))
        entries.remove(door, gone)
    ways = {one.who: one.code for one in street.fill(settings, NOW)}
    assert set(ways) == {ME, "analyst", "supervisor", "auditor"}
    assert ways[ME] == ""
    with Door.open(settings, "test") as door:
        assert gone not in listed(door.streams)
        assert not registry.records_of(door.streams, "camera")["stj-02"].active


@pytest.mark.parametrize("camera", sorted(street.SHOWN))
def test_the_street_is_empty_between_passes_and_shows_each_pass_whole(camera: str) -> None:
    frames = street._cameras()[camera]
    shown = street._street(camera, frames)
    assert len(shown) == street.LOOP
    assert all(one.is_file() for one in set(shown))
    empty = shown[0]
    assert shown.count(empty) > street.LOOP * 0.9
    assert all(shown[second - 1] == empty != shown[second] for second in street.SHOWN[camera])
