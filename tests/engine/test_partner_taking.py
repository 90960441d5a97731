"""Entries that another agency offers, and hits between the two: what may be said, taken and told, by whom."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from platestream.access.door import Clients, Door
from platestream.access.inquire import RefusedInquiry
from platestream.edges.changelog import publish
from platestream.edges.clickhouse import ClickHouseTables
from platestream.edges.edge import Edge
from platestream.edges.files import FileTopics
from platestream.flows import audit_flow
from platestream.hotlist import entries, intake
from platestream.hotlist.list_changes import listed
from platestream.operators.matching.entry_match import match_entry
from platestream.partners import offers as offering
from platestream.partners import received_offers, remote_hits
from platestream.partners.notifications import NotificationJob
from platestream.policy.checks import hotlist_acts
from platestream.policy.checks.context import CheckData
from platestream.schemas import tables, topics
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.partner_lists import (
    CURRENT_OFFERS,
    HITS,
    OFFERS,
    CurrentOffers,
    Offer,
    OfferedEntry,
    RemoteHit,
)
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import read, user
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN
from tests.support.flows import run
from tests.support.partner_lists import ListKeeper, short
from tests.support.partners import (
    ADDRESS,
    COUNTYS,
    DAY,
    Answering,
    agency,
    asker,
    day,
    own_key,
    partner,
    put,
)

CITYS = own_key(4)
ONE = UUID("3f9c0a71-be02-4000-8000-000000000001")
RULES = """
here = true
[serve]
address = "https://alpr.sjpd.example:8444"
[lists.partners.city]
take = "never"
[lists.partners.town]
take = "always"
categories = ["stolen_vehicle"]
"""


def entry(plate: str = "ABC1234", **changes: Any) -> OfferedEntry:
    said: dict[str, Any] = {
        **{
            "category": "stolen_vehicle",
            "plate": plate,
            "case_number": "26-77",
            "reason": "Taken at gunpoint",
        },
        **{"requested_by": "Dep. Nez", "contact": "928-555-0101", "instructions": "P/C for arrest"},
        "expires_at": NOW + 20 * DAY,
    }
    return OfferedEntry(**{**said, **changes})


class Taking(Answering):
    """An agency to which the county offers entries; `said` counts what it said."""

    def __init__(self, database: Database, folder: Path, *, furnished: bool = True) -> None:
        file = folder / "partners.toml"
        file.write_text(RULES)
        super().__init__(database, file=file)
        self.said = 0
        if furnished:
            self._furnish()

    def _furnish(self) -> None:
        people = (user("vale", "officer"), user("chief"), user("aud", "auditor"))
        others = (agency("county", COUNTYS), agency("city", CITYS), agency("town", own_key(5)))
        source = RegistryRecord(kind="hotlist_source", id="partner", name="Partners")
        put(self.database, self.data, OWN, *people, *others, source)

    @property
    def number(self) -> int:
        self.said += 1
        return self.said

    def door(self, who: str = "vale") -> Door:
        return Door(self.settings, who, "test", Clients(self.settings))

    def offered(self, one: UUID = ONE, told: OfferedEntry | None = None, **how: Any) -> Any:
        key, number = how.pop("key", COUNTYS), how.pop("number", None) or self.number
        body = Offer(asker=asker(**how), number=number, offer_id=one, entry=told or entry())
        return self.ask(body, key, path=OFFERS)

    def stands(self, *offers: UUID, key: Any = COUNTYS, by: str = "county", number: int = 0) -> Any:
        body = CurrentOffers(agency=by, number=number or self.number, offers=offers)
        return self.ask(body, key, path=CURRENT_OFFERS)

    def take(self, one: UUID = ONE, who: str = "vale", back: bool = False) -> HotListEntry:
        return received_offers.take(self.door(who), short(one), self.clock(), back=back)[0].entry

    @property
    def on_list(self) -> dict[str, HotListEntry]:
        return listed(self.door().streams)

    @property
    def kept(self) -> dict[str, str]:
        """What became of offers, by the entry's id."""
        with offering.lists(self.settings).reading() as kept:
            return {one.entry.entry_id: one.decision for one in kept.incoming.all()}

    def turn(self) -> None:
        teller = NotificationJob(self.settings, self.clock)
        teller.run_once()
        teller.close()

    def rows(self, kind: str) -> list[Any]:
        asked = "SELECT who, partner, outcome, other, change, refusal, automatic, set_off_by"
        return self.database.rows(f"{asked} FROM platestream.inquiry_log WHERE kind = '{kind}' ORDER BY at")


