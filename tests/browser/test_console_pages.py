"""The console's pages in a real browser: for everybody, on a desk and on a phone, in daylight and at night.

A new page is a line in SIGHTS.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect

from platestream.web.cookies import COOKIE
from tests.conftest import skip_unless_ci
from tests.support.clients import ClientUnavailableError, axe
from tests.support.clock import NOW
from tests.support.console import PASSWORD, Pages
from tests.support.nightly import nightly
from tests.support.office import CASE, FILED, HIT, JUDGED, LETTER, WAITING, csv, line

DESK, PHONE = (1280, 900), (390, 844)
FIRST_VISIT = 150_000
"""Bytes at most before a person sees the hits for the first time, without pictures."""
# Only what is needed comes over: the whole of an answer is longer on its way than it was found.
LOOK = """async (only) => {
  const found = await axe.run({resultTypes: ["violations"], ...only});
  const wide = document.documentElement;
  return {
    contrast: found.passes.some((one) => one.id === "color-contrast"),
    wide: wide.scrollWidth > wide.clientWidth,
    wrong: found.violations.flatMap((one) => one.nodes.map((node) =>
      `${one.id}: ${one.help}: ${node.html.slice(0, 200)} ${node.failureSummary}`)),
  };
}"""
COLORS = {"runOnly": ["color-contrast", "link-in-text-block"]}
Look = tuple[tuple[int, int], str, dict[str, list[str]]]
# What a scheme changes are colors and nothing else.
SCHEMES: list[tuple[str, dict[str, list[str]]]] = [("dark", {}), ("light", COLORS)]
LOOKS: list[Look] = [(size, *scheme) for size in (DESK, PHONE) for scheme in SCHEMES]
"""Window, colors, and what axe looks for: everything, or what depends on colors."""
YEAR = NOW.year


class Sight(NamedTuple):
    """A page as somebody of tests/support/office.py sees it; "" is nobody.

    `who` opens `path`, goes on with `then`, and reads `heading`.
    """

    who: str
    path: str
    heading: str
    then: Callable[[Page], object] = lambda page: None
    status: int = 200


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        field = page.locator(f"main [name={name}]").first
        if field.get_attribute("type") in ("radio", "checkbox"):
            page.check(f"main [name={name}][value={value}]")
        elif field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def send(button: str, **fields: str) -> Callable[[Page], None]:
    """Fill a form in, and press its button."""

    def then(page: Page) -> None:
        fill(page, **fields)
        page.get_by_role("button", name=button, exact=True).first.click()

    return then


def look(way: str, **fields: str) -> Callable[[Page], None]:
    return send("Search", way=way, **fields)


def search_elsewhere(**fields: str) -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.get_by_text("Other agencies: none").click()
        page.get_by_label("all agencies").check()
        look("search", **fields)(page)
        page.get_by_text("Could not be reached").wait_for()

    return then


def hold(page: Page) -> None:
    look("search", plate="MATE456", case_number=CASE)(page)
    page.get_by_label("Select MATE456").first.check()
    page.get_by_text("Hold selected rows as evidence").click()
    page.get_by_label("Authority").fill("Det. Begay")
    page.get_by_label("Series").select_option("felony")
    page.get_by_role("button", name="Hold as evidence").click()


def entry(reference: str, button: str = "") -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.locator(f'button[value="sjpd:{reference}"]').click()
        if button:
            page.get_by_role("button", name=button).click()

    return then


def upload(content: bytes, source: str = "sjpd") -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.set_input_files("[name=file]", {"name": "list.csv", "mimeType": "text/csv", "buffer": content})
        send("Preview changes", source=source)(page)

    return then


def bring(content: bytes, source: str) -> Callable[[Page], None]:
    def then(page: Page) -> None:
        upload(content, source)(page)
        page.get_by_role("button", name="Import").click()

    return then


def seals(page: Page) -> None:
    page.get_by_text("The head is now").wait_for()


CASED = {"case_number": CASE}
SOME = csv(line("26-1", 20, contact="928-555-0199"), line("26-9", 20))
DAMAGED = csv(line("26-9", 20), line("26-8", 20, expires_at="soon"))
SIGHTS = {
    "signing in": Sight("", "/sign-in", "Platestream"),
    "a wrong password": Sight("", "/sign-in", "Platestream", send("Sign in", who="x", password="no"), 401),
    "no such page": Sight("", "/nothing", "Something went wrong", status=404),
    "nobody in the registry": Sight("new", "/", "No access yet"),
    "hits, off shift": Sight("ana", "/hits", "Alert hits"),
    "hits for a case": Sight("ana", "/hits", "Alert hits", send("Search", **CASED)),
    "hits on shift": Sight("vale", "/hits", "Alert hits"),
    "people on shift": Sight("sue", "/shift", "People on shift"),
    "without connection": Sight("", "/offline", "No connection to the console"),
    "one hit": Sight("vale", f"/hits/{HIT}", "Stolen vehicle"),
    "refused": Sight("aud", f"/hits/{HIT}", "Request refused", status=403),
    "search": Sight("ana", "/search", "Search"),
    "search, found": Sight(
        "ana", "/search", "2 passes found", look("search", plate="AST3087", pictures="yes", **CASED)
    ),
    "saved searches": Sight("ana", "/search/saved", "Saved searches"),
    "search, other agencies": Sight(
        "ana", "/search", "2 passes found", search_elsewhere(plate="AST3087", **CASED)
    ),
    "search, refused": Sight(
        "ana", "/search", "Search", look("search", plate="AST3087", case_number="1"), 403
    ),
    "search, nothing": Sight("ana", "/search", "0 passes found", look("search", plate="NONE", **CASED)),
    "look-alikes": Sight("ana", "/search", "4 passes found", look("fuzzy", plate="AST3087", **CASED)),
    "companions": Sight("ana", "/search", "2 companions found", look("companions", plate="AST3087", **CASED)),
    "meetings": Sight(
        "ana",
        "/search",
        "2 meetings found",
        look("cotravel", plate="AST3087", other_plate="MATE456", **CASED),
    ),
    "figures for everybody": Sight("", "/transparency/", "Use of license plate readers"),
    "a BOLO": Sight("ana", "/hotlist/bolo", "Add BOLO"),
    "a BOLO that lacks": Sight(
        "ana",
        "/hotlist/bolo",
        "Add BOLO",
        send("Add to hot list", agency="county", text="Plate: ABC 1234"),
        409,
    ),
    "evidence": Sight("cust", "/evidence", "Evidence"),
    "held": Sight("ana", "/search", "Held as evidence", hold),
    "hot list": Sight("sue", "/hotlist", "Hot list"),
    "hot list, nothing": Sight("sue", "/hotlist", "Hot list", send("Search", reference="none")),
    "entry": Sight("sue", "/hotlist", "Entry 26-1", entry("26-1")),
    "entry, expired": Sight("sue", "/hotlist", "Entry 26-3", entry("26-3")),
    "list a vehicle": Sight("sue", "/hotlist/new", "Add vehicle"),
    "change an entry": Sight("sue", "/hotlist", "Change entry", entry("26-2", "Change")),
    "remove an entry": Sight("sue", "/hotlist", "Remove this entry?", entry("26-1", "Remove")),
    "offers of other agencies": Sight("sue", "/hotlist/offers", "Offers of other agencies"),
    "import": Sight("sue", "/hotlist/import", "Import list"),
    "import, not a list": Sight("sue", "/hotlist/import", "Import list", upload(b"no list"), 409),
    "import, preview": Sight("sue", "/hotlist/import", "Import preview", upload(SOME)),
    "import, damaged": Sight("lee", "/hotlist/import", "Import preview", upload(DAMAGED)),
    "import, done": Sight("sue", "/hotlist/import", "List imported", bring(csv(line("1", 20)), "acic")),
    "hot list of an officer": Sight("vale", "/hotlist", "Hot list"),
    "audit": Sight("aud", "/audit", "Audit", seals),
    "draw, planned": Sight("aud", "/audit/draws", f"Draw inquiries for the audit of {YEAR}"),
    "draw": Sight("aud", f"/audit/draws/{WAITING}", f"Audit of {YEAR}, draw {WAITING}"),
    "draw, filed": Sight("aud", f"/audit/draws/{FILED}", f"Audit of {YEAR}, draw {FILED}"),
    "memorandum": Sight("aud", f"/audit/memo/{YEAR}?draw={JUDGED}", f"Memorandum on the audit of {YEAR}"),
    "memorandum, too early": Sight(
        "aud", f"/audit/memo/{YEAR}?draw={WAITING}", f"Memorandum on the audit of {YEAR}"
    ),
    "memorandum, filed": Sight(
        "aud", f"/audit/memo/{YEAR}?draw={FILED}", f"Memorandum on the audit of {YEAR}"
    ),
    "resets": Sight("aud", "/audit/resets", "One-time codes"),
    "sign-ins": Sight("aud", "/audit/sign-ins?kind=refused", "Sign-ins"),
    "seals": Sight("aud", "/audit/whole", "Log integrity"),
    "the order": Sight("aud", "/audit/policy", "Compliance with the order"),
    "the order, checked": Sight("aud", "/audit/policy", "Compliance with the order", send("Check now")),
    "due audits": Sight("aud", "/audit/due", "Due audits and reports"),
    "administration": Sight("lee", "/administration", "Administration"),
    "a one-time code": Sight("", "/redeem", "Set password"),
    "own account": Sight("lee", "/account", "Account of lee"),
    "a command line": Sight("lee", "/account/terminal", "Sign a command line in"),
    "an app to set up": Sight("lee", "/account/factor", "Second factor"),
    "people": Sight("lee", "/administration/people", "People"),
    "person": Sight("lee", "/administration/people/late", "late"),
    "person, ended": Sight("lee", "/administration/people/gone", "gone"),
    "agencies": Sight("lee", "/administration/agencies", "Agencies"),
    "agency": Sight("lee", "/administration/agencies/county", "County SO"),
    "cameras": Sight("lee", "/administration/cameras", "Cameras"),
    "new camera": Sight("lee", "/administration/new-camera", "Add a camera"),
    "set-up": Sight("lee", "/setup", "Set up"),
    "camera": Sight("lee", "/administration/cameras/south", "south"),
    "camera, live": Sight(
        "lee", "/administration/cameras/north", "north", send("Show live picture", reason="New lens")
    ),
    "camera, picture at fault": Sight("lee", "/administration/cameras/east", "east"),
    "camera, compared": Sight(
        "lee", "/administration/cameras/east", "east", send("Compare pictures", reason="After the storm")
    ),
    "region and masks": Sight("lee", "/administration/camera-region/north", "Region and masks of north"),
    "camera, changed": Sight("lee", "/administration/cameras/south", "south", send("Save changes")),
    "sensitive places": Sight("lee", "/administration/places", "Sensitive places"),
    "incidents": Sight("lee", "/administration/incidents", "Incidents"),
    "lists": Sight("lee", "/administration/lists", "Sources and categories"),
    "rules": Sight("lee", "/administration/rules", "Rules in force"),
    "dead letters": Sight("lee", "/administration/refused", "Rejected messages"),
    "dead letter": Sight("lee", f"/administration/refused/{LETTER}", f"Rejected message {LETTER}"),
}


@pytest.fixture(scope="module")
def rules() -> str:
    try:
        return axe()
    except ClientUnavailableError as error:
        skip_unless_ci(str(error))


class Ears:
    """What the browser had to say about its pages, and how the last one was answered."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.forget()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("response", self._answered)

    def forget(self) -> None:
        self.said: list[str] = []
        self.status = 0

    def _heard(self, message: ConsoleMessage) -> None:
        # That a page itself is a refusal is no mistake in it.
        if not (message.location["url"] == self.page.url and "status of" in message.text):
            self.said.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self.status = response.status


