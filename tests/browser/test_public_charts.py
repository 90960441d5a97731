"""The public page in a browser: on four widths, in daylight and at night, with charts and without figures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from platestream.reports import public_figures
from platestream.reports.http_server import app
from platestream.settings import Settings
from tests.conftest import skip_unless_ci
from tests.support.clients import ClientUnavailableError, axe
from tests.support.kafka_broker import free_port
from tests.support.nightly import nightly
from tests.support.public_figures import figures
from tests.support.served import served_app

SHOTS = Path(__file__).parents[2] / "build" / "shots"
WIDTHS = {390: 844, 768: 1024, 1280: 800, 1920: 1080}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    settings = Settings(data=tmp_path_factory.mktemp("public"))
    with served_app(app(settings), free_port()) as made:
        yield made, settings


@pytest.mark.parametrize("scheme", ["light", *nightly("dark")])
@pytest.mark.parametrize("state", ["full", "new"])
def test_everybody_can_read_it(
    browser: Browser, address: tuple[str, Settings], scheme: str, state: str
) -> None:
    try:
        script = axe()
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))
    here, settings = address
    public_figures.store(settings, figures(begun=state == "full"))
    SHOTS.mkdir(parents=True, exist_ok=True)
    with browser.new_context(color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.goto(here)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            page.screenshot(path=SHOTS / f"public-{state}-{scheme}-{width}.png", full_page=True)
        assert page.get_by_role("heading", level=1).is_visible()
        assert page.get_by_role("img").count() == (6 if state == "full" else 0)
        assert page.locator("figure + table, figure + div table").count() == (6 if state == "full" else 0)
        assert said == []
        assert all(one.startswith(here) for one in asked)
        page.evaluate(script)
        found = page.evaluate("axe.run({resultTypes: ['violations']})")
        wrong = [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]
        assert wrong == []
