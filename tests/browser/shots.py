"""Screenshots of every page at four widths, to be looked at: `make shots` writes them to build/shots.

The pages are those of `SIGHTS`. No test: pytest collects this file only when it is named.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_console_pages import SIGHTS, see
from tests.support.console import Pages

WIDTHS = {390: 844, 768: 1024, 1280: 800, 1920: 1080}
INTO = Path(__file__).parents[2] / "build" / "shots"


@pytest.fixture(scope="module", params=["dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    INTO.mkdir(parents=True, exist_ok=True)
    with browser.new_context(reduced_motion="reduce", color_scheme=request.param) as context:
        yield context.new_page()


@pytest.mark.parametrize("name", SIGHTS)
def test_shot(page: Page, pages: Pages, console: str, name: str) -> None:
    page.context.clear_cookies()
    page.set_viewport_size({"width": 1280, "height": 800})
    see(page, pages, console, SIGHTS[name])
    page.wait_for_load_state("load")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=INTO / f"{name.replace(' ', '-').replace(',', '')}-{width}.png", full_page=True)
