"""Asking other agencies: who may, what is on record before and after, and what is never sent."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import ANY
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from platestream.access import registry
from platestream.access.door import Clients, Door
from platestream.access.gate import INSTANT
from platestream.access.inquire import RefusedInquiry
from platestream.cli.main import app
from platestream.evidence import export as exporting
from platestream.evidence import hold as holding
from platestream.evidence import package, partner_reads
from platestream.evidence.purge import purge_released
from platestream.inquiries.search import Pass, SearchRequest
from platestream.partners import client as asking
from platestream.partners import register
from platestream.partners.remote_hits import receive_hit
from platestream.partners.server import Response
from platestream.retention.service import start_scheduled
from platestream.runtime.clock import utc_now
from platestream.runtime.faults import Faults
from platestream.schemas import tables
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import PICTURES, Inquiry, Pictures, Read
from platestream.schemas.partner_lists import RemoteHit
from platestream.schemas.registry import RegistryRecord
from platestream.settings import ACCOUNTS, Settings
from tests.support.agency import user
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import OWN, signed_in_as
from tests.support.evidence import age
from tests.support.flows import LISTED
from tests.support.hits import put_hit
from tests.support.partners import COUNTYS, DAY, STRANGERS, Canned, agency, own_key, partner, put
from tests.support.rules import as_before

pytestmark = pytest.mark.slow

ASKED = SearchRequest("search", "ABC*")
WHY: Any = {"case_number": "26-001234"}
READ = {
    "detection_id": str(UUID(int=1)),
    "captured_at": NOW.isoformat(),
    "camera_id": "main-n",
    "latitude": 34.5,
    "longitude": -109.4,
    "plate": "ABC123",
    "confidence": 0.9,
}
READS = Response(200, "application/json", msgspec.json.encode({"reads": [READ], "found": 7}))


class Asking:
    """An agency that asks, with one partner that answers."""

    def __init__(self, database: Database, folder: Path, county: Canned, address: str) -> None:
        self.database, self.county, self.address = database, county, address
        file = folder / "partners.toml"
        file.write_text("here = true\n[ask]\ndeadline_s = 15\na_minute = 5\n")
        self.settings = Settings(clickhouse=database.dsn, data=database.data, partners_file=file)
        people = (
            user("vale", "officer"),
            user("chief"),
            user("aud", "auditor"),
            user("lapsed", trained_at=NOW - 400 * DAY),
        )
        put(database, database.data, OWN, *people, agency("county", COUNTYS, address=address))

    def door(self, who: str = "vale") -> Door:
        return Door(self.settings, who, "test", Clients(self.settings))

    def ask(
        self, *agencies: str, who: str = "vale", asked: SearchRequest = ASKED, **why: Any
    ) -> list[asking.Answer]:
        return list(asking.ask(self.door(who), asked, agencies or ("all",), **(why or WHY)))

    def again(self) -> None:
        """A minute has passed: partners may be asked as often as before."""
        (self.database.data / ACCOUNTS / "partners-asked.json").unlink()

    def log(self) -> list[Any]:
        columns = "who, kind, other, outcome, pattern, case_number, change, refusal"
        return self.database.rows(f"SELECT {columns} FROM platestream.inquiry_log ORDER BY at, kind DESC")


@pytest.fixture
def asks(database: Database, tmp_path: Path) -> Iterator[Asking]:
    key = register.own_key_store(Settings(data=database.data)).make(NOW)
    us = RegistryRecord(kind="agency", id="sjpd", name="St. Johns PD", keys=(key.public,))
    with partner(tmp_path / "county", COUNTYS, us) as (county, address):
        yield Asking(database, tmp_path, county, address)


def test_one_documented_inquiry_goes_to_a_partner_and_what_it_said_is_on_record_but_no_read(
    asks: Asking,
) -> None:
    asks.county.said = READS
    (result,) = asks.ask()
    assert (result.agency, result.outcome, result.found, [one.plate for one in result.reads]) == (
        "county",
        "answered",
        7,
        ["ABC123"],
    )
    assert asks.log() == [
        ("vale", "partner_search", "search", "allowed", "ABC*", "26-001234", "asked: county", ""),
        ("vale", "partner_answer", "county", "allowed", "", "26-001234", "answered with 7 reads", ""),
    ]
    sent = msgspec.json.decode(asks.county.asked[0], type=Inquiry)
    assert (sent.asker.agency, sent.asker.person, sent.plate) == ("sjpd", "vale", "ABC*")
    assert sent.asker.trained_on == (NOW - 30 * DAY).date()
    kept = [
        path for path in asks.database.data.rglob("*") if path.is_file() and b"ABC123" in path.read_bytes()
    ]
    assert kept == []
    assert asks.database.rows("SELECT count() FROM platestream.detections") == [(0,)]


@pytest.mark.parametrize(
    ("who", "why", "rule"),
    [
        ("vale", {"case_number": " "}, "neither case number nor reason"),
        ("vale", {"reason": "personal interest in a car"}, "prohibited purpose"),
        ("aud", WHY, "none of this user's roles"),
        ("lapsed", WHY, "training has lapsed"),
    ],
)
def test_whoever_may_not_look_here_asks_nobody_elsewhere(asks: Asking, who: str, why: Any, rule: str) -> None:
    with pytest.raises(RefusedInquiry, match=rule):
        asks.ask(who=who, **why)
    assert asks.county.asked == []
    assert [row[:4] for row in asks.log()] == [(who, "partner_search", "search", "refused")]


def test_who_is_not_registered_and_who_is_of_a_partner_ask_nobody(asks: Asking) -> None:
    put(asks.database, asks.database.data, user("jones", agency="county"))
    for who in ("stranger", "jones"):
        with pytest.raises((RefusedInquiry, RefusedError)):
            asks.ask(who=who)
    assert asks.county.asked == []
    assert {row[3] for row in asks.log()} == {"refused"}


@pytest.mark.parametrize(
    ("name", "more", "because"),
    [
        ("nowhere", None, "no agency nowhere is registered"),
        ("city", {"mou_from": None}, "no MOU"),
        ("city", {"mou_until": NOW - DAY}, "no MOU"),
        ("city", {"active": False}, "no other agency"),
        ("city", {"address": ""}, "address or its key"),
    ],
)
def test_who_cannot_be_asked_is_named_with_the_reason_and_nobody_is(
    asks: Asking, name: str, more: Any, because: str
) -> None:
    if more is not None:
        put(
            asks.database, asks.database.data, agency("city", own_key(4), **{"address": asks.address, **more})
        )
    with pytest.raises(RefusedError, match=because):
        asks.ask("county", name)
    assert asks.county.asked == []
    assert [row[1:4] for row in asks.log()] == [("partner_search", "search", "refused")]
    assert [one.agency for one in asks.ask()] == ["county"], "all are those that can be asked"


def test_a_dead_partner_one_that_answers_for_another_and_one_that_refuses_are_each_on_record(
    asks: Asking,
) -> None:
    records = asks.database.data
    put(asks.database, records, agency("dead", own_key(5), address="http://127.0.0.1:9"))
    put(asks.database, records, agency("wrong", STRANGERS, address=asks.address))
    problem = b'{"detail":"no MOU with this agency is in force <b>"}'
    asks.county.said = Response(403, "application/problem+json", problem)
    result = {one.agency: one for one in asks.ask()}
    assert {name: one.outcome for name, one in result.items()} == {
        "county": "refused",
        "dead": "unreachable",
        "wrong": "bad_signature",
    }
    said = {row[2]: row[6] for row in asks.log() if row[1] == "partner_answer"}
    assert said["county"] == "refused: no MOU with this agency is in force <b>"
    assert said["dead"] == "could not be reached: nothing answers at its address"
    assert said["wrong"].startswith("answered without its signature")


SOME_TIME = SearchRequest(
    "sightings", "ABC*", cameras=("main-n",), since=NOW - DAY, until=NOW + timedelta(minutes=1)
)


@pytest.mark.parametrize(
    ("lie", "fault"),
    [
        ({"reads": [READ, {**READ, "plate": "XYZ123"}], "found": 2}, "plates that were not asked for"),
        ({"reads": [{**READ, "captured_at": (NOW - 2 * DAY).isoformat()}], "found": 1}, "outside the time"),
        ({"reads": [{**READ, "captured_at": (NOW + DAY).isoformat()}], "found": 1}, "outside the time"),
        ({"reads": [{**READ, "camera_id": "jail"}], "found": 1}, "of cameras that were not asked for"),
        ({"reads": [READ, READ], "found": 1}, "fewer reads than it sends"),
        ({"reads": [READ] * 201, "found": 201}, "length <= 200"),
    ],
)
def test_a_signed_answer_with_what_was_not_asked_for_is_on_record_and_nothing_of_it_is_shown(
    asks: Asking, lie: Any, fault: str
) -> None:
    asks.county.said = Response(200, "application/json", msgspec.json.encode(lie))
    (result,) = asks.ask(asked=SOME_TIME)
    assert (result.outcome, result.reads, result.found, result.exchange) == ("bad_answer", (), 0, None)
    (said,) = [row[6] for row in asks.log() if row[1] == "partner_answer"]
    assert said.startswith("answered what cannot be read or was not asked for, so it is not shown: ")
    assert fault in said
    assert "XYZ123" not in said
    asks.county.said = READS
    assert asks.ask(asked=SOME_TIME)[0].found == 7


def test_a_read_to_come_is_no_answer_to_a_search_without_an_end(asks: Asking) -> None:
    later = {**READ, "captured_at": (utc_now() + timedelta(hours=1)).isoformat()}
    asks.county.said = Response(200, "application/json", msgspec.json.encode({"reads": [later], "found": 1}))
    assert asks.ask()[0].outcome == "bad_answer"


def test_all_partners_together_show_as_many_vehicles_as_one_search_which_count_for_the_person(
    asks: Asking,
) -> None:
    put(asks.database, asks.database.data, agency("town", COUNTYS, address=asks.address))
    reads = [{**READ, "plate": f"ABC{100 + number // 2}"} for number in range(140)]
    said = msgspec.json.encode({"reads": reads, "found": 140})
    asks.county.said = Response(200, "application/json", said)
    first, second = asks.ask()
    assert (len(first.reads), first.cut, first.found) == (100, True, 140)
    assert [one.plate for one in second.reads] == [one.plate for one in first.reads], "the same 50 vehicles"
    counted = "SELECT sum(vehicles) FROM platestream.inquiry_log WHERE counted_for = 'vale'"
    assert asks.database.value(counted) == 50
    (first, second) = asks.ask(**WHY, vehicles=160)
    assert not first.cut
    assert asks.database.value(counted) == 120
    asks.ask(**WHY, vehicles=160)
    asks.again()
    asks.ask(**WHY, vehicles=160)
    with pytest.raises(RefusedInquiry, match="as many vehicles as one person"):
        asks.ask()


@pytest.mark.nightly
def test_more_than_so_many_in_a_minute_are_not_asked_over_all_processes(asks: Asking) -> None:
    outcomes = [asks.ask()[0].outcome for _ in range(6)]
    assert outcomes == ["answered"] * 5 + ["not_asked"]
    later = asking.ask(asks.door(), ASKED, ["all"], clock=lambda: utc_now() + timedelta(minutes=30), **WHY)
    assert next(iter(later)).outcome == "not_known", "and whose clock is half an hour ahead is not known"
    assert len(asks.county.asked) == 5


def test_a_picture_is_asked_for_by_itself_and_is_a_picture(asks: Asking) -> None:
    result = Pictures(crop=b"\xff\xd8crop", vehicle=b"<svg onload=alert(1)>")
    asks.county.said = Response(200, "application/json", msgspec.json.encode(result))
    found = asking.pictures(asks.door(), "county", UUID(int=1), NOW, **WHY)
    assert found == {"crop": b"\xff\xd8crop"}
    assert [row[1:3] for row in asks.log()] == [
        ("partner_picture", str(UUID(int=1))),
        ("partner_answer", "county"),
    ]
    with pytest.raises(RefusedInquiry, match="neither case number"):
        asking.pictures(asks.door(), "county", UUID(int=1), NOW)


TERMS = holding.Terms(case_number="26-001234", authority="Det. Begay", schedule="felony")
JPEG = b"\xff\xd8vehicle"


def with_pictures(county: Canned, vehicle: bytes = JPEG, plate: str = "ABC123") -> None:
    """The county answers with two reads to a pattern, with the first alone when asked for it."""
    first, second = (
        {**READ, "detection_id": str(UUID(int=number)), "plate": one}
        for number, one in ((1, plate), (2, "ABC999"))
    )

    def answer(asked: Any, path: str, body: bytes) -> Response:
        county.asked.append(body)
        reads = [first, second] if b"ABC*" in body else [first]
        result = Pictures(vehicle=vehicle) if path == PICTURES else {"reads": reads, "found": len(reads)}
        return Response(200, "application/json", msgspec.json.encode(result))

    county.answer = answer  # type: ignore[method-assign,assignment]


def test_a_read_is_held_with_what_its_agency_signed_of_it_alone_and_goes_with_its_schedule(
    asks: Asking,
) -> None:
    with_pictures(asks.county)
    put(asks.database, asks.database.data, user("kay", "custodian"), user("ada", "administrator"))
    door, kay = asks.door(), asks.door("kay")
    (wanted,) = partner_reads.find(door, TERMS, "county", ASKED, [UUID(int=1)])
    held = partner_reads.hold(door, TERMS, "county", [wanted])
    assert (held.origin, [one.key for one in held.answers]) == ("county", [COUNTYS.fingerprint] * 2)
    asked = msgspec.json.decode(asks.county.asked[1], type=Inquiry)
    assert (asked.plate, asked.cameras, asked.since) == ("ABC123", ("main-n",), NOW - INSTANT)
    assert asked.asker.reason == "Held as evidence of county: Det. Begay", "so its own record says it"
    kinds = [row[1] for row in asks.log()[2:]]
    assert sorted(kinds[:4]) == ["partner_answer", "partner_answer", "partner_picture", "partner_search"]
    assert kinds[4:] == ["evidence_hold"]
    sealed = "SELECT countIf(position(exchange, 'ABC123') = 0), count() FROM platestream.evidence_answers"
    assert asks.database.rows(sealed) == [(2, 2)]
    sealed = "SELECT countIf(startsWith(jpeg, unhex('C1505350'))), count() FROM platestream.evidence_images"
    assert asks.database.rows(sealed) == [(len(held.pictures),) * 2]
    key = Ed25519PrivateKey.generate()
    assert [(one.origin, one.damaged) for one in exporting.holds(kay)] == [("county", 0)]
    made = exporting.export(kay, held.hold_id, key, NOW, receiver="court")
    manifest, faults = package.verify(made, partners=[COUNTYS.fingerprint])
    assert (faults, manifest and manifest.origin) == ([], "county")
    assert b"ABC999" not in b"".join(made.values()), "what else it has is not held"
    assert b"county, which has the originals" in made["summary.html"]
    holding.extend(kay, held.hold_id, msgspec.structs.replace(TERMS, release_at=held.release_at + DAY))
    assert b"county" in exporting.export(kay, held.hold_id, key, NOW, receiver="x")["manifest.json"]
    retention = start_scheduled(asks.door("ada"))
    age(asks.database, held.release_at - NOW + 2 * DAY)
    assert purge_released(retention, Faults()) == [str(held.hold_id)]
    assert asks.database.rows("SELECT count() FROM platestream.evidence_answers") == [(0,)]


def reported(asks: Asking, **changes: Any) -> UUID:
    """A hit on an entry of ours that the county reported of its read."""
    entry = msgspec.structs.replace(
        LISTED, entry_id="sjpd:26-1", source="sjpd", plate="ABC123", expires_at=NOW + DAY, listed_at=NOW - DAY
    )
    read = msgspec.convert({**READ, **changes}, Read)
    hit = receive_hit(RemoteHit(agency="county", offer_id=UUID(int=9), read=read), "county", entry, NOW)
    asks.database.put(tables.ALERT_HITS, hit)
    return hit.hit_id


def test_a_hit_that_an_agency_reported_is_held_as_what_it_signs_of_that_read_with_its_picture(
    asks: Asking,
) -> None:
    with_pictures(asks.county)
    put(asks.database, asks.database.data, user("kay", "custodian"))
    hit = reported(asks)
    of, wanted = partner_reads.of_hit(asks.door(), TERMS, hit)
    assert (of, wanted) == ("county", Pass(UUID(int=1), NOW, "ABC123", "main-n"))
    held = partner_reads.hold(asks.door(), TERMS, of, [wanted])
    assert (held.origin, len(held.pictures), len(held.answers)) == ("county", 1, 2)
    assert asks.log()[0][1] == "hits", "whoever holds it looks at it first, on record"
    made = exporting.export(
        asks.door("kay"), held.hold_id, Ed25519PrivateKey.generate(), NOW, receiver="court"
    )
    assert package.verify(made, partners=[COUNTYS.fingerprint])[1] == []
    assert "another key" in package.verify(made, partners=[STRANGERS.fingerprint])[1][0]
    asked = len(asks.county.asked)
    with pytest.raises(RefusedInquiry, match="none of this user's roles"):
        partner_reads.of_hit(asks.door("aud"), TERMS, hit)
    with pytest.raises(holding.NothingToHold, match="is of our own cameras: hold its detection"):
        partner_reads.of_hit(asks.door(), TERMS, UUID(put_hit(asks.database, 1)))
    assert len(asks.county.asked) == asked


def test_a_hit_is_held_by_its_id_alone_at_the_command_line(
    asks: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_pictures(asks.county)
    as_before(asks.database)
    signed_in_as(monkeypatch, "vale")
    monkeypatch.setenv("PLATESTREAM_CLICKHOUSE", asks.settings.clickhouse)
    monkeypatch.setenv("PLATESTREAM_DATA", str(asks.settings.data))
    monkeypatch.setenv("PLATESTREAM_PARTNERS_FILE", str(asks.settings.partners_file))
    terms = ["--case", "26-001234", "--authority", "Det. Begay", "--schedule", "felony"]
    words = ["evidence", "hold", "--hit", str(reported(asks)), *terms]
    both = CliRunner().invoke(app, [*words, "--agency", "county"])
    assert (both.exit_code, "--hit already sets agency" in both.output) == (2, True)
    done = CliRunner().invoke(app, words)
    assert "1 detection, 1 picture" in done.output, (done.output, done.exception)
    assert "2 signed answers of county" in done.output


def test_what_an_agency_says_otherwise_when_it_is_asked_again_is_not_held(asks: Asking) -> None:
    with_pictures(asks.county)
    _of, wanted = partner_reads.of_hit(asks.door(), TERMS, reported(asks))
    for other in (
        wanted._replace(plate="ABC128"),
        wanted._replace(captured_at=NOW - timedelta(seconds=1)),
        wanted._replace(captured_at=NOW + timedelta(seconds=1)),
    ):
        with pytest.raises(RefusedError, match=r"not asked for|outside the time"):
            partner_reads.hold(asks.door(), TERMS, "county", [other])
        asks.again()
    with_pictures(asks.county, plate="ABC12O")
    with pytest.raises(holding.NothingToHold, match="now what it said before"):
        partner_reads.hold(asks.door(), TERMS, "county", [wanted._replace(plate="ABC120")])
    assert asks.database.rows("SELECT count() FROM platestream.evidence_holds") == [(0,)]


def test_what_an_agency_does_not_show_is_not_held_nor_by_whoever_may_not_look(asks: Asking) -> None:
    passes = [Pass(UUID(int=1), NOW, "ABC123", "main-n")]
    with_pictures(asks.county, b"")
    with pytest.raises(holding.NothingToHold, match="no picture"):
        partner_reads.hold(asks.door(), TERMS, "county", passes)
    with pytest.raises(holding.NothingToHold, match="does not answer with"):
        partner_reads.hold(asks.door(), TERMS, "county", [passes[0]._replace(detection_id=UUID(int=9))])
    asked = len(asks.county.asked)
    with pytest.raises(RefusedInquiry, match="none of this user's roles"):
        partner_reads.hold(asks.door("aud"), TERMS, "county", passes)
    with pytest.raises(RefusedError, match="1 to 10 reads"):
        partner_reads.hold(asks.door(), TERMS, "county", passes * 11)
    assert (len(asks.county.asked), asks.log()[-1][1:4]) == (asked, ("evidence_hold", ANY, "refused"))
    assert asks.database.rows("SELECT count() FROM platestream.evidence_holds") == [(0,)]


def test_meetings_are_not_asked_for_elsewhere_and_without_a_key_nothing_is(asks: Asking) -> None:
    with pytest.raises(RefusedError, match="plates, look-alikes and sightings only"):
        asks.ask(asked=SearchRequest("companions", "ABC123"))
    register.own_key_store(asks.settings).end(register.own_key_store(asks.settings).all()[0].fingerprint)
    with pytest.raises(RefusedError, match="no key here"):
        asks.ask()
    assert asks.county.asked == []


def test_where_a_partner_is_and_its_keys_are_set_by_the_administrator_and_each_change_is_on_record(
    asks: Asking,
) -> None:
    chief, new = asks.door("chief"), own_key(9)
    with pytest.raises(RefusedInquiry, match="none of this user's roles"):
        register.put_partner(asks.door("vale"), "county", NOW, address="https://alpr.county.example")
    register.put_partner(chief, "county", NOW, address="HTTPS://alpr.county.example:8444/", add=[new.public])
    known = registry.records_of(chief.streams, "agency")["county"]
    assert (known.address, len(known.keys)) == ("https://alpr.county.example:8444", 2)
    with pytest.raises(RefusedError, match="has two keys"):
        register.put_partner(chief, "county", NOW, add=[own_key(10).public])
    register.put_partner(chief, "county", NOW, end=[COUNTYS.fingerprint[:8]])
    again = msgspec.structs.replace(known, name="Apache County", address="", keys=())
    after = registry.put_agency(chief, again, NOW)
    assert (after.address, after.keys) == (known.address, (new.public,)), "its MOU is changed without them"
    changes = [row[6] for row in asks.log() if row[1] == "registry_agency" and row[3] == "allowed"]
    assert "address: " in changes[0]
    assert "keys: " in changes[1]
    assert asks.log()[0][3] == "refused"


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        ({"address": "http://alpr.county.example"}, "in clear"),
        ({"address": "https://169.254.169.254"}, "none that another agency can have"),
        ({"address": "https://x.example/path"}, "and no more"),
        ({"add": ["ssh-ed25519 AAAA"]}, "no public key"),
        ({"end": ["0123456789"]}, "no key whose fingerprint"),
        ({"add": [own_key(11).public]}, "the key of city"),
    ],
)
def test_what_is_no_address_and_no_key_of_theirs_is_not_registered(
    asks: Asking, fields: Any, because: str
) -> None:
    put(asks.database, asks.database.data, agency("city", own_key(11)))
    with pytest.raises(RefusedError, match=because):
        register.put_partner(asks.door("chief"), "county", NOW, **fields)
    assert [row[3] for row in asks.log()] == ["refused"]


def test_own_keys_change_without_a_moment_in_which_none_signs(asks: Asking) -> None:
    chief = asks.door("chief")
    (old,) = register.own_keys(chief)[1]
    new = register.make_key(chief, NOW + DAY)
    assert (old.signs, new.signs) == (True, False)
    with pytest.raises(RefusedError, match="two keys"):
        register.make_key(chief, NOW)
    with pytest.raises(RefusedError, match="this key signs"):
        register.end_key(chief, old.fingerprint[:8])
    with pytest.raises(RefusedError, match="begins so"):
        register.use_key(chief, new.fingerprint[:7])
    register.use_key(chief, register.spoken(new.fingerprint))
    assert asks.ask()[0].outcome == "not_known", "before the county has the new one"
    register.end_key(chief, old.fingerprint)
    assert [one.fingerprint for one in register.own_keys(chief)[1]] == [new.fingerprint]
    with pytest.raises(RefusedInquiry):
        register.make_key(asks.door("vale"), NOW)
    file = asks.database.data / "accounts" / register.FILE
    assert file.stat().st_mode & 0o077 == 0
