"""What people of each kind do in the console, in a real browser, from signing in to what is on record.

An officer's task is in test_console_live.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from platestream.access import registry
from platestream.audit.yearly import draw as drawing
from platestream.audit.yearly import findings as judging
from platestream.edges.clickhouse_client import AUDITOR
from platestream.hotlist.list_changes import listed
from platestream.schemas.hotlist import PARTNER_SOURCE
from platestream.schemas.registry import RegistryRecord
from tests.support.clock import NOW
from tests.support.console import PASSWORD, Pages
from tests.support.office import CASE, csv, line
from tests.support.partner_lists import offer_waits
from tests.support.partners import COUNTYS, agency

WIDTH = 390
LIST = csv(line("26-1", 20, contact="928-555-0199"), line("26-9", 20, plate="NEW4821"))


@pytest.fixture
def page(browser: Browser, console: str) -> Iterator[Page]:
    """The page of signing in; what its console says fails the test."""
    said: list[str] = []
    with browser.new_context() as context:
        made = context.new_page()
        made.on("console", lambda message: said.append(message.text))
        made.on("pageerror", lambda error: said.append(str(error)))
        made.goto(console)
        yield made
    assert said == []


def sign_in(page: Page, who: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(who)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_in_by_keyboard(page: Page, who: str) -> None:
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(who)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def go_to(page: Page, section: str) -> None:
    page.get_by_role("navigation", name="Sections").get_by_role("link", name=section).click()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1, name=text, exact=True)).to_be_visible()


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def tab_to(page: Page, target: Locator) -> None:
    for _press in range(80):
        if target.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(target).to_be_focused()


def enter(page: Page, target: Locator) -> None:
    tab_to(page, target)
    page.keyboard.press("Enter")


def logged(pages: Pages, who: str, *kinds: str) -> list[tuple[str, str, str]]:
    """Kind, outcome and case number of a person's acts of these kinds in the console."""
    sql = (
        "SELECT kind, outcome, case_number FROM platestream.inquiry_log WHERE who = {who:String}"
        " AND tool = 'console' AND kind IN {kinds:Array(String)} ORDER BY at"
    )
    return [tuple(row) for row in pages.database.rows(sql, who=who, kinds=list(kinds))]


def test_an_analyst_searches_for_a_case_and_holds_what_was_marked(page: Page, pages: Pages) -> None:
    before = len(logged(pages, "ana", "search", "evidence_hold"))
    sign_in(page, "ana")
    go_to(page, "Search")
    page.get_by_label("Case number").fill(CASE)
    page.get_by_label("Plate", exact=True).fill("ast 3087")
    press(page, "Search")
    heading(page, "2 passes found")
    for row in (1, 2):
        page.get_by_role("checkbox", name=f"row {row}").check()
    page.get_by_text("Hold selected rows as evidence").click()
    page.get_by_label("Authority").fill("Det. Roe")
    page.get_by_label("Series of the retention schedule").select_option("felony")
    press(page, "Hold as evidence")
    expect(page.get_by_role("status")).to_have_text(f"2 detections with 4 pictures are held for case {CASE}.")
    result = "SELECT who, detections FROM platestream.evidence_holds FINAL WHERE authority = 'Det. Roe'"
    assert pages.database.rows(result) == [("ana", 2)]
    assert logged(pages, "ana", "search", "evidence_hold")[before:] == [
        ("search", "allowed", CASE),
        ("evidence_hold", "allowed", CASE),
    ]


