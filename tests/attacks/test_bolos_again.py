"""Attempts to put another agency's vehicle on the hot list without an MOU, twice, or without a trace."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import DOOR
from platestream.hotlist import bolos, entries
from platestream.hotlist.http_server import application
from platestream.notifications import webhook_signature
from platestream.schemas.registry import RegistryRecord
from tests.engine.test_bolos import KEY, SHERIFF, TOLD, YEAR, Station
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of

HOUR = timedelta(hours=1)
ENTRY = f"bolo:{SHERIFF}/B-17"


@pytest.fixture
def station(database: Database) -> Station:
    return Station(database)


def sheriff(**changes: Any) -> RegistryRecord:
    made = RegistryRecord(kind="agency", id=SHERIFF, name="Apache County SO", mou_from=NOW - YEAR)
    return msgspec.structs.replace(made, changed_at=datetime.now(NOW.tzinfo), **changes)


def server(station: Station, now: datetime = NOW) -> TestClient:
    """The webhook's server as after a start: it remembers nothing."""
    return TestClient(application({SHERIFF: KEY}, station.receive, station.unsigned, lambda: now))


def send(station: Station, result: Any, ident: str = "m1", key: bytes = KEY, at: datetime = NOW) -> Any:
    body = msgspec.json.encode(result)
    headers = webhook_signature.headers(key, ident, at, body)
    return server(station).post(f"/bolo/{SHERIFF}", content=body, headers=headers)


def outcomes(station: Station) -> list[str]:
    return [row[0] for row in station.recorded]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"mou_until": NOW - HOUR}, "the MOU with the sender has ended"),
        ({"mou_from": None}, "no MOU with the sender is in force"),
        ({"mou_from": NOW + 24 * HOUR}, "no MOU with the sender is in force"),
        ({"active": False}, "no other law enforcement agency"),
        ({"law_enforcement": False}, "no other law enforcement agency"),
        ({"own": True}, "no other law enforcement agency"),
    ],
)
def test_no_bolo_is_taken_of_an_agency_that_nothing_may_be_shared_with(
    station: Station, fields: dict[str, Any], rule: str
) -> None:
    station.register(sheriff(**fields))
    with pytest.raises(RefusedInquiry, match=rule):
        station.take()
    assert send(station, TOLD).status_code == 422
    assert station.listed == {}
    assert outcomes(station) == ["refused", "refused"]


def test_the_mou_that_ends_between_receipt_and_taking_counts_as_ended(station: Station) -> None:
    mail = bolos.read_mail("\n".join(f"{name}: {TOLD[field]}" for name, field in WORDS.items()))
    station.register(sheriff(mou_until=NOW - timedelta(seconds=1)))
    with pytest.raises(RefusedInquiry, match="has ended"):
        bolos.take(station.door, SHERIFF, mail, NOW - 24 * HOUR)  # a false clock does not matter
    assert station.listed == {}


WORDS = {
    **{"BOLO": "reference", "Plate": "plate", "State": "state", "Offense": "category", "Case": "case_number"},
    **{"Reason": "reason", "Officer": "requested_by", "Phone": "contact", "Action": "instructions"},
    "Good until": "expires_at",
}


def test_a_vehicle_can_be_cancelled_after_the_mou_has_ended(station: Station) -> None:
    station.take()
    station.register(sheriff(mou_until=NOW - HOUR))
    assert station.take(cancel="yes").done == "removed", "nobody is stopped for what is over"


def test_an_act_by_sql_for_an_agency_without_an_mou_is_refused(station: Station) -> None:
    station.register(sheriff(mou_until=NOW - HOUR))
    words = {name: TOLD[name] for name in ("reason", "requested_by", "contact", "instructions")}
    for kind, about in (("bolo", ENTRY), ("hotlist_take", f"partner:{SHERIFF}/3f9c0a71be02")):
        asked = station.database.ask(
            DOOR, kind=kind, on_behalf_of="vale", other=about, case_number="26-77", fields=words
        )
        assert "MOU" in station.database.logged(asked)["refusal"]


def test_a_message_is_taken_once_over_a_restart_and_each_receipt_is_a_row(station: Station) -> None:
    assert send(station, TOLD).json()["done"] == "added"
    entries.remove(station.door, ENTRY)
    again = send(station, TOLD)
    assert (again.status_code, again.json()["done"]) == (200, "repeated")
    assert station.listed == {}
    assert outcomes(station) == ["allowed", "allowed"]
    assert "repeated" in station.recorded[1][6]


