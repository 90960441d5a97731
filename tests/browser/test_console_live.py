"""An officer's work in a real browser, against the system that `platestream up` runs."""

import io
import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from platestream.settings import system_account
from tests.support.clock import NOW
from tests.support.kafka_broker import free_port, wait_until
from tests.support.up import System, founding

PASSWORD = "an officer's password"
TRAINED = f"{NOW - timedelta(days=10):%Y-%m-%d}"
SECOND = 1000
TONES = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) {
  window.tones.push(Date.now());
  start.apply(this, given);
};
"""
"""Notes the time of each tone."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """It runs, with its agency, an administrator, Officer Vale, and one plate on the list."""
    one = System.of(tmp_path_factory.mktemp("up"), console=free_port())
    one.up()
    try:
        listed = one.folder / "list.csv"
        ends = (NOW + timedelta(days=20)).date()
        listed.write_text(
            "reference,category,plate,state,case_number,reason,requested_by,contact,instructions,expires_at\n"
            "1,stolen_vehicle,KBD4821,AZ,26-001234,stolen from the fair,Dispatch,928-555-0101,P/C for arrest,"
            f"{ends}\n"
        )
        registered = ["--agency", "sjpd", "--trained", TRAINED]
        for result in (
            *founding(system_account()),
            [
                "registry",
                "user",
                "vale",
                "--title",
                "Vale",
                "--employee-number",
                "2",
                *registered,
                "--role",
                "officer",
            ],
            ["hotlist", "import", str(listed), "--source", "acic"],
        ):
            ran = one.run(*result)
            assert ran.returncode == 0, ran.stdout + ran.stderr
        assert one.run("account", "set", said=f"{PASSWORD}\n").returncode == 0
        code = one.run("account", "set", "vale").stdout.strip()
        wait_until(
            lambda: httpx.get(f"http://localhost:{one.console}/redeem").status_code == 200, 60, "pages"
        )
        asked = {"who": "vale", "code": code, "password": PASSWORD, "again": PASSWORD}
        assert httpx.post(f"http://localhost:{one.console}/redeem", data=asked).status_code < 400
        yield one
    finally:
        one.run("down")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A telephone; what its console says fails the test."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(TONES)
    made = context.new_page()
    made.on("console", lambda message: said.append(message.text))
    made.on("pageerror", lambda error: said.append(str(error)))
    yield made
    context.close()
    assert said == []


def bright(png: bytes) -> bool:
    """Whether a street by day is seen: what is drawn while none comes is black."""
    return Image.open(io.BytesIO(png)).convert("L").resize((1, 1)).tobytes()[0] > 60


def sign_in(page: Page, who: str = "vale") -> None:
    page.get_by_label("Name").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_hit_comes_to_the_open_page_and_is_handled_to_its_end(system: System, page: Page) -> None:
    base = f"http://localhost:{system.console}"
    wait_until(lambda: "running" in str(system.status()["processes"][-1]), 60, "the console")
    page.goto(f"{base}/")
    sign_in(page)
    page.get_by_role("button", name="Start shift").click()
    expect(page.get_by_text("No alert hits in the last 24 hours")).to_be_visible()
    page.get_by_role("button", name="Turn on sound").click()
    page.wait_for_function("() => window.tones.length > 0")
    page.evaluate("() => { window.tones.length = 0; }")
    at = time.time()
    system.photograph("KBD4821", "one")
    fresh = page.locator("li.hit.fresh")
    expect(fresh).to_be_visible(timeout=90 * SECOND)
    page.wait_for_function("() => window.tones.length > 0")
    print(f"from frame to sound: {page.evaluate('window.tones[0]') / SECOND - at:.2f} s")
    fresh.get_by_role("link").click()
    for kind in ("vehicle", "crop"):
        wide = f"document.querySelector('img.{kind}').naturalWidth"
        page.wait_for_function(f"() => {wide} > 10")
    assert "An alert hit alone is no ground for a stop" in page.inner_text("main")
    page.get_by_role("button", name="Confirm plate and state").click()
    page.get_by_role("button", name="Confirm entry as current").click()
    page.get_by_label("Outcome").select_option("vehicle_recovered")
    page.get_by_label("Actionable ALPR Hit Related").check()
    page.get_by_label("Report number").fill("26-001234")
    page.get_by_role("button", name="Record disposition").click()
    record = page.get_by_role("region", name="Record")
    expect(record).to_contain_text("Actionable ALPR Hit Related")
    expect(record).to_contain_text("vehicle recovered")
    page.get_by_role("link", name="Hits", exact=True).click()
    expect(page.locator("li.hit")).to_contain_text("action taken")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_notices_link_opens_its_hit_after_signing_in_without_scripts_too(
    system: System, browser: Browser
) -> None:
    found = system.run("hits", "list", "--reason", "test of the console", "--json").stdout
    hit = re.findall(r'"hit_id": ?"([0-9a-f-]{36})"', found)[0]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://localhost:{system.console}/hits/{hit}")
    sign_in(page)
    expect(page).to_have_url(f"http://localhost:{system.console}/hits/{hit}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stolen vehicle")
    context.close()


@pytest.mark.nightly
@pytest.mark.parametrize("scripts", [True, False])
def test_an_administrator_sees_what_a_camera_sees_as_it_comes(
    system: System, browser: Browser, scripts: bool
) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"http://localhost:{system.console}/administration/cameras/yard")
    sign_in(page, system_account())
    page.get_by_label("Reason (for example").fill("realigned after the storm")
    page.get_by_role("button", name="Show live picture").click()
    picture = page.get_by_role("img", name="Live picture of yard with its time")
    expect(picture).to_be_visible(timeout=30 * SECOND)
    waits = picture.screenshot()
    system.photograph("LIV1001", f"live-{scripts}")
    wait_until(lambda: picture.screenshot() != waits and bright(picture.screenshot()), 60, "the street")
    context.close()


@pytest.mark.nightly
def test_a_page_says_that_hits_do_not_come_and_hears_them_from_the_next_console(
    system: System, browser: Browser
) -> None:
    wait_until(lambda: "running" in str(system.status()["processes"][-1]), 60, "the console")
    page = browser.new_context().new_page()
    page.goto(f"http://localhost:{system.console}/hits")
    sign_in(page)
    begin = page.get_by_role("button", name="Start shift")
    on_shift = page.get_by_text("On shift until")
    expect(begin.or_(on_shift)).to_be_visible()
    if begin.is_visible():  # the test runs alone
        begin.click()
    expect(on_shift).to_be_visible()
    before = system.pids()["console"]
    os.kill(before, signal.SIGKILL)
    expect(page.get_by_text("this device is blind since")).to_be_visible(timeout=30 * SECOND)
    expect(page.get_by_text("this device is blind since")).to_be_hidden(timeout=60 * SECOND)
    page.reload()
    expect(on_shift).to_be_visible()
    page.context.close()


def test_no_file_of_the_system_has_a_password_in_clear(system: System) -> None:
    files = [one for one in Path(system.data).rglob("*") if one.is_file() and one.stat().st_size < 50_000_000]
    assert not [one for one in files if PASSWORD.encode() in _content(one)]


def _content(file: Path) -> bytes:
    """Return what a file of the running system has; the engine renames and removes those of parts."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
