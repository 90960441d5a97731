"""The console's pages in a real browser: for everybody, on a desk and on a phone, in daylight and at night.

A new page is a line in SIGHTS.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from platestream.console.cookies import COOKIE
from tests.conftest import skip_unless_ci
from tests.support.browser import chromium
from tests.support.clients import ClientUnavailableError, axe
from tests.support.console import Pages
from tests.support.database import copied
from tests.support.door import person
from tests.support.hits import put_hit
from tests.support.kafka_broker import free_port
from tests.support.served import served

DESK, PHONE = (1280, 900), (390, 844)
FIRST_VISIT = 150_000
"""Bytes at most before a person sees the hits for the first time, without pictures."""
HIT = "00000000-0000-0000-0000-000000000001"


class Sight(NamedTuple):
    """A page as somebody sees it: `who` opens `path`, goes on with `then`, and reads `heading`.

    Vale is an officer on shift, Ana an analyst, Aud an auditor; new is in no registry, "" is nobody.
    """

    who: str
    path: str
    heading: str
    status: int = 200
    then: Callable[[Page], None] = lambda page: None


def wrong_password(page: Page) -> None:
    page.fill("[name=who]", "somebody")
    page.fill("[name=password]", "not this one")
    page.click("button.main")


def look_for_a_case(page: Page) -> None:
    page.fill("[name=case_number]", "26-001234")
    page.get_by_role("button", name="Look", exact=True).click()


def open_everything(page: Page) -> None:
    for summary in page.locator("summary").all():
        summary.click()


SIGHTS = {
    "signing in": Sight("", "/sign-in", "Platestream"),
    "a wrong password": Sight("", "/sign-in", "Platestream", 401, wrong_password),
    "no such page": Sight("", "/nothing", "This did not work", 404),
    "nobody in the registry": Sight("new", "/", "Nothing for you here yet"),
    "hits, off shift": Sight("ana", "/hits", "Alert hits"),
    "hits for a case": Sight("ana", "/hits", "Alert hits", 200, look_for_a_case),
    "hits on shift": Sight("vale", "/hits", "Alert hits"),
    "one hit": Sight("vale", f"/hits/{HIT}", "Stolen vehicle"),
    "one hit, all of it": Sight("vale", f"/hits/{HIT}", "Stolen vehicle", 200, open_everything),
    "refused": Sight("aud", f"/hits/{HIT}", "Not done", 403),
}


def provider(folder: Path) -> Path:
    """One that nobody asks here: the sign-in page offers it."""
    (folder / "secret").write_text("secret")
    (folder / "secret").chmod(0o600)
    told = {"issuer": "https://login.example", "client_id": "platestream", "client_secret_file": "secret"}
    made = folder / "oidc.toml"
    made.write_text("".join(f'{name} = "{value}"\n' for name, value in {**told, "name": "St. Johns"}.items()))
    return made


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with copied(migrated, tmp_path_factory.mktemp("console")) as database:
        folder = tmp_path_factory.mktemp("data")
        made = Pages(database, folder, oidc_file=provider(folder))
        made.staff(person("vale", "officer"), person("ana", "analyst"), person("aud", "auditor"))
        for number in (1, 2, 3):
            put_hit(database, number)
        officer = made.browser("vale")
        officer.get("/hits")
        officer.send("/shift/begin", hours="8")
        yield made


@pytest.fixture(scope="module")
def address(pages: Pages) -> Iterator[str]:
    with served(pages.console, free_port()) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def rules() -> str:
    try:
        return axe()
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))


def opened(
    browser: Browser, size: tuple[int, int] = DESK, scheme: Literal["light", "dark"] = "dark"
) -> BrowserContext:
    return browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )


def sign_in(context: BrowserContext, pages: Pages, who: str) -> None:
    token, _session = pages.console.sessions.begin(who, pages.clock())
    context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])


def seen(context: BrowserContext, pages: Pages, address: str, sight: Sight) -> tuple[Page, list[str]]:
    """The page, and what the browser had to say about it."""
    if sight.who:
        sign_in(context, pages, sight.who)
    page, said, answers = context.new_page(), list[str](), dict[str, int]()

    def heard(message: ConsoleMessage) -> None:
        # That a page itself is a refusal is no mistake in it.
        if not (message.location["url"] == page.url and "status of" in message.text):
            said.append(message.text)

    def answered(response: Response) -> None:
        if response.request.is_navigation_request():
            answers["last"] = response.status

    page.on("console", heard)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", answered)
    page.goto(address + sight.path)
    sight.then(page)
    expect(page.get_by_role("heading", name=sight.heading, exact=True, level=1)).to_be_visible()
    assert answers["last"] == sight.status
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("name", SIGHTS)
def test_everybody_can_use_the_page_and_nothing_goes_wrong_in_it(
    browser: Browser,
    pages: Pages,
    address: str,
    rules: str,
    name: str,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
) -> None:
    with opened(browser, size, scheme) as context:
        page, said = seen(context, pages, address, SIGHTS[name])
        page.evaluate(rules)
        found = page.evaluate("axe.run()")
        assert "color-contrast" in {one["id"] for one in found["passes"]}
        assert [
            f"{one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ] == []
        wide = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1]
        assert said == []


def test_a_first_visit_is_small(browser: Browser, pages: Pages, address: str) -> None:
    with opened(browser) as context:
        page, sizes = context.new_page(), dict[str, int]()

        def loaded(response: Response) -> None:
            kind, headers = response.request.resource_type, response.headers
            if kind != "image" and "event-stream" not in headers.get("content-type", ""):
                size = response.request.sizes()
                sizes[response.url] = size["responseBodySize"] + size["responseHeadersSize"]

        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(f"{address}/hits")
        page.fill("[name=who]", "vale")
        page.fill("[name=password]", "a good long password")
        page.click("button.main")
        expect(page.locator("li.hit")).to_have_count(3)
        for answer in answers:
            loaded(answer)
        assert len(sizes) >= 4
        assert sum(sizes.values()) <= FIRST_VISIT, sizes


def test_by_keyboard_the_way_to_the_content_is_first_and_a_hit_opens(
    browser: Browser, pages: Pages, address: str
) -> None:
    with opened(browser) as context:
        page, _said = seen(context, pages, address, SIGHTS["hits on shift"])
        skip = page.get_by_role("link", name="To the content")
        page.keyboard.press("Tab")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        hit = page.locator("li.hit a").first
        for _tab in range(3):  # the button that ends the shift comes before
            page.keyboard.press("Tab")
            if hit.evaluate("one => one === document.activeElement"):
                break
        expect(hit).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="What to do, in this order")).to_be_visible()