@pytest.fixture(scope="module")
def ears(browser: Browser, rules: str) -> Iterator[Ears]:
    """On one page for all sights, which has axe wherever it goes: a new page takes longer than to look at it,
    and axe is half a megabyte.
    """
    with browser.new_context(reduced_motion="reduce") as context:
        context.add_init_script(rules)
        yield Ears(context.new_page())


@pytest.fixture
def page(ears: Ears) -> Page:
    """The one page, where nobody is signed in."""
    ears.page.context.clear_cookies()
    ears.page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    ears.forget()
    return ears.page


def sign_in(page: Page, pages: Pages, who: str) -> None:
    if who:
        token, _session = pages.console.sessions.begin(who, pages.clock())
        page.context.add_cookies(
            [{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}]
        )


def see(page: Page, pages: Pages, console: str, sight: Sight) -> None:
    sign_in(page, pages, sight.who)
    page.goto(console + sight.path)
    sight.then(page)
    expect(page.get_by_role("heading", name=sight.heading, exact=True, level=1)).to_be_visible()


def looked_at(page: Page, size: tuple[int, int], scheme: Any, only: dict[str, Any]) -> list[str]:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    found = page.evaluate(LOOK, only)
    assert found["contrast"]
    wrong = [*found["wrong"], *["wider than the window"] * found["wide"]]
    return [f"{size[0]} {scheme}: {one}" for one in wrong]


