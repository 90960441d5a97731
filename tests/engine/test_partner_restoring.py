"""Offers between agencies out of a backup: what stands is back by itself, and what was withdrawn meanwhile is
not.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from platestream.operations.backup import make
from platestream.operations.backup.restore import RestoreResult, restore
from platestream.partners import offers as offering
from platestream.partners import register
from platestream.partners.restored_offers import WITHDRAWN_SINCE
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.settings import ACCOUNTS, Settings
from tests.engine.test_partner_offering import ENTRY, Offering
from tests.engine.test_partner_taking import ONE, Taking
from tests.support.clock import NOW
from tests.support.database import Database, copied
from tests.support.door import door_of
from tests.support.partner_lists import short
from tests.support.partners import COUNTYS, partner

pytestmark = pytest.mark.slow

TWO, THREE, FOUR = (UUID(int=number << 96) for number in (2, 3, 4))
Systems = Callable[[str], AbstractContextManager[Database]]


@pytest.fixture
def system(migrated: Path, tmp_path: Path) -> Systems:
    """A database of its own in a folder of this name, with no topic and no offer."""

    def made(name: str) -> AbstractContextManager[Database]:
        return copied(migrated, tmp_path / name)

    return made


@contextmanager
def restored(system: Systems, file: Path) -> Iterator[tuple[Database, RestoreResult]]:
    with system("after") as database:
        with door_of(database, "chief") as door:
            result = restore(door, file)
        yield database, result


def test_a_taken_entry_is_back_with_its_agencys_next_word_and_one_that_was_withdrawn_meanwhile_never(
    system: Systems, tmp_path: Path
) -> None:
    file = tmp_path / "kept.zip"
    with system("before") as database:
        takes = Taking(database, tmp_path)
        for one in (ONE, TWO, THREE):
            takes.offered(one)
        for one in (ONE, TWO):
            takes.take(one)
        with takes.door("chief") as door:
            make.backup(door, file, takes.clock(), ())
        takes.stands(ONE)
        assert list(takes.on_list) == [short(ONE)]
    with restored(system, file) as (database, result):
        assert result.left == ()
        after = Taking(database, tmp_path, furnished=False)
        after.said = takes.said
        assert after.kept == {short(ONE): "taken", short(TWO): "taken", short(THREE): "waiting"}
        assert after.on_list == {}, "however young the backup is"
        after.turn()
        assert after.on_list == {}
        with pytest.raises(RefusedError, match="has not said since"):
            after.take(THREE)
        acts = after.database.rows(
            "SELECT other, change FROM platestream.inquiry_log WHERE kind = 'restore' ORDER BY at"
        )
        off = "off the list until its agency says that it stands"
        assert acts[0][0] == "kept.zip"
        assert acts[0][1].startswith("not signed, author not proven, made ")
        assert [change for _name, change in acts[1:]] == [off, off], "each with its own act"
        known = after.stands(ONE, FOUR).json()["offers"]
        assert [one["offer_id"] for one in known] == [str(ONE)], "what it offered meanwhile it offers again"
        assert list(after.on_list) == [short(ONE)]
        assert after.kept == {short(ONE): "taken"}
        after.turn()
        assert list(after.on_list) == [short(ONE)]


def test_an_offer_of_ours_stands_where_its_agency_still_has_it_and_is_never_made_anew(
    system: Systems, tmp_path: Path
) -> None:
    file, before = tmp_path / "kept.zip", Settings(data=tmp_path / "before/data")
    key = register.own_key_store(before).make(NOW)
    us = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", keys=(key.public,))
    with partner(tmp_path / "county", COUNTYS, us) as (county, address):
        with system("before") as database:
            ours = Offering(database, tmp_path, county, address)
            ours.add(reference="26-2")
            ours.offer()
            ours.offer(entry="sjpd:26-2")
            ours.teller.run_once()
            ours.add(reference="26-3")
            ours.offer(entry="sjpd:26-3")
            with ours.door("chief") as door:
                make.backup(door, file, ours.clock(), ())
            offering.withdraw(ours.door(), "sjpd:26-2", ["all"], ours.clock())
            ours.teller.run_once()
            keeper = ours.county
            kept = [one["offer_id"] for one in keeper.offers.values() if "26-3" not in str(one)]
            offering.withdraw(ours.door(), "sjpd:26-3", ["all"], ours.clock())
            ours.teller.run_once()
            assert len(keeper.offers) == 1
            ours.teller.close()
        with system("after") as database:
            accounts = database.data / ACCOUNTS  # keys are backed up by the agency's own means
            accounts.mkdir(parents=True)
            shutil.copy(before.data / ACCOUNTS / "partner-keys.json", accounts)
            with door_of(database, "chief") as door:
                restore(door, file)
            after = Offering(database, tmp_path, county, address, furnished=False)
            after.county.offers, asked = keeper.offers, len(after.county.paths)
            county.answer = after.county.answer  # type: ignore[method-assign]
            after.later(timedelta(minutes=2))
            after.later(timedelta(minutes=2))
            assert set(after.county.paths[asked:]) == {"standing"}, "nothing is offered anew"
            assert list(after.county.offers) == kept[:1]
            with offering.lists(after.settings).reading() as lists:
                stand = {one.entry.entry_id: one.ended for one in lists.offered.all()}
            assert stand == {ENTRY: "", "sjpd:26-2": WITHDRAWN_SINCE, "sjpd:26-3": WITHDRAWN_SINCE}
            assert offering.list_unreachable(after.settings, after.clock()) == []
            (again,) = after.offer(entry="sjpd:26-2")
            after.later(timedelta(seconds=1))
            assert str(again.offer_id) in after.county.offers, "a person may"
            after.teller.close()


@pytest.mark.nightly
def test_offers_that_the_data_folder_has_are_left_but_count_no_more_than_those_of_a_backup(
    system: Systems, tmp_path: Path
) -> None:
    file = tmp_path / "kept.zip"
    with system("before") as database:
        takes = Taking(database, tmp_path)
        takes.offered()
        taken = takes.take()
        with takes.door("chief") as door:
            make.backup(door, file, takes.clock(), ())
            waiting = offering.lists(door.settings)
            with waiting.reading() as kept:
                (one,) = kept.incoming.all()
    newer = msgspec.structs.replace(one, entry=msgspec.structs.replace(taken, reason="Newer"))
    with offering.lists(Settings(data=tmp_path / "after/data")).writing() as kept:
        kept.incoming.put(newer)
    with restored(system, file) as (database, result):
        assert result.left == ("offers between agencies",)
        after = Taking(database, tmp_path, furnished=False)
        after.said = takes.said
        assert after.on_list == {}
        after.stands(ONE)
        assert after.on_list[short(ONE)].reason == "Newer"
