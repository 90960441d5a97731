"""Bytes of every page of the console with 2,000 hot list entries and 100,000 hits."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from benchmarks import page_weight
from benchmarks.page_weight import BUDGET, ENTRIES, HITS, Scales
from platestream.maps.service import install
from platestream.web import cookies
from platestream.web.app import ROUTES, app
from tests.support.clock import NOW
from tests.support.console import Pages
from tests.support.door import person
from tests.support.flows import READ
from tests.support.office import CASE, FILED, HIT, LETTER, listed, office
from tests.support.street_maps import write_geojson

pytestmark = pytest.mark.slow

DETECTIONS = 20_000
VALUES = {
    "hit": HIT,
    "draw": str(FILED),
    "year": str(NOW.year),
    "/administration/people/{name:path}": "/administration/people/vale",
    "/administration/agencies/{name:path}": "/administration/agencies/county",
    "/administration/cameras/{name:path}": "/administration/cameras/north",
    "/administration/refused/{name:path}": f"/administration/refused/{LETTER}",
}
VEHICLES = 800
LEAST = 40


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with office(migrated, tmp_path_factory.mktemp("budget")) as made:
        page_weight.fill_tables(made.database.client(), DETECTIONS, HITS)
        page_weight.fill_list(made.streams, listed(made, "26-1", 20), ENTRIES)
        made.put(person("everything"))
        here = READ.longitude, READ.latitude
        streets = [[(here[0] - 0.01, here[1]), (here[0] + 0.01, here[1])]]
        file = write_geojson(made.data / "streets.json", streets)
        install(made.settings.data, file, "Apache County GIS")
        yield made


def signed_in(pages: Pages, who: str) -> tuple[TestClient, dict[str, str]]:
    """Return a browser, and the fields of each of its forms."""
    token, session = pages.console.sessions.begin(who, pages.clock())
    client = TestClient(app(pages.console), "https://localhost", cookies={cookies.COOKIE: token})
    return client, {"csrf": session.csrf, "case_number": CASE}


@pytest.mark.nightly
def test_every_page_stays_below_its_budget(pages: Pages) -> None:
    client, case = signed_in(pages, "everything")
    client.post("/shift/begin", data={**case, "hours": "8"})
    scales = Scales(client)
    found = {path: scales.weigh(path) for path in page_weight.pages(ROUTES, VALUES)}
    for name, (path, form) in page_weight.searches(case, "AST3087", "MATE456").items():
        found[name] = scales.weigh(path, form)
    analyst, why = signed_in(pages, "ana")
    many = {**why, "way": "search", "plate": "B1*", "vehicles": str(VEHICLES)}
    found["search of many vehicles"] = Scales(analyst).weigh("/search", many)
    older = re.findall(r"/hits/older/[^\"]+", client.get("/hits").text)
    found["older hits"] = scales.weigh(older[0])
    assert {path: one for path, one in found.items() if one.status not in (200, 404)} == {}
    assert sum(one.status == 200 for one in found.values()) >= LEAST
    assert {path: one for path, one in found.items() if one.whole > BUDGET} == {}
    assert found["search of many vehicles"].page > 20_000, "each of them is drawn on the map"
    heaviest = max(found.values(), key=lambda one: one.page)
    assert heaviest.files > 20_000, "the files that a page loads are counted"
