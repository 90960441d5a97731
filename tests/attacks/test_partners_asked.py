"""Searches at other agencies that go beyond what one person may see, or to an agency without an MOU."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from platestream.edges.clickhouse_client import DOOR
from platestream.schemas import tables
from platestream.schemas.delivery import Delivery, delivery_id
from platestream.schemas.registry import RegistryRecord
from tests.support.agency import CASE, DAY, HIT, HOUR, Agency
from tests.support.clock import NOW


def asks(agency: Agency, **said: Any) -> dict[str, Any]:
    """A documented search of Smith's at the county, as it is logged."""
    row = {"kind": "partner_search", "other": "search", "pattern": "AB*"}
    row |= {"case_number": CASE, "change": "asked: county", "on_behalf_of": "smith"}
    return agency.database.logged(agency.database.ask(DOOR, **{**row, **said}))


@pytest.fixture(autouse=True)
def _county(agency: Agency) -> None:
    agency.register(RegistryRecord(kind="agency", id="county", name="County", mou_from=NOW - 9 * DAY))


def test_what_other_agencies_show_counts_for_the_limit_of_the_person(agency: Agency) -> None:
    assert asks(agency)["outcome"] == "allowed"
    shown = asks(agency, kind="partner_answer", other="county", pattern="", change="answered", vehicles=200)
    assert (shown["vehicles"], shown["counted_for"]) == (200, "smith")
    assert "as many vehicles as one person" in asks(agency)["refusal"]
    assert "as many vehicles as one person" in asks(agency, kind="search", other="")["refusal"]


def test_who_was_shown_so_many_here_is_shown_no_more_elsewhere(agency: Agency) -> None:
    agency.database.ask_all(4, DOOR, on_behalf_of="smith", vehicles=50)
    assert "as many vehicles as one person" in asks(agency)["refusal"]


def test_pictures_elsewhere_are_counted_too(agency: Agency) -> None:
    picture = {"kind": "partner_picture", "other": str(UUID(int=1)), "pattern": ""}
    rows = {**picture, "on_behalf_of": "smith", "case_number": CASE, "change": "asked: county"}
    agency.database.ask_all(2000, DOOR, **rows)
    assert "as many vehicles as one person" in asks(agency, **picture)["refusal"]
    assert "as many vehicles" in asks(agency, kind="picture", other=str(UUID(int=1)), pattern="")["refusal"]


@pytest.mark.parametrize(
    ("mou", "why"),
    [
        ({"mou_from": None}, "no MOU with an agency that is asked is in force"),
        (
            {"mou_from": NOW - 9 * DAY, "mou_until": NOW - DAY},
            "the MOU with an agency that is asked has ended",
        ),
        ({"mou_from": NOW - 9 * DAY, "active": False}, "is no other law enforcement agency"),
    ],
)
def test_the_database_refuses_to_ask_an_agency_without_an_mou_whatever_the_clock_of_the_program(
    agency: Agency, mou: dict[str, Any], why: str
) -> None:
    agency.register(RegistryRecord(kind="agency", id="town", name="Town", **mou))
    assert why in asks(agency, change="asked: county, town")["refusal"]
    assert "is no other law enforcement agency" in asks(agency, change="asked: sjpd")["refusal"]


@pytest.mark.parametrize(("late", "found"), [(HOUR, "notified of hits without an MOU: town"), (-HOUR, "")])
def test_a_hit_that_was_delivered_after_the_end_of_the_mou_is_found(
    agency: Agency, late: timedelta, found: str
) -> None:
    now = datetime.now(UTC)
    agency.register(
        RegistryRecord(
            kind="agency", id="town", name="Town", mou_from=NOW - 9 * DAY, mou_until=now, changed_at=now - DAY
        )
    )
    one: dict[str, Any] = {"hit_id": HIT.hit_id, "at": now + late, "captured_at": now + late}
    one |= {"receiver": "town", "agency": "town", "priority": 1, "outcome": "delivered"}
    name = delivery_id(HIT.hit_id, "town")
    agency.database.put(tables.DELIVERIES, Delivery(delivery_id=name, **one))
    (result,) = agency.results("agencies", now=now + DAY).values()
    assert " ".join(result.faults) == found


@pytest.mark.parametrize(
    ("ago", "found"), [(20 * DAY, ""), (5 * DAY, "notified of hits without an MOU: town")]
)
def test_a_hit_that_was_delivered_between_two_mous_is_found_after_the_second(
    agency: Agency, ago: timedelta, found: str
) -> None:
    first: dict[str, Any] = {
        "mou_from": NOW - 90 * DAY,
        "mou_until": NOW - 10 * DAY,
        "changed_at": NOW - 90 * DAY,
    }
    agency.put(RegistryRecord(kind="agency", id="town", name="Town", **first))
    agency.register(RegistryRecord(kind="agency", id="town", name="Town", mou_from=NOW - DAY))
    one: dict[str, Any] = {"hit_id": HIT.hit_id, "at": NOW - ago, "captured_at": NOW - ago, "priority": 1}
    one |= {"receiver": "town", "agency": "town", "outcome": "delivered"}
    agency.database.put(tables.DELIVERIES, Delivery(delivery_id=delivery_id(HIT.hit_id, "town"), **one))
    assert faults_of_agencies(agency) == found


@pytest.mark.parametrize(
    ("act", "about", "said"),
    [
        ("hotlist_offer", "x:1", "offered to town"),
        ("partner_search", "search", "asked: county, town"),
        ("partner_search", "search", ""),
    ],
)
def test_what_a_program_with_a_false_clock_asks_or_offers_is_found(
    agency: Agency, act: str, about: str, said: str
) -> None:
    ended: dict[str, Any] = {"mou_from": NOW - 90 * DAY, "mou_until": NOW - DAY}
    agency.register(RegistryRecord(kind="agency", id="town", name="Town", **ended))
    row = {"kind": act, "who": "smith", "other": about, "change": said, "case_number": CASE}
    agency.log(at=datetime.now(UTC), **row)
    agency.follow()
    assert "1 inquiry that broke it, by smith" in faults_of_agencies(agency)


def faults_of_agencies(agency: Agency) -> str:
    return " ".join(agency.results("agencies")["agencies"].faults)