@pytest.fixture
def takes(database: Database, tmp_path: Path) -> Taking:
    return Taking(database, tmp_path)


def test_a_person_takes_an_offered_entry_and_it_is_off_the_list_as_soon_as_its_agency_says_so(
    takes: Taking,
) -> None:
    result = takes.offered()
    assert (result.status_code, result.json()["decision"]) == (200, "waiting")
    assert takes.on_list == {}
    taken = takes.take(back=True)
    assert takes.on_list == {short(ONE): taken}
    assert (taken.source, taken.plate, taken.case_number) == ("partner", "ABC1234", "26-77")
    assert taken.other == (
        "Entry of County, which answers for it: ask Dep. Nez, 928-555-0101 before any action."
    )
    assert takes.stands(ONE).json()["offers"] == [{"offer_id": str(ONE), "decision": "taken"}]
    assert takes.stands().json()["offers"] == []
    assert (takes.on_list, takes.kept) == ({}, {})
    assert takes.rows("partner_offer") == [
        ("county/jones", "county", "allowed", short(ONE), *_added(takes.rows("partner_offer")), "", False, "")
    ]
    assert [row[:4] for row in takes.rows("hotlist_take")] == [("vale", "", "allowed", short(ONE))]
    (gone,) = takes.rows("partner_told")
    assert gone[2:] == ("allowed", short(ONE), "county has withdrawn it", "", True, "agency:county")
    assert "ABC1234" not in str(takes.log("*"))


def _added(rows: list[Any]) -> list[str]:
    (row,) = rows
    assert row[4].startswith("hot list: added, entry_id: partner:county/")
    return [row[4]]


def test_an_entry_whose_agency_is_not_heard_of_is_off_the_list_until_it_is(takes: Taking) -> None:
    takes.offered()
    takes.take()
    takes.by = timedelta(minutes=14)
    takes.turn()
    assert len(takes.on_list) == 1
    takes.by = timedelta(minutes=16)
    takes.turn()
    assert (takes.on_list, takes.kept[short(ONE)]) == ({}, "taken")
    takes.stands(ONE)
    assert list(takes.on_list) == [short(ONE)]
    takes.turn()
    assert list(takes.on_list) == [short(ONE)]
    put(takes.database, takes.data, agency("county", COUNTYS, mou_until=NOW - DAY))
    takes.turn()
    assert takes.on_list == {}, "and when nothing is shared with it any more"
    assert takes.stands(ONE).json()["offers"][0]["decision"] == "dropped", "as its agency is told"
    assert takes.on_list == {}
    put(takes.database, takes.data, agency("county", COUNTYS))
    assert takes.stands(ONE).json()["offers"][0]["decision"] == "taken"
    assert list(takes.on_list) == [short(ONE)]
    said = [row[4] for row in takes.rows("partner_told")]
    assert said == [
        "its agency was not heard of: off the list until it is",
        "county was heard again: it stands",
        "nothing is shared with its agency any more",
        "county was heard again: it stands",
    ]