def test_an_analyst_saves_a_search_repeats_it_for_a_case_prints_it_and_takes_a_report(
    page: Page, pages: Pages
) -> None:
    kinds = ("search", "search_save", "search_export")
    before = len(logged(pages, "ana", *kinds))
    sign_in(page, "ana")
    go_to(page, "Search")
    page.get_by_label("Case number").fill(CASE)
    page.get_by_label("Plate", exact=True).fill("ast 3087")
    press(page, "Search")
    page.get_by_text("Save this search").click()
    page.get_by_role("textbox", name="Name").fill("the truck")
    press(page, "Save search")
    expect(page.get_by_role("status")).to_have_text("The search is saved.")
    press(page, "Search again: the truck")
    expect(page.get_by_label("Plate", exact=True)).to_have_value("ast3087")
    expect(page.get_by_label("Case number")).to_have_value("")
    page.get_by_label("Case number").fill("26-005678")
    page.get_by_label("With pictures").check()
    press(page, "Search")
    heading(page, "2 passes found")
    page.evaluate("window.print = () => document.body.setAttribute('data-printed', '')")
    press(page, "Print")
    expect(page.locator("body[data-printed]")).to_have_count(1)
    page.emulate_media(media="print")
    expect(page.get_by_text("Printed by ana")).to_be_visible()
    expect(page.locator(".passes img")).to_have_count(2)
    for hidden in ("header", "#export", ".pick >> nth=0", "[data-print]"):
        expect(page.locator(hidden)).to_be_hidden()
    page.emulate_media(media="screen")
    page.locator("#export > summary").click()
    with page.expect_download() as report:
        press(page, "Case report (PDF)")
    assert report.value.suggested_filename.endswith(".pdf")
    assert report.value.path().read_bytes().startswith(b"%PDF-")
    assert logged(pages, "ana", *kinds)[before:] == [
        ("search", "allowed", CASE),
        ("search_save", "allowed", ""),
        ("search", "allowed", "26-005678"),
        ("search_export", "allowed", "26-005678"),
    ]


def test_a_supervisor_imports_a_list_on_a_phone_and_sees_first_what_it_changes(
    page: Page, pages: Pages
) -> None:
    page.set_viewport_size({"width": WIDTH, "height": 844})
    sign_in(page, "sue")
    go_to(page, "Hot list")
    page.get_by_role("link", name="Import list").click()
    page.get_by_label("File, 25 MB at most").set_input_files(
        {"name": "own.csv", "mimeType": "text/csv", "buffer": LIST}
    )
    page.get_by_label("Source").select_option("sjpd")
    press(page, "Preview changes")
    heading(page, "Import preview")
    figures = page.get_by_label("Summary").locator("dd")
    # 26-2 and 26-3 are not in the file any more; 26-3 had expired.
    expect(figures).to_have_text(["1", "1", "2, of which 1 had expired", "0", "0", "0 of 2"])
    assert "sjpd:26-9" not in listed(pages.streams)
    press(page, "Import")
    heading(page, "List imported")
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    now = listed(pages.streams)
    assert set(now) == {"sjpd:26-1", "sjpd:26-9"}
    assert now["sjpd:26-1"].contact == "928-555-0199"
    assert ("hotlist_import", "allowed", "") in logged(pages, "sue", "hotlist_import")


def test_an_officer_takes_and_drops_an_offer_of_another_agency_by_keyboard_alone(
    page: Page, pages: Pages
) -> None:
    pages.put(
        agency("county", COUNTYS), RegistryRecord(kind="hotlist_source", id=PARTNER_SOURCE, name="Agencies")
    )
    entry = offer_waits(pages.console.door("vale"), UUID(int=7 << 96), plate="KEY4821")
    sign_in_by_keyboard(page, "vale")
    enter(page, page.get_by_role("link", name="Hot list", exact=True))
    enter(page, page.get_by_role("link", name="Offers of other agencies"))
    heading(page, "Offers of other agencies")
    enter(page, page.get_by_role("button", name="Accept"))
    expect(page.get_by_role("status")).to_contain_text("The entry is on the hot list.")
    assert listed(pages.streams)[entry].plate == "KEY4821"
    enter(page, page.get_by_role("button", name="Remove"))
    expect(page.get_by_role("status")).to_contain_text("is dropped")
    assert entry not in listed(pages.streams)
    assert logged(pages, "vale", "hotlist_take") == [("hotlist_take", "allowed", "26-77")] * 2


