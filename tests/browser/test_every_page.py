"""Parts of every page: colors, keyboard shortcuts, search in the header, own sessions, and what was typed."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from platestream.web.cookies import COOKIE
from tests.support.console import Pages
from tests.support.office import CASE

GROUND = "() => getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Light by the system; what its console says fails the test."""
    said: list[str] = []
    with browser.new_context(color_scheme="light") as context:
        made = context.new_page()
        made.on("console", lambda message: said.append(message.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        yield made
    assert [one for one in said if "status of 4" not in one] == []


def sign_in(page: Page, pages: Pages, who: str) -> None:
    token, _session = pages.console.sessions.begin(who, pages.clock(), device="Chrome on Android, 10.0.0.9")
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])


def logged(pages: Pages) -> int:
    return int(pages.database.value("SELECT count() FROM platestream.inquiry_log"))


def test_colors_are_chosen_and_remembered_on_the_device(page: Page, pages: Pages, console: str) -> None:
    page.goto(f"{console}/sign-in")
    light = page.evaluate(GROUND)
    page.get_by_label("Colors of this device").select_option("dark")
    dark = page.evaluate(GROUND)
    assert dark != light
    sign_in(page, pages, "ana")
    page.goto(f"{console}/search")
    assert page.evaluate(GROUND) == dark, "before the page is drawn"
    page.get_by_label("Colors of this device").select_option("")
    assert page.evaluate(GROUND) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == dark, "as the system"


def test_shortcuts_lead_to_sections_and_are_listed(page: Page, pages: Pages, console: str) -> None:
    sign_in(page, pages, "sue")
    page.goto(f"{console}/hits")
    page.keyboard.press("?")
    shown = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shown).to_be_visible()
    expect(shown.get_by_role("link", name="Hot list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    page.keyboard.type("gl")
    expect(page.get_by_role("heading", level=1, name="Hot list")).to_be_visible()
    # The script shows this button; before it has run, no key is heard.
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("main tbody a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search for a plate")).to_be_focused()
    page.keyboard.type("gs?")
    expect(page.get_by_label("Search for a plate")).to_have_value("gs?")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use these shortcuts on this device").uncheck()
    page.get_by_role("button", name="Close").click()
    page.locator("h1").click()
    page.keyboard.type("gs")
    expect(page.get_by_role("heading", level=1, name="Hot list")).to_be_visible()


def test_a_plate_of_the_header_is_in_the_search_and_in_no_address(
    page: Page, pages: Pages, console: str
) -> None:
    sign_in(page, pages, "ana")
    page.goto(f"{console}/evidence")
    before = logged(pages)
    page.get_by_label("Search for a plate").fill("ast3087")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Search")).to_be_visible()
    expect(page.get_by_label("Plate", exact=True)).to_have_value("ast3087")
    expect(page.get_by_label("Case number")).to_be_focused()
    assert "ast3087" not in page.url
    assert logged(pages) == before, "the plate alone is no inquiry"
    page.keyboard.type(CASE)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="2 passes found")).to_be_visible()


def test_a_missing_reason_is_said_before_it_is_a_refusal_in_the_log(
    page: Page, pages: Pages, console: str
) -> None:
    sign_in(page, pages, "ana")
    page.goto(f"{console}/hits")
    before = logged(pages)
    search = page.locator("form[action='/hits']")
    search.get_by_role("button", name="Search").click()
    fault = search.get_by_label("Case number").evaluate("(one) => one.validationMessage")
    assert fault.startswith("Enter a case number")
    assert logged(pages) == before
    search.get_by_label("Reason", exact=True).fill("Stolen from the mill")
    search.get_by_role("button", name="Search").click()
    expect(page.locator("li.hit").first).to_be_visible()


def test_what_was_typed_comes_back_after_a_refusal(page: Page, pages: Pages, console: str) -> None:
    sign_in(page, pages, "lee")
    page.goto(f"{console}/administration/people")
    page.get_by_label("Account name").fill("late")
    page.get_by_label("Full name").fill("Another person of that name")
    page.get_by_label("Employee number").fill("88")
    page.get_by_role("checkbox", name="analyst:").check()
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Request refused")).to_be_visible()
    page.get_by_role("link", name="Change what you entered").click()
    expect(page.get_by_label("Full name")).to_have_value("Another person of that name")
    expect(page.get_by_label("Employee number")).to_have_value("88")
    expect(page.get_by_role("checkbox", name="analyst:")).to_be_checked()
    assert page.evaluate("() => sessionStorage.length") == 0, "nothing typed stays on the device"


def test_a_person_sees_their_sessions_and_ends_one(page: Page, pages: Pages, console: str) -> None:
    sign_in(page, pages, "cust")
    other = pages.browser("cust")
    other.client.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Firefox/140.0"
    other.sign_in("cust")
    page.goto(f"{console}/account")
    sessions = page.locator("#sessions tbody tr")
    row = sessions.filter(has_text="Firefox on Windows")
    expect(row).to_be_visible()
    row.get_by_role("button", name="End session").click()
    expect(row).to_be_hidden()
    assert other.get("/account").url.path == "/sign-in"
    sessions.filter(has_text="this session").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


def test_nobody_ends_a_session_of_another_person(pages: Pages) -> None:
    victim, other = pages.browser("cust"), pages.browser("ana")
    found = pages.console.sessions.of("cust", pages.clock())[0].name
    other.get("/account")
    other.send("/account/session", session=found)
    assert victim.get("/account").url.path == "/account"