def test_whoever_may_not_offer_is_refused_by_the_gate_and_on_record(takes: Taking) -> None:
    put(takes.database, takes.data, agency("past", own_key(6), mou_until=NOW - DAY))
    put(takes.database, takes.data, agency("some", own_key(7), shares_kinds=("search",)))
    put(takes.database, takes.data, agency("firm", own_key(8), law_enforcement=False))
    for key, how, because in (
        (own_key(6), {"agency": "past"}, "the MOU with this agency has ended"),
        (own_key(7), {"agency": "some"}, "does not share this kind"),
        (own_key(8), {"agency": "firm"}, "no law enforcement agency"),
        (COUNTYS, {"trained_on": day(400)}, "training has lapsed"),
        (COUNTYS, {"agency": "city"}, "of another agency"),
        (COUNTYS, {"person": "vale", "agency": "sjpd"}, "of another agency"),
        (CITYS, {"agency": "city"}, "takes no such entries of yours"),
    ):
        result = takes.offered(key=key, **how)
        assert (result.status_code, because in result.json()["detail"]) == (403, True), result.json()
    reason = entry(case_number="x", reason="personal interest in a car")
    assert "prohibited purpose" in takes.offered(told=reason).json()["detail"]
    assert [row[2] for row in takes.rows("partner_offer")] == ["refused"] * 8
    assert takes.offered(key=own_key(9)).status_code == 401
    assert takes.kept == {}


def test_what_can_be_no_entry_is_refused_and_nothing_in_one_steers_a_page_or_a_terminal(
    takes: Taking,
) -> None:
    for result in (
        entry("*"),
        entry("A*"),
        entry("ABCDEFGHIJK"),
        entry(instructions="\x1b\n\u202e"),
        entry(valid_from=NOW + 21 * DAY),
        entry(expires_at=NOW - DAY),
    ):
        assert takes.offered(told=result).status_code in (403, 422)
    for raw in (b"{", b"[]", b'{"asker":1}', b"\xff", msgspec.json.encode({"number": 1})):
        assert takes.ask(raw, path=OFFERS).status_code == 422
        assert takes.ask(raw, path=CURRENT_OFFERS).status_code == 422
        assert takes.ask(raw, path=HITS).status_code == 422
    assert takes.kept == {}
    steering = entry(instructions="<script>alert(1)</script>\x1b[2J", other="\u202eabc\x00\r\nFrom: chief")
    takes.offered(told=steering)
    (one,) = received_offers.offers(takes.door())
    assert one.entry.instructions == "<script>alert(1)</script> [2J"
    assert one.entry.other.endswith("before any action. abc From: chief")
    assert one.entry.other.isprintable()


def test_no_partner_can_say_anything_of_anothers_offers_nor_say_again_what_it_said(takes: Taking) -> None:
    takes.offered(number=10)
    takes.take()
    assert takes.stands(key=CITYS, by="city").json()["offers"] == []
    assert takes.stands(key=CITYS, by="county").status_code == 403, "the body names another agency"
    assert takes.offered(key=CITYS, agency="city", told=entry("ZZZ9999")).status_code == 403
    assert takes.on_list[short(ONE)].plate == "ABC1234"
    assert takes.stands(number=10).status_code == 409
    assert takes.stands(number=9).status_code == 409
    assert list(takes.on_list) == [short(ONE)]
    assert takes.stands(number=11).status_code == 200
    assert takes.offered(number=10).status_code == 409, "what was withdrawn does not come back"
    takes.again()
    assert takes.offered(number=11).status_code == 409
    assert (takes.on_list, takes.kept) == ({}, {})


