"""Place of a camera, chosen on the street map, with the check of the boundary and the fields that follow."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from platestream.maps.service import install, remove
from platestream.web.cookies import COOKIE
from tests.support.console import Pages
from tests.support.street_maps import write_geojson

MIDDLE = (-109.37, 34.51)


@pytest.fixture
def page(browser: Browser, console: str, pages: Pages, tmp_path: Path) -> Iterator[Page]:
    west, north = MIDDLE
    streets = [
        [(west - 0.01, north - 0.01), (west + 0.01, north + 0.01)],
        [(west - 0.01, north + 0.01), MIDDLE],
    ]
    data = pages.console.settings.data
    install(data, write_geojson(tmp_path / "streets.json", streets), "Apache County GIS")
    token, _session = pages.console.sessions.begin("lee", pages.clock())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
    made, wrong = context.new_page(), list[str]()
    made.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: wrong.append(str(error)))
    made.on("request", lambda one: None if one.url.startswith((console, "blob:")) else wrong.append(one.url))
    made.on("request", lambda one: wrong.append(one.url) if "secret" in one.url else None)
    made.goto(f"{console}/administration/new-camera")
    made.get_by_label("Password").fill("secret")
    section = made.locator("[data-place-map]")
    section.scroll_into_view_if_needed()
    expect(section).to_have_attribute("data-state", "drawn")
    yield made
    context.close()
    remove(data)
    assert wrong == []


def place(page: Page) -> tuple[float, float]:
    fields = (page.locator(f"[name={name}]") for name in ("longitude", "latitude"))
    east, north = (float(one.input_value()) for one in fields)
    return east, north


def test_a_click_on_the_map_fills_the_fields_and_is_checked(page: Page) -> None:
    box = page.locator(".street-map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_text("A camera may be here")).to_be_visible()
    assert place(page) == pytest.approx(MIDDLE, abs=0.0005)
    page.mouse.click(box["x"] + box["width"] / 2 + 100, box["y"] + box["height"] / 2)
    assert place(page)[0] > MIDDLE[0]


def test_keys_move_the_map_and_the_fields_can_be_typed(page: Page) -> None:
    page.locator(".street-map canvas").focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(600)  # the map glides
    page.get_by_role("button", name="Place at the center").press("Enter")
    assert place(page)[0] == pytest.approx(MIDDLE[0], abs=0.0005)
    assert place(page)[1] > MIDDLE[1]
    page.locator("[name=latitude]").fill("91")
    page.locator("[name=latitude]").blur()
    expect(page.get_by_text("A camera may be here")).to_have_count(0)


def test_without_a_map_the_fields_are_checked_all_the_same(page: Page, pages: Pages) -> None:
    remove(pages.console.settings.data)
    page.reload()
    expect(page.locator("[data-place-map]")).to_have_count(0)
    page.locator("[name=latitude]").fill("34.5")
    page.locator("[name=longitude]").fill("-109.3")
    page.locator("[name=longitude]").blur()
    expect(page.get_by_text("A camera may be here")).to_be_visible()
