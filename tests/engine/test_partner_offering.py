"""Own entries offered to another agency: who may, what it is told, and what it has not been told yet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from platestream.access.door import Clients, Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.changelog import publish
from platestream.hotlist import entries
from platestream.partners import offers as offering
from platestream.partners import register
from platestream.partners.list_store import OutgoingOffer
from platestream.partners.notifications import NotificationJob
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run
from platestream.policy.table import CHECKS
from platestream.schemas import topics
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.settings import Settings
from tests.support.agency import user
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN
from tests.support.partner_lists import ListKeeper
from tests.support.partners import COUNTYS, DAY, Canned, agency, own_key, partner, put

EXPIRES = NOW + 20 * DAY
TOLD = {
    **{"reference": "26-1", "plate": "AST3087", "state": "AZ", "category": "stolen_vehicle", "make": "Ford"},
    **{"case_number": "26-001234", "reason": "Taken at gunpoint", "requested_by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest", "expires_at": f"{EXPIRES:%Y-%m-%d}"},
}
ENTRY = "sjpd:26-1"


class Offering:
    """An agency with an entry, its teller with a clock that can be moved, and the county that keeps lists."""

    def __init__(
        self, database: Database, folder: Path, county: Canned, address: str, *, furnished: bool = True
    ) -> None:
        self.database, self.county = database, ListKeeper()
        self.by = timedelta()
        county._clock = self.clock
        county.answer = self.county.answer  # type: ignore[method-assign]
        file = folder / "partners.toml"
        serve = 'here = true\n[serve]\naddress = "https://alpr.sjpd.example:8444"\n'
        file.write_text(serve)
        self.settings = Settings(clickhouse=database.dsn, data=database.data, partners_file=file)
        self.address = address
        self.teller = NotificationJob(self.settings, self.clock)
        if furnished:
            people = (user("vale", "officer"), user("aud", "auditor"), user("chief"))
            put(database, database.data, OWN, *people, agency("county", COUNTYS, address=address))
            self.add()

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.by

    def door(self, who: str = "vale") -> Door:
        return Door(self.settings, who, "test", Clients(self.settings))

    def add(self, **changes: str) -> HotListEntry:
        return entries.add(self.door(), "sjpd", {**TOLD, **changes}, self.clock(), back=False).entry

    def offer(self, *to: str, entry: str = ENTRY, who: str = "vale") -> list[OutgoingOffer]:
        return offering.offer(self.door(who), entry, to or ("county",), self.clock())

    def later(self, by: timedelta) -> None:
        self.by += by
        self.teller.run_once()

    def again(self) -> None:
        """The process that tells is started anew."""
        self.teller.close()
        self.teller = NotificationJob(self.settings, self.clock)
        self.teller.run_once()

    @property
    def one(self) -> OutgoingOffer:
        with offering.lists(self.settings).reading() as kept:
            return kept.offered.all()[-1]

    def effects(self, kind: str) -> list[str]:
        rows = self.database.rows(
            f"SELECT effect FROM platestream.inquiry_log WHERE kind = '{kind}' AND outcome = 'allowed' "
            "ORDER BY at"
        )
        return [effect for (effect,) in rows]

    def check(self) -> tuple[str, ...]:
        """What `policy check` finds wrong with what is stored."""
        wanted = [one for one in CHECKS if one.name == "sign_ins"]
        (result,) = run(CheckData.of(self.door("aud"), self.clock()), wanted)
        return result.faults

    def log(self, kind: str) -> list[Any]:
        columns = "who, other, outcome, case_number, change, refusal"
        return self.database.rows(
            f"SELECT {columns} FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at"
        )


@pytest.fixture
def offers(database: Database, tmp_path: Path) -> Iterator[Offering]:
    key = register.own_key_store(Settings(data=database.data)).make(NOW)
    us = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", keys=(key.public,))
    with partner(tmp_path / "county", COUNTYS, us) as (county, address):
        made = Offering(database, tmp_path, county, address)
        yield made
        made.teller.close()


def test_a_start_reads_the_list_before_it_ends_an_offer(offers: Offering) -> None:
    """The threads that follow the list may be slower than the first look at the offers."""
    offers.offer("county")
    offers.teller.close()
    offers.teller = NotificationJob(offers.settings, offers.clock)
    offers.teller._update_offers(offers.clock())
    assert (offers.one.stands, offers.one.ended) == (True, "")


def test_a_partner_is_told_of_an_entry_of_each_change_and_of_its_end_and_each_is_on_record(
    offers: Offering,
) -> None:
    (made,) = offers.offer()
    offers.teller.run_once()
    (result,) = offers.county.offers.values()
    assert (result["asker"]["agency"], result["asker"]["person"]) == ("sjpd", "vale")
    assert result["entry"] == {
        **{"category": "stolen_vehicle", "plate": "AST3087", "state": "AZ", "vehicle": {"make": "Ford"}},
        **{name: TOLD[name] for name in ("case_number", "reason", "requested_by", "contact", "instructions")},
        "expires_at": result["entry"]["expires_at"],
    }
    assert (offers.one.decision, offers.one.untold_since) == ("waiting", None)
    offers.county.decisions[str(made.offer_id)] = "taken"
    offers.later(timedelta(seconds=61))
    assert offers.one.decision == "taken", "what it decided comes with the next word"
    offers.add(instructions="Do not stop, contact member of Alert Hit")
    offers.later(timedelta(seconds=1))
    (result,) = offers.county.offers.values()
    assert result["entry"]["instructions"].startswith("Do not stop")
    entries.remove(offers.door(), ENTRY)
    offers.later(timedelta(seconds=1))
    assert offers.county.offers == {}
    assert (offers.one.stands, offers.one.ended, offers.one.untold_since) == (
        False,
        "the entry has ended",
        None,
    )
    assert offers.county.numbers == sorted(set(offers.county.numbers))
    assert offers.log("hotlist_offer") == [
        ("vale", ENTRY, "allowed", "26-001234", "offered to county", ""),
    ]
    assert [row[4] for row in offers.log("partner_tell")] == [
        "county has been offered sjpd:26-1: waiting",
        "county has been offered sjpd:26-1: taken",
        "county was informed that it is no longer listed",
    ]
    assert set(offers.effects("partner_tell")) <= set(offers.county.digests), "each has what was sent"
    columns = "kind, other, change, refusal"
    rows = offers.database.rows(f"SELECT {columns} FROM platestream.inquiry_log")
    assert "AST3087" not in str(rows)
    offers.later(2 * DAY)
    with offering.lists(offers.settings).reading() as kept:
        assert kept.offered.all() == [], "and its plate is kept no longer than it is shown"
    assert b"AST3087" not in offering.lists(offers.settings).path.read_bytes()


def test_what_a_partner_could_not_be_told_is_shown_and_told_by_whoever_is_started_next(
    offers: Offering,
) -> None:
    offers.offer()
    offers.teller.run_once()
    offers.county.down = True
    assert offering.withdraw(offers.door(), ENTRY, ["all"], offers.clock())[0].ended == "withdrawn"
    asked = len(offers.county.paths)
    for _ in range(4):
        offers.later(timedelta(seconds=0.1))
    assert len(offers.county.paths) == asked + 1, "not without a pause"
    for _ in range(8):
        offers.later(timedelta(seconds=8))
    assert len(offers.county.paths) == asked + 9
    assert (offers.one.untold_since is not None, offers.one.fault) == (True, "could not be reached: not now")
    (said,) = offering.list_unreachable(offers.settings, offers.clock())
    assert said.startswith("county has not been sent")
    assert offers.county.plates == ["AST3087"]
    offers.county.down = False
    offers.again()
    assert (offers.county.plates, offers.one.untold_since) == ([], None)
    assert offering.list_unreachable(offers.settings, offers.clock()) == []


def test_a_partner_that_refuses_is_shown_so_and_one_that_forgets_is_offered_it_again(
    offers: Offering,
) -> None:
    offers.county.refuses = "no MOU with this agency is in force"
    offers.offer()
    offers.teller.run_once()
    assert (offers.one.refused, offers.one.untold_since) == ("no MOU with this agency is in force", None)
    offers.later(timedelta(minutes=2))
    assert offers.county.paths.count("offers") == 1, "an answer is an answer"
    offers.county.refuses = ""
    (again,) = offers.offer()
    offers.later(timedelta(seconds=1))
    assert (offers.one.decision, len(offers.county.offers)) == ("waiting", 1)
    assert offers.offer() == [offers.one], "one that waits is not offered twice"
    offers.county.offers.clear()
    offers.later(timedelta(seconds=61))
    offers.later(timedelta(seconds=1))
    assert [str(again.offer_id)] == list(offers.county.offers)


def test_an_entry_is_withdrawn_when_it_expires_and_when_the_mou_ends(offers: Offering) -> None:
    (made,) = offers.offer()
    offers.county.decisions[str(made.offer_id)] = "taken"
    offers.teller.run_once()
    assert offers.one.status_text == "taken"
    ended = agency("county", COUNTYS, address=offers.address, mou_until=NOW - DAY)
    put(offers.database, offers.database.data, ended)
    (shown,) = offering.of_entry(offers.door(), ENTRY, offers.clock())
    assert (shown.stands, shown.status_text) == (False, "was taken"), "at once, before anybody was told"
    offers.later(timedelta(seconds=6))
    assert (offers.county.offers, offers.one.ended) == ({}, "no MOU was in force (I.2)")
    put(offers.database, offers.database.data, agency("county", COUNTYS, address=offers.address))
    offers.offer()
    offers.later(timedelta(seconds=6))
    assert offers.county.plates == ["AST3087"]
    offers.later(22 * DAY)
    assert (offers.county.offers, offers.one.ended) == ({}, "the entry has ended")


def test_who_may_not_and_what_may_not_be_offered_is_refused_and_on_record(offers: Offering) -> None:
    put(offers.database, offers.database.data, agency("city", own_key(4), address="", mou_from=None))
    put(offers.database, offers.database.data, agency("town", own_key(5), shares_kinds=("search",)))
    theirs = msgspec.structs.replace(offers.add(reference="26-9"), entry_id="ncic:1", source="ncic")
    publish(offers.door().streams, topics.HOTLIST, [HotListChange("ncic:1", theirs)])
    offers.add(reference="26-2", cameras="main-n")
    offers.add(reference="26-3", silenced_for="county")
    for who, entry, to, because in (
        ("aud", ENTRY, "county", "none of this user's roles"),
        ("stranger", ENTRY, "county", "not a registered user"),
        ("vale", ENTRY, "city", "no MOU"),
        ("vale", ENTRY, "town", "names kinds of inquiry"),
        ("vale", ENTRY, "nowhere", "not registered"),
        ("vale", ENTRY, "sjpd", "no partner of itself"),
        ("vale", "ncic:1", "county", "only entries of our own list"),
        ("vale", "sjpd:26-2", "county", "some cameras of ours only"),
        ("vale", "sjpd:26-3", "county", "does not alert this agency"),
        ("vale", "sjpd:26-3", "all", "no agency that this entry may be offered to"),
        ("vale", "sjpd:gone", "county", "not on the list"),
    ):
        with pytest.raises((RefusedInquiry, RefusedError), match=because):
            offers.offer(to, entry=entry, who=who)
    assert {row[2] for row in offers.log("hotlist_offer")} == {"refused"}
    assert len(offers.log("hotlist_offer")) == 11
    offers.teller.run_once()
    assert offers.county.paths == []


def offer_is_bare(offers: Offering) -> bool:
    return any(f"offer of {ENTRY} to county" in fault for fault in offers.check())


@pytest.mark.parametrize("how", ["put into the file", "withdrawn and put back", "of another agency"])
def test_16_an_offer_that_no_act_made_is_not_held(offers: Offering, how: str) -> None:
    (made,) = offers.offer()
    assert offers.effects("hotlist_offer") == [offering.effect_of_offer(made, stands=True)]
    assert not offer_is_bare(offers)
    if how == "withdrawn and put back":
        offering.withdraw(offers.door(), ENTRY, ["all"], offers.clock())
        assert offers.effects("hotlist_offer")[1] == offering.effect_of_offer(made, stands=False)
        assert not offer_is_bare(offers)
        forged = made
    elif how == "of another agency":
        forged = msgspec.structs.replace(made, agency="elsewhere")
    else:
        forged = msgspec.structs.replace(made, offer_id=uuid4())
    with offering.lists(offers.settings).writing() as kept:
        kept.offered.put(forged)
    assert any(f"offer of {ENTRY} to {forged.agency}" in fault for fault in offers.check())


def test_16_an_offer_that_was_taken_or_follows_its_entry_is_of_its_act(offers: Offering) -> None:
    (made,) = offers.offer()
    offers.county.decisions[str(made.offer_id)] = "taken"
    offers.teller.run_once()
    offers.add(instructions="Do not stop, contact member of Alert Hit")
    offers.later(timedelta(seconds=61))
    assert offers.one.decision == "taken"
    assert not offer_is_bare(offers)
    offers.offer()
    assert not offer_is_bare(offers)
