"""Region and masks of a camera, drawn on its picture by mouse, touch and keyboard; the fields follow."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.camera_scenes import drawn_street
from platestream.cameras import config, live_picture
from platestream.web.cookies import COOKIE
from tests.support.console import Pages

Point = tuple[float, float]


@pytest.fixture
def file(pages: Pages) -> Iterator[Path]:
    path = pages.data / "cameras.toml"
    before = path.read_text()
    yield path
    path.write_text(before)


@pytest.fixture
def page(browser: Browser, console: str, pages: Pages, file: Path) -> Iterator[Page]:
    """The page of region and masks of a camera, with its picture; what the browser says fails the test."""
    token, _session = pages.console.sessions.begin("lee", pages.clock())
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
    made, said, ended = context.new_page(), list[str](), threading.Event()
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    done, street = cv2.imencode(".jpg", drawn_street())
    assert done
    spool = pages.data / "cameras"
    gateway = live_picture.Live(spool)

    def send() -> None:
        while not ended.wait(0.1):
            gateway.offer(live_picture.uncropped("north"), street.tobytes)

    sender = threading.Thread(target=send)
    sender.start()
    made.goto(f"{console}/administration/camera-region/north")
    made.get_by_role("button", name="Show picture").click()
    expect(made.locator("[data-region] svg")).to_be_visible()
    yield made
    ended.set()
    sender.join()
    gateway.clear()
    context.close()
    assert [one for one in said if "status of 409" not in one] == []


def at(page: Page) -> Callable[[float, float], Point]:
    """Return the place in the window of a place in percent of the picture."""
    box = page.locator("[data-region] svg").bounding_box()
    assert box is not None
    return lambda x, y: (box["x"] + x / 100 * box["width"], box["y"] + y / 100 * box["height"])


def numbers(page: Page, field: str) -> list[float]:
    return [float(one) for one in page.locator(f"[name={field}]").input_value().split()]


def saved(page: Page, file: Path) -> config.Camera:
    page.get_by_role("button", name="Save region and masks").click()
    expect(page.get_by_role("heading", name="north", exact=True, level=1)).to_be_visible()
    return config.load(file).cameras["north"]


def test_a_mask_is_drawn_with_the_mouse_and_saved(page: Page, file: Path) -> None:
    place = at(page)
    page.mouse.move(*place(10, 20))
    page.mouse.down()
    page.mouse.move(*place(30, 50), steps=4)
    page.mouse.up()
    assert numbers(page, "mask") == pytest.approx([10, 20, 30, 50], abs=0.3)
    expect(page.locator("path.mask")).to_have_count(1)
    page.locator("[data-region] select").select_option("region-corners")
    for corner in ((5, 15), (95, 15), (80, 90), (5.5, 15.5)):
        page.mouse.click(*place(*corner))
    assert numbers(page, "area") == pytest.approx([5, 15, 95, 15, 80, 90], abs=0.3)
    assert numbers(page, "top") + numbers(page, "right") == pytest.approx([15, 95], abs=0.3)
    one = saved(page, file)
    assert one.mask[0] == pytest.approx((10, 20, 30, 50), abs=0.3)
    assert one.area == pytest.approx((5, 15, 95, 15, 80, 90), abs=0.3)
    assert one.crop == pytest.approx((0.05, 0.15, 0.95, 0.9), abs=0.003)


def test_touches_set_the_corners_of_a_mask(page: Page, file: Path) -> None:
    place = at(page)
    page.locator("[data-region] select").select_option("mask-corners")
    for corner in ((60, 40), (80, 40), (70, 70), (60, 40)):
        page.touchscreen.tap(*place(*corner))
    assert numbers(page, "mask") == pytest.approx([60, 40, 80, 40, 70, 70], abs=0.3)
    assert len(saved(page, file).mask) == 1


def test_keys_draw_a_box_and_a_polygon(page: Page) -> None:
    drawing = page.get_by_role("application", name="Drawing of region and masks")
    drawing.focus()
    page.keyboard.press("Space")
    for key in ["Shift+ArrowRight"] * 2 + ["ArrowDown"] * 5:
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    assert numbers(page, "mask") == [50, 50, 70, 55]
    page.locator("[data-region] select").select_option("region-corners")
    drawing.focus()
    for key in ["Space", "Shift+ArrowLeft", "Space", "Shift+ArrowUp", "Space", "Enter"]:
        page.keyboard.press(key)
    assert numbers(page, "area") == [70, 55, 60, 55, 60, 45]
    expect(page.locator("[data-region] output")).to_contain_text("The region is set: 3 corners")
    assert page.url.endswith("/picture"), "Enter sent no form"


def test_the_drawing_follows_the_fields_and_its_buttons(page: Page) -> None:
    page.locator("[name=mask]").fill("10 10 20 20\n30 30 40 30 35 40")
    expect(page.locator("path.mask")).to_have_count(2)
    page.get_by_role("button", name="Remove last mask").click()
    assert numbers(page, "mask") == [10, 10, 20, 20]
    for side, value in (("left", "10"), ("top", "20"), ("right", "90"), ("bottom", "80")):
        page.locator(f"[name={side}]").fill(value)
    assert page.locator("path.region").get_attribute("d") == "M10 20L90 20L90 80L10 80Z"
    page.get_by_role("button", name="Read whole picture").click()
    expect(page.locator("path.region")).to_have_count(0)


def test_a_wrong_number_comes_back_with_what_was_typed(page: Page, file: Path) -> None:
    page.locator("[name=mask]").fill("10 10 20")
    page.get_by_role("button", name="Save region and masks").click()
    expect(page.get_by_text("not 3 numbers")).to_be_visible()
    assert config.load(file).cameras["north"].mask == ()
