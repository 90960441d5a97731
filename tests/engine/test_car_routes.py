"""Routes of cars: who may ask for all that a camera in a car saw (issue 31, section 2)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from platestream.access import gate
from platestream.access.inquire import Partner, RefusedInquiry
from platestream.edges.clickhouse_client import ANALYST, DOOR
from platestream.inquiries import search as job
from platestream.inquiries.search import Description, SearchRequest
from platestream.schemas.registry import RegistryRecord
from platestream.schemas.tables import REGISTRY
from tests.support.clock import NOW
from tests.support.database import Database
from tests.support.door import door_of, person, staffed

WHY: Any = {"case_number": "26-001234", "reason": "Stolen truck of last night"}
RECENT: Any = {"since": NOW - timedelta(hours=3), "until": NOW}


@pytest.fixture
def cars(database: Database) -> Database:
    staffed(database, person("ana", "analyst", "officer"), person("sgt", "supervisor"))
    at: Any = {"latitude": 34.5, "longitude": -109.36, "approved_by": "Chief", "approved_at": NOW}
    database.put(
        REGISTRY,
        RegistryRecord(kind="camera", id="car-12", name="Car 12", moves=True, **at),
        RegistryRecord(kind="camera", id="main-st", name="Main St", **at),
    )
    return database


def ask(database: Database, who: str, **request: Any) -> job.Result:
    return job.search(door_of(database, who), SearchRequest(**{"way": "search", **RECENT, **request}), **WHY)


ROUTES: dict[str, dict[str, Any]] = {
    "all passes": {"cameras": ["car-12"]},
    "one character": {"plate": "A*", "cameras": ["car-12"]},
    "among others": {"cameras": ["main-st", "car-12"]},
    "a description that fits most": {"cameras": ["car-12"], "wanted": Description(body="car")},
    "sightings": {"way": "sightings", "cameras": ["car-12"]},
    "all cameras": {},
}


@pytest.mark.parametrize("route", ROUTES)
def test_the_route_of_a_car_is_shown_to_a_supervisor_alone(cars: Database, route: str) -> None:
    with pytest.raises(RefusedInquiry, match=r"routes? of (the )?cars?"):
        ask(cars, "ana", **ROUTES[route])
    ask(cars, "sgt", **ROUTES[route])
    rows = cars.rows("SELECT who, outcome FROM platestream.inquiry_log WHERE kind != '' ORDER BY at")
    assert rows == [("ana", "refused"), ("sgt", "allowed")]


OTHERS: dict[str, dict[str, Any]] = {
    "a plate": {"plate": "ABC1234", "cameras": ["car-12"]},
    "a partial plate": {"plate": "AB*", "cameras": ["car-12"]},
    "a partial plate everywhere": {"plate": "*12*"},
    "a fixed camera": {"cameras": ["main-st"]},
    "a vehicle's description": {"wanted": Description(colour="white", body="pickup")},
    "a similar plate": {"way": "fuzzy", "plate": "ABC1234", "cameras": ["car-12"]},
}


@pytest.mark.parametrize("search", OTHERS)
def test_a_vehicle_is_searched_at_all_cameras_as_before(cars: Database, search: str) -> None:
    ask(cars, "ana", **OTHERS[search])


@pytest.mark.parametrize(
    "other", ["unknown=yes", "size=big", "colour=", "colour=;make=ford", 'colour="";x=1', 'colour=a"b']
)
def test_a_description_that_says_nothing_opens_no_route(cars: Database, other: str) -> None:
    asked = {"on_behalf_of": "ana", "pattern": "", "other": other, **RECENT}
    assert "routes of cars" in cars.logged(cars.ask(DOOR, **asked))["refusal"]


def test_where_no_camera_is_in_a_car_all_cameras_are_searched_as_before(database: Database) -> None:
    staffed(database, person("ana", "analyst"))
    ask(database, "ana")


def test_a_partner_gets_no_route(cars: Database) -> None:
    county = RegistryRecord(kind="agency", id="county", name="County SO", mou_from=NOW - timedelta(days=90))
    cars.put(REGISTRY, county)
    deputy: Partner = {
        "who": "deputy", "partner": "county", "agency": "county", "trained_on": f"{NOW:%Y-%m-%d}"
    }  # fmt: skip

    def request(pattern: str) -> list[gate.Row]:
        asked = {"pattern": pattern, "cameras": ["car-12"], **RECENT}
        client = cars.client(ANALYST)
        return gate.search_for_partner(client, uuid4(), "search", deputy, asked, cars.keys, **WHY)

    with pytest.raises(RefusedInquiry, match="route of the car"):
        request("")
    assert request("ABC1*") == []