def test_a_message_is_not_taken_again_by_a_clock_that_was_set_back(station: Station) -> None:
    long_ago = NOW - timedelta(days=90)
    body = msgspec.json.encode(TOLD)
    headers = webhook_signature.headers(KEY, "m1", long_ago, body)
    first = server(station, long_ago).post(f"/bolo/{SHERIFF}", content=body, headers=headers)
    assert first.json()["done"] == "added"
    entries.remove(station.door, ENTRY)
    later = server(station, long_ago).post(f"/bolo/{SHERIFF}", content=body, headers=headers)
    assert later.json()["done"] == "repeated"
    assert station.listed == {}


def test_a_message_that_changes_nothing_any_more_does_not_undo_a_change(station: Station) -> None:
    send(station, TOLD, "m1")
    send(station, {**TOLD, "instructions": "Do not stop, contact the deputy"}, "m2")
    assert send(station, TOLD, "m1").json()["done"] == "repeated"
    (entry,) = station.listed.values()
    assert entry.instructions == "Do not stop, contact the deputy"


def test_another_content_under_the_same_id_is_refused(station: Station) -> None:
    send(station, TOLD)
    answer = send(station, {**TOLD, "plate": "XYZ1234"})
    assert (answer.status_code, "another message" in answer.json()["because"]) == (422, True)
    (entry,) = station.listed.values()
    assert entry.plate == "AST3087"
    assert outcomes(station) == ["allowed", "refused"]


def test_a_refused_message_is_not_taken_when_it_is_played_again_later(station: Station) -> None:
    station.register(sheriff(mou_until=NOW - HOUR))
    send(station, TOLD)
    station.register(sheriff())
    answer = send(station, TOLD)
    assert (answer.status_code, "refused" in answer.json()["because"]) == (422, True)
    assert station.listed == {}
    assert send(station, TOLD, "m2").json()["done"] == "added"


def test_a_message_that_was_recorded_and_not_listed_in_a_crash_is_taken_when_it_is_repeated(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_arguments: object) -> None:
        raise KeyboardInterrupt

    body = msgspec.json.encode(TOLD)
    with monkeypatch.context() as patched:
        patched.setattr(bolos, "write", crash)
        with pytest.raises(KeyboardInterrupt):
            station.receive(SHERIFF, "m1", body)
    assert station.listed == {}
    assert send(station, TOLD).json()["done"] == "added"
    assert list(station.listed) == [ENTRY]


@pytest.mark.parametrize("who", ["stranger", "vale"])
def test_a_mail_that_changes_nothing_leaves_a_row_of_whoever_took_it(station: Station, who: str) -> None:
    station.take()
    door = door_of(station.database, who)
    if who == "stranger":
        with pytest.raises(RefusedInquiry, match="not a registered user"):
            bolos.take(door, SHERIFF, TOLD, NOW)
    else:
        assert bolos.take(door, SHERIFF, TOLD, NOW).done == "unchanged"
    assert station.recorded[-1][:2] == ("refused" if who == "stranger" else "allowed", who)
    assert len(station.recorded) == 2


@pytest.mark.parametrize("bad", ["another's key", "an hour ago", "an hour ahead", "unsigned"])
def test_what_the_agency_did_not_sign_now_leaves_a_row_and_lists_nothing(station: Station, bad: str) -> None:
    if bad == "unsigned":
        answer = server(station).post(f"/bolo/{SHERIFF}", json=TOLD)
    else:
        key = b"x" * 32 if bad == "another's key" else KEY
        at = NOW + {"an hour ago": -HOUR, "an hour ahead": HOUR}.get(bad, timedelta())
        answer = send(station, TOLD, key=key, at=at)
    assert answer.status_code == 401
    assert outcomes(station) == ["refused"]
    assert station.listed == {}


def test_strangers_do_not_fill_the_log(station: Station) -> None:
    client = server(station)
    for _number in range(20):
        client.post(f"/bolo/{SHERIFF}", json=TOLD)
        client.post("/bolo/nobody", json=TOLD)
    assert outcomes(station) == ["refused"]


@pytest.mark.parametrize("field", ["reason", "requested_by", "contact", "instructions"])
def test_a_bolo_whose_words_say_nothing_is_refused(station: Station, field: str) -> None:
    assert send(station, {**TOLD, field: "n/a"}).status_code == 422
    assert station.listed == {}
    assert outcomes(station) == ["refused"]