def test_offers_have_a_number_at_once(takes: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(received_offers, "MOST_OFFERS", 2)
    result = [takes.offered(uuid4()).status_code for _ in range(4)]
    assert result == [200, 200, 403, 403]
    assert takes.offered(key=own_key(5), agency="town").status_code == 200, "of each agency"
    assert len(takes.kept) == 3


def test_a_rule_takes_at_once_what_is_one_vehicle_of_a_category_that_it_names(takes: Taking) -> None:
    towns = {"key": own_key(5), "agency": "town"}
    result = [
        takes.offered(uuid4(), one, **towns).json()
        for one in (entry(), entry("AB?1234"), entry(category="wanted_person"))
    ]
    assert [one.get("decision") for one in result] == ["taken", "waiting", None]
    assert [one.plate for one in takes.on_list.values()] == ["ABC1234"]
    (row,) = takes.rows("hotlist_take")
    assert row[:3] + row[6:] == ("partners", "", "allowed", True, "agency:town")


def test_a_taken_entry_follows_its_agencys_changes_but_another_plate_is_decided_anew(takes: Taking) -> None:
    takes.offered()
    takes.take()
    takes.offered(told=entry(instructions="Do not stop, contact member of Alert Hit"))
    assert takes.on_list[short(ONE)].instructions.startswith("Do not stop")
    result = takes.offered(told=entry("XYZ9999"))
    assert (result.json()["decision"], takes.on_list) == ("waiting", {})
    assert takes.take().plate == "XYZ9999"
    longer = entry("XYZ9999", expires_at=NOW + 400 * DAY)
    assert (takes.offered(told=longer).json()["decision"], takes.on_list) == ("waiting", {})
    with pytest.raises(RefusedError, match="further away than 366 days"):
        takes.take()


def faults(takes: Taking) -> str:
    """What the checks of the hot list find."""
    live = CheckData.of(takes.door("chief"), datetime.now(UTC))
    return "; ".join(
        one
        for found in (hotlist_acts.entries_logged(live), hotlist_acts.list_not_emptied(live))
        for one in found.faults
    )


def test_16_each_change_of_a_partners_entry_is_by_an_act_that_holds_it(takes: Taking) -> None:
    takes.offered()
    takes.take()
    assert faults(takes) == ""
    takes.offered(told=entry(instructions="Do not stop, contact member of Alert Hit"))
    assert faults(takes) == ""
    takes.stands()
    assert (faults(takes), takes.on_list) == ("", {})
    takes.offered(UUID(int=7 << 90), told=entry("XYZ9999"), key=own_key(5), agency="town")
    assert [one.plate for one in takes.on_list.values()] == ["XYZ9999"], "taken by a rule"
    assert faults(takes) == ""
    effects = takes.database.rows(
        "SELECT kind, countIf(length(effect) != 64) FROM platestream.inquiry_log"
        " WHERE kind IN ('hotlist_take', 'partner_told') AND outcome = 'allowed' GROUP BY kind ORDER BY kind"
    )
    assert effects == [("hotlist_take", 0), ("partner_told", 0)]


@pytest.mark.parametrize("what", ["another plate", "no act", "removed", "back again", "of another agency"])
def test_16_a_partners_entry_that_is_written_behind_its_act_is_not_held(takes: Taking, what: str) -> None:
    takes.offered()
    taken = takes.take()
    name, said = taken.entry_id, "on the list without an act"
    changed: HotListEntry | None = msgspec.structs.replace(taken, plate="ZZZ9999")
    if what == "no act":
        name = "partner:county/000000000000"
        changed = msgspec.structs.replace(taken, entry_id=name)
    elif what == "of another agency":
        name = name.replace("county", "city")
        changed = msgspec.structs.replace(taken, entry_id=name)
    elif what == "removed":
        changed, said = None, "and gone"
    elif what == "back again":
        received_offers.decline(takes.door(), name)
        changed = taken
    publish(takes.door().streams, topics.HOTLIST, [HotListChange(name, changed)])
    assert said in faults(takes)


def test_nobody_here_changes_a_partners_entry_and_whoever_may_drops_it(takes: Taking) -> None:
    takes.offered()
    taken = takes.take()
    fields = {"reference": "county/3f9c0a71be02", "plate": "ZZZ9999"}
    with pytest.raises(RefusedError, match="nothing of it is changed here"):
        entries.add(takes.door(), "partner", fields, NOW)
    with pytest.raises(RefusedError, match="nothing of it is changed here"):
        intake.import_lines(takes.door("chief"), "partner", [(1, fields)], NOW)
    for who, because in (("aud", "none of this user's roles"), ("stranger", "not a registered user")):
        with pytest.raises(RefusedInquiry, match=because):
            received_offers.decline(takes.door(who), short(ONE))
    was = entries.remove(takes.door(), short(ONE))
    assert was == taken
    takes.turn()
    assert takes.stands(ONE).json()["offers"][0]["decision"] == "dropped"
    with pytest.raises(RefusedError, match="nothing of it is changed here"):
        entries.restore(takes.door(), was, None, NOW)
    takes.take()
    assert received_offers.decline(takes.door(), short(ONE)).decision == "dropped"
    assert takes.on_list == {}
    publish(takes.door().streams, topics.HOTLIST, [_change(taken)])
    takes.turn()
    assert takes.on_list == {}, "behind what nobody offers nothing stands"


def _change(one: HotListEntry) -> Any:
    return HotListChange(one.entry_id, one)


def test_what_cannot_be_taken_says_why(takes: Taking) -> None:
    ended = RegistryRecord(kind="hotlist_source", id="partner", name="P", active=False)
    put(takes.database, takes.data, ended)
    takes.offered()
    with pytest.raises(RefusedError, match="`source` is not designated"):
        takes.take()
    put(takes.database, takes.data, msgspec.structs.replace(ended, active=True))
    with pytest.raises(RefusedError, match="no such entry is offered"):
        takes.take(UUID(int=1))
    takes.by = timedelta(minutes=20)
    with pytest.raises(RefusedError, match="has not said since"):
        takes.take()
    assert [row[2] for row in takes.rows("hotlist_take")] == ["refused"] * 3


# Hits


def hit_on(taken: HotListEntry, camera: str = "main-n", **changes: Any) -> AlertHit:
    """What the match flow makes of a vehicle that just passed."""
    seen = read(timedelta(), camera, plate="ABC1234", **changes)
    hit = match_entry(seen, msgspec.structs.replace(taken, listed_at=None))
    assert hit is not None
    return hit


@pytest.fixture
def tells(takes: Taking, tmp_path: Path) -> Iterator[ListKeeper]:
    """The county as it hears of hits, which has an MOU of one camera."""
    us = RegistryRecord(kind="agency", id="sjpd", name="SJPD", keys=(_own(takes),))
    with partner(tmp_path / "county", COUNTYS, us) as (county, address):
        keeper = ListKeeper()
        county._clock = takes.clock
        county.answer = keeper.answer  # type: ignore[method-assign]
        theirs = agency("county", COUNTYS, address=address, shares_cameras=("main-n",))
        put(takes.database, takes.data, theirs)
        yield keeper


def _own(takes: Taking) -> str:
    from platestream.partners import register

    (key,) = register.own_key_store(takes.settings).all()
    return key.public


def test_a_hit_on_a_partners_entry_is_told_once_of_shared_cameras_and_on_record_before(
    takes: Taking, tells: ListKeeper
) -> None:
    takes.offered()
    taken = takes.take()
    shared, other = hit_on(taken), hit_on(taken, "school-n")
    old = msgspec.structs.replace(hit_on(taken), historical=True)
    publish(takes.door().streams, topics.ALERT_HITS, [shared, other, old])
    tells.down = True
    takes.turn()
    assert [row[3:6] for row in takes.rows("partner_tell")] == [
        (str(shared.hit_id), f"county is notified of a hit on {short(ONE)} by camera main-n", ""),
        (str(other.hit_id), "", "county: the MOU with it does not share this camera (I.2)"),
    ]
    (waits,) = offering.list_offers(takes.door(), takes.clock())[1]
    assert (waits.hit_id, waits.fault) == (shared.hit_id, "could not be reached: not now")
    tells.down = False
    takes.turn()
    takes.turn()
    (result,) = tells.hits
    assert (result["agency"], result["offer_id"], result["read"]["plate"]) == ("sjpd", str(ONE), "ABC1234")
    assert result["read"]["camera_id"] == "main-n"
    assert takes.rows("partner_tell")[-1][4] == "county has noted it"
    assert b"ABC1234" not in offering.lists(takes.settings).path.read_bytes().replace(
        msgspec.json.encode(taken), b""
    ), "no read is kept that was told"


class Met(Taking):
    """The agency that listed the vehicle, and what the county tells of it."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder)
        county = agency("county", COUNTYS, address=ADDRESS)
        put(database, database.data, county)
        fields = {
            **{"reference": "26-1", "plate": "ABC1234", "category": "stolen_vehicle"},
            **{"case_number": "26-001234", "reason": "Stolen", "requested_by": "Ofc. Vale"},
            **{"contact": "928-555-0114", "instructions": "P/C for arrest"},
            "expires_at": f"{NOW + 20 * DAY:%Y-%m-%d}",
        }
        added = entries.add(self.door(), "sjpd", fields, NOW - 2 * DAY, back=False)
        self.entry = added.entry
        (self.one,) = offering.offer(self.door(), "sjpd:26-1", ["county"], self.clock())

    def tell(self, offer: UUID | None = None, by: str = "county", key: Any = COUNTYS, **more: Any) -> Any:
        seen = read(more.pop("age", timedelta(seconds=2)), **{"camera": "elm", "plate": "ABC1234", **more})
        return self.told(seen, offer, by, key)

    def told(self, seen: Any, offer: UUID | None = None, by: str = "county", key: Any = COUNTYS) -> Any:
        fake = msgspec.structs.replace(hit_on(self.entry), detection=seen)
        body: RemoteHit = remote_hits.report_hit(fake, by, offer or self.one.offer_id)
        return self.ask(body, key, path=HITS)

    @property
    def hits(self) -> list[Any]:
        return self.database.rows(
            "SELECT agency, camera_id, entry_id, plate, match FROM platestream.alert_hits FINAL"
        )


@pytest.fixture
def meets(database: Database, tmp_path: Path) -> Met:
    return Met(database, tmp_path)


def test_a_partners_hit_is_an_alert_hit_of_ours_that_names_it_and_is_judged_by_our_own_matching(
    meets: Met,
) -> None:
    seen = read(timedelta(seconds=2), "elm", plate="ABC1234")
    assert [meets.told(seen).status_code for _ in range(2)] == [200, 200]
    assert meets.hits == [("county", "county/elm", "sjpd:26-1", "ABC1234", "exact")]
    messages = list(meets.door().streams.read_to_end(topics.ALERT_HITS))
    (hit,) = map(topics.ALERT_HITS.decode, messages)
    assert (hit.agency, hit.entry.instructions, hit.detection.picture) == ("county", "P/C for arrest", b"")
    ours = match_entry(seen, meets.entry)
    assert ours is not None
    assert hit.hit_id != ours.hit_id, "no agency writes over a hit of our own cameras"
    (row,) = meets.rows("partner_told")
    assert row[2:] == (
        *("allowed", str(hit.hit_id), "county saw sjpd:26-1 by its camera county/elm", ""),
        *(True, "agency:county"),
    )
    effects = meets.database.rows("SELECT effect FROM platestream.inquiry_log WHERE kind = 'partner_told'")
    assert effects == [(messages[0].effect,)]


def test_hits_that_nobody_asked_for_or_that_are_none_are_refused_and_on_record(meets: Met) -> None:
    put(meets.database, meets.data, agency("past", own_key(6), mou_until=NOW - DAY))
    for fields, because in (
        ({"offer": uuid4()}, "no entry is offered to you"),
        ({"key": CITYS, "by": "city"}, "no entry is offered to you"),
        ({"key": CITYS}, "names another agency"),
        ({"key": own_key(6), "by": "past"}, "no MOU"),
        ({"plate": "ZZZ9999"}, "does not match"),
        ({"age": timedelta(hours=2)}, "older than an hour"),
        ({"age": -timedelta(hours=3)}, "of a time to come"),
    ):
        answer = meets.tell(**fields)
        assert (answer.status_code, because in answer.json()["detail"]) == (403, True), answer.json()
    offering.withdraw(meets.door(), "sjpd:26-1", ["county"], meets.clock())
    assert meets.tell().status_code == 403, "nor on what was withdrawn"
    assert meets.hits == []
    assert [row[2] for row in meets.rows("partner_told")] == ["refused"] * 8


def test_the_audits_own_judgement_of_all_this_is_the_gates(takes: Taking) -> None:
    takes.offered()
    takes.offered(trained_on=day(400))
    takes.take()
    takes.stands()
    edge = Edge(FileTopics(takes.data, follow=False), ClickHouseTables(takes.database.dsn, follow=False))
    run(audit_flow.build(edge))
    assert (
        takes.database.rows("SELECT kind, rule FROM platestream.inquiry_findings WHERE grade = 'breach'")
        == []
    )
    assert tables.INQUIRY_FINDINGS.name == "inquiry_findings"
