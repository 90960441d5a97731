"""The street map below search results, in a browser: drawn from this machine's files only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from platestream.maps.service import install, remove
from platestream.web.cookies import COOKIE
from tests.support.console import Pages
from tests.support.flows import detection
from tests.support.office import CASE, HIT
from tests.support.street_maps import write_archive, write_geojson

ROAD = "#56616d"
"""Color of a road in the dark, as in console.css."""


@pytest.fixture
def results(browser: Browser, console: str, pages: Pages) -> Iterator[Page]:
    """The results of a search, not yet made."""
    token, _session = pages.console.sessions.begin("ana", pages.clock())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
    yield context.new_page()
    context.close()
    remove(pages.console.settings.data)


def search(page: Page, console: str) -> list[str]:
    """Search; return what the page reports that should not be."""
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda one: None if one.url.startswith((console, "blob:")) else wrong.append(one.url))
    page.goto(f"{console}/search")
    page.locator("main [name=way][value=search]").check()
    page.locator("main [name=plate]").fill("AST3087")
    page.locator("main [name=case_number]").fill(CASE)
    page.get_by_role("button", name="Search", exact=True).first.click()
    page.get_by_role("heading", name="2 passes found").wait_for()
    return wrong


def colors_of(page: Page) -> Any:
    picture = page.locator(".street-map").screenshot()
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)


def count(picture: Any, color: str) -> int:
    wanted = [int(color[place : place + 2], 16) for place in (5, 3, 1)]
    return int((np.abs(picture.astype(int) - wanted).max(axis=2) <= 6).sum())


@pytest.mark.parametrize("kind", ["pmtiles", "geojson"])
def test_streets_and_passes_are_drawn_from_our_own_files(
    results: Page, console: str, pages: Pages, tmp_path: Path, kind: str
) -> None:
    place = detection("AST3087", 0)
    streets = [[(place.longitude - 0.01, place.latitude), (place.longitude + 0.01, place.latitude)]]
    if kind == "pmtiles":
        install(pages.console.settings.data, write_archive(tmp_path / "county.pmtiles", streets))
    else:
        file = write_geojson(tmp_path / "streets.json", streets)
        install(pages.console.settings.data, file, "Apache County GIS")
    wrong = search(results, console)
    section = results.locator("[data-street-map]")
    section.scroll_into_view_if_needed()
    expect(section).to_have_attribute("data-state", "drawn")
    picture = colors_of(results)
    assert count(picture, ROAD) > 500
    assert count(picture, "#ff5d4d") > 100
    expect(section.locator("output")).to_contain_text("(2 of 2)")
    section.locator("input[type=range]").press("ArrowLeft")
    expect(section.locator("output")).to_contain_text("(1 of 2)")
    assert wrong == []


def test_a_hit_shows_where_the_vehicle_was(results: Page, console: str, pages: Pages, tmp_path: Path) -> None:
    place = detection("AST3087", 0)
    file = write_geojson(tmp_path / "streets.json", [[(place.longitude, 34.0), (place.longitude, 35.0)]])
    install(pages.console.settings.data, file, "Apache County GIS")
    results.goto(f"{console}/hits/{HIT}?case_number={CASE}")
    section = results.locator("[data-street-map]")
    section.scroll_into_view_if_needed()
    expect(section).to_have_attribute("data-state", "drawn")
    assert section.locator("input").count() == 0
    assert count(colors_of(results), "#ff5d4d") > 100


def test_without_a_map_no_script_of_one_is_loaded(results: Page, console: str) -> None:
    wrong = search(results, console)
    assert results.locator("[data-street-map]").count() == 0
    assert results.locator("script[src*=street-map]").count() == 0
    assert wrong == []