def test_an_auditor_draws_judges_and_reads_the_memorandum_by_keyboard_alone(page: Page, pages: Pages) -> None:
    sign_in_by_keyboard(page, "aud")
    enter(page, page.get_by_role("link", name="Audit", exact=True))
    enter(page, page.get_by_role("link", name="Draw inquiries for an audit"))
    tab_to(page, page.get_by_label("Reason for another draw"))
    page.keyboard.type("A rehearsal by keyboard")
    enter(page, page.get_by_role("button", name="Draw again"))
    enter(page, page.get_by_role("link", name="Next inquiry"))
    tab_to(page, page.locator("#next [value=meets]"))
    page.keyboard.press("Space")
    tab_to(page, page.locator("#next textarea"))
    page.keyboard.type("Case file seen")
    enter(page, page.locator("#next button.main"))
    expect(page.get_by_text("Note: Case file seen")).to_be_visible()
    client = pages.database.client(AUDITOR)
    entry, drawn = max(drawing.draws(client), key=lambda one: one[0].number)
    ((found, finding),) = judging.findings(client, entry.number).values()
    assert (entry.who, found.who, finding.meets, finding.note) == ("aud", "aud", True, "Case file seen")
    enter(page, page.get_by_role("link", name="Memorandum", exact=True))
    expect(page.get_by_role("alert")).to_contain_text(
        f"{len(drawn.inquiries) - 1} of {len(drawn.inquiries)} inquiries have no finding yet"
    )
    assert logged(pages, "aud", "audit_draw", "audit_finding")[-2:] == [
        ("audit_draw", "allowed", ""),
        ("audit_finding", "allowed", ""),
    ]


def test_an_administrator_registers_a_person_and_approves_a_camera(page: Page, pages: Pages) -> None:
    sign_in(page, "lee")
    go_to(page, "Administration")
    menu = page.get_by_role("navigation", name="Pages of administration")
    menu.get_by_role("link", name="People").click()
    page.get_by_label("Account name").fill("roe")
    page.get_by_label("Full name").fill("Det. Roe")
    page.get_by_label("Employee number").fill("77")
    page.get_by_label("Trained on").fill(f"{NOW - timedelta(days=2):%Y-%m-%d}")
    page.get_by_role("checkbox", name="officer:").uncheck()
    page.get_by_role("checkbox", name="analyst:").check()
    press(page, "Register")
    heading(page, "Det. Roe")
    press(page, "Make one-time code")
    code = page.locator(".code").inner_text()
    page.get_by_role("link", name="Back to roe").click()
    expect(page.locator("dt:has-text('Password') + dd")).to_have_text("none")
    menu.get_by_role("link", name="Cameras").click()
    page.get_by_role("link", name="south", exact=True).click()
    page.get_by_label("Approved by").fill("Chief of Police")
    press(page, "Record approval")
    expect(page.locator("dt:has-text('Approved by') + dd")).to_contain_text("Chief of Police, ")
    roe = registry.records_of(pages.streams, "user")["roe"]
    assert (roe.name, roe.roles, roe.changed_by) == ("Det. Roe", ("analyst",), "lee")
    assert registry.records_of(pages.streams, "camera")["south"].approved_by == "Chief of Police"
    acts = ("registry_user", "account_code", "registry_camera")
    assert {one[:2] for one in logged(pages, "lee", *acts)} == {(one, "allowed") for one in acts}
    press(page, "Sign out")
    page.get_by_role("link", name="Set a password with a one-time code").click()
    page.get_by_label("Name").fill("roe")
    page.get_by_label("One-time code").fill(code)
    page.get_by_label("New password", exact=True).fill("a phrase for Roe")
    page.get_by_label("New password again").fill("a phrase for Roe")
    press(page, "Set password")
    sign_in(page, "roe", "a phrase for Roe")
    expect(page.get_by_role("navigation", name="Sections").get_by_role("link", name="Search")).to_be_visible()
