"""Everything for an officer's first decision about a hit, in the first window of a phone and of a desk."""

import io
from collections.abc import Iterator
from itertools import pairwise

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from platestream.schemas.fields import Vehicle
from platestream.web.cookies import COOKIE
from tests.support.console import Pages
from tests.support.flows import plate_picture
from tests.support.hits import put_hit

WORDS = "P/C for arrest. R/O known to carry firearm"
NEEDED = {
    "the notice": "main .notice.fixed",
    "the priority": ".orders .priority",
    "the caution": ".orders .caution",
    "the instructions": ".orders .instructions",
    "both plates": ".compare .plate",
    "their differences": ".compare .match",
    "the picture": "img.vehicle",
    "the plate's picture": "img.crop",
    "confirm": "button:has-text('Confirm plate and state')",
    "another plate": "summary:has-text('Different plate')",
    "another state": "summary:has-text('Different state')",
}
BOX = """(one) => {
  const {top, bottom, left, right} = one.getBoundingClientRect();
  return [top, bottom, left, right];
}"""


@pytest.fixture(scope="module")
def hit(pages: Pages) -> str:
    jeep = Vehicle(colour="grey", make="Jeep", model="Grand Cherokee")
    listed = {"category": "wanted_person", "instructions": WORDS, "plate": "AST3O87", "vehicle": jeep}
    plate = plate_picture("AST3087")
    street = io.BytesIO()
    Image.open(io.BytesIO(plate)).resize((640, 640)).save(street, "JPEG")
    seen = {"picture": street.getvalue(), "crop": plate}
    return put_hit(pages.database, 700, listed=listed, seen=seen, match="look_alike")


@pytest.fixture
def page(browser: Browser, pages: Pages) -> Iterator[Page]:
    with browser.new_context() as context:
        token, _session = pages.console.sessions.begin("vale", pages.clock())
        context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
        yield context.new_page()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)], ids=["phone", "desk"])
def test_the_first_decision_needs_no_scrolling(
    page: Page, console: str, hit: str, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{console}/hits/{hit}")
    page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth > 10)")
    boxes = {
        name: [tuple(one.evaluate(BOX)) for one in page.locator(css).all()] for name, css in NEEDED.items()
    }
    assert [name for name, found in boxes.items() if not found] == []
    outside = {
        name: found
        for name, found in boxes.items()
        if any(top < 0 or bottom > height or left < 0 or right > width for top, bottom, left, right in found)
    }
    assert outside == {}
    tops = [boxes[name][0][0] for name in ("the caution", "the instructions", "both plates", "confirm")]
    assert all(before < after for before, after in pairwise(tops)), "caution and instructions come first"
    if width > 1000:
        (_top, _bottom, left, _right) = boxes["the picture"][0]
        (_top, _bottom, _left, right) = boxes["confirm"][0]
        assert right <= left, "the action is beside the picture"
        assert boxes["confirm"][0][0] < boxes["the picture"][0][1]


def test_the_list_and_the_hit_show_one_priority_in_one_color(page: Page, console: str, hit: str) -> None:
    page.goto(f"{console}/hits")
    row = page.locator(f"#hit-{hit}")
    expect(row.locator(".priority")).to_have_text("Priority 2")
    color = "(one) => getComputedStyle(one).backgroundColor"
    listed = row.locator(".priority").evaluate(color)
    row.get_by_role("link").click()
    expect(page.locator(".orders .priority")).to_have_text("Priority 2")
    assert page.locator(".orders .priority").evaluate(color) == listed