@pytest.mark.parametrize("looks", [LOOKS[::3], *nightly(LOOKS)], ids=["two", "all"])
@pytest.mark.parametrize("name", SIGHTS)
def test_everybody_can_use_the_page_and_nothing_goes_wrong_in_it(
    page: Page, ears: Ears, pages: Pages, console: str, name: str, looks: Sequence[Look]
) -> None:
    see(page, pages, console, SIGHTS[name])
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert [one for look in looks for one in looked_at(page, *look)] == []
    assert ears.status == SIGHTS[name].status
    assert ears.said == []


def test_a_first_visit_is_small(page: Page, console: str) -> None:
    answers: list[Response] = []

    def answered(answer: Response) -> None:
        answers.append(answer)

    page.on("response", answered)
    page.goto(f"{console}/hits")
    page.fill("[name=who]", "vale")
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    expect(page.locator("li.hit")).to_have_count(3)
    page.remove_listener("response", answered)
    sizes = {}
    for answer in answers:
        stream = "event-stream" in answer.headers.get("content-type", "")
        if answer.request.resource_type != "image" and not stream:
            size = answer.request.sizes()
            sizes[answer.url] = size["responseBodySize"] + size["responseHeadersSize"]
    assert len(sizes) >= 4
    assert sum(sizes.values()) <= FIRST_VISIT, sizes


def test_by_keyboard_the_way_to_the_content_is_first_and_a_hit_opens(
    page: Page, pages: Pages, console: str
) -> None:
    see(page, pages, console, SIGHTS["hits on shift"])
    skip = page.get_by_role("link", name="Skip to content")
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    hit = page.locator("li.hit a").first
    for _tab in range(8):  # the shift's links and button, the two lists, and what was missed come before
        page.keyboard.press("Tab")
        if hit.evaluate("one => one === document.activeElement"):
            break
    expect(hit).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Next steps, in this order")).to_be_visible()
