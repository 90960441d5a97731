"""New hits on the device of an officer on shift: sound, badge, notification, and a lost connection."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from platestream.access import presence
from platestream.hits import service as job
from platestream.hits.pages import live_feed
from platestream.web.cookies import COOKIE
from tests.support.console import Pages
from tests.support.hits import FOUND, put_hit
from tests.support.kafka_broker import free_port, wait_until
from tests.support.served import served

NUMBERS = iter(range(1000, 2000))
RECORD = """
window.sounded = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...given) {
  window.sounded.push({at: Date.now(), hertz: this.frequency.value});
  return start.apply(this, given);
};
navigator.setAppBadge = async (count) => { window.badge = count; };
navigator.clearAppBadge = async () => { window.badge = 0; };
"""


class Server:
    """The console on one port, which can fail and come back with its sessions."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.port, self._running = pages, free_port(), ExitStack()
        self.address = self._running.enter_context(served(pages.console, self.port))

    def fail(self) -> None:
        self._running.close()

    def return_(self) -> None:
        self._running.enter_context(served(self.pages.console, self.port))


@pytest.fixture
def server(pages: Pages) -> Iterator[Server]:
    made = Server(pages)
    yield made
    made.fail()


@pytest.fixture
def page(browser: Browser, pages: Pages, server: Server) -> Iterator[Page]:
    """Vale's phone, on shift."""
    with browser.new_context(
        viewport={"width": 390, "height": 844}, permissions=["notifications"]
    ) as context:
        token, _session = pages.console.sessions.begin("vale", pages.clock())
        context.add_cookies([{"name": COOKIE, "value": token, "url": "https://localhost/", "secure": True}])
        context.add_init_script(RECORD)
        made = context.new_page()
        made.goto(f"{server.address}/hits")
        expect(made.locator("body[data-live=on]")).to_be_attached()
        yield made


@pytest.mark.nightly
def test_a_hit_of_a_colleagues_car_sounds_later_whatever_page_the_officer_is_on_then(
    page: Page, pages: Pages, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.get_by_role("button", name="Turn on sound").click()
    expect(page.get_by_role("button", name="Sound is on")).to_be_visible()
    message = live_feed._message
    monkeypatch.setattr(live_feed, "_message", lambda *asked: {**message(*asked), "wait": 25})
    before = len(sounded(page))
    hit = arrive(pages)
    expect(page.locator(f"#hit-{hit}")).to_be_visible()
    assert len(sounded(page)) == before
    page.goto(f"{server.address}/account")
    page.mouse.click(5, 5)  # a browser demands a gesture on each page
    page.wait_for_function("() => window.sounded.length > 0", timeout=90_000)
    assert page.title().startswith("(1) "), "nobody has seen it"


def arrive(pages: Pages, category: str = "stolen_vehicle") -> str:
    """A new hit is in its table, and is read from its topic."""
    hit = put_hit(pages.database, next(NUMBERS), listed={"category": category})
    door = pages.console.door("vale")
    live_feed.announce(pages.console, job.one(door, UUID(hit), reason="as the topic has it"))
    return hit


def sounded(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("window.sounded")
    return found


def test_a_new_hit_sounds_by_its_priority_and_is_counted_until_it_is_opened(page: Page, pages: Pages) -> None:
    arrive(pages)
    expect(page.locator("li.hit.fresh")).to_have_count(1)
    assert sounded(page) == [], "a browser demands a gesture"
    page.get_by_role("button", name="Turn on sound").click()
    expect(page.get_by_role("button", name="Sound is on")).to_be_visible()
    tones = {}
    for category in ("stolen_vehicle", "amber_alert"):
        before = len(sounded(page))
        hit = arrive(pages, category)
        row = page.locator(f"#hit-{hit}")
        expect(row).to_be_visible()
        page.wait_for_function("(before) => window.sounded.length > before", arg=before)
        tones[category] = sounded(page)[before:]
        page.wait_for_timeout(2_100)
    assert len(tones["amber_alert"]) > len(tones["stolen_vehicle"])
    assert max(one["hertz"] for one in tones["amber_alert"]) > tones["stolen_vehicle"][0]["hertz"]
    expect(row).to_contain_text("Priority 1")
    assert page.title().startswith("(3) ")
    assert page.evaluate("window.badge") == 3
    row.get_by_role("link").click()
    expect(page).to_have_title("(2) " + page.title().removeprefix("(2) "))
    # The device remembers the sound, on every page of the officer.
    expect(page.get_by_role("button", name="Sound is on")).to_be_visible()
    arrive(pages)
    expect(page.locator("#arrived li.hit")).to_have_count(1)
    page.get_by_role("button", name="Silence").click()
    expect(page.get_by_role("button", name="Silence")).to_be_hidden()
    assert not page.title().startswith("(")


def test_a_notification_has_no_plate_for_a_locked_screen(page: Page, pages: Pages) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.evaluate("() => { document.hasFocus = () => false; }")
    hit = arrive(pages, "amber_alert")
    shown = """async () => {
      const worker = await navigator.serviceWorker.ready;
      return (await worker.getNotifications()).map((one) => [one.title, one.body, one.data]);
    }"""
    wait_until(lambda: bool(page.evaluate(shown)), 20, "the notification")
    ((title, body, address),) = page.evaluate(shown)
    assert (title, address) == ("Priority 1: amber alert", f"/hits/{hit}")
    assert FOUND.detection.camera_id in body
    assert FOUND.detection.plate not in title + body


def test_a_device_that_was_blind_says_since_when_and_shows_what_it_missed(
    page: Page, pages: Pages, server: Server
) -> None:
    page.get_by_role("button", name="Turn on sound").click()
    server.fail()
    expect(page.get_by_text("this device is blind since")).to_be_visible()
    assert page.title().startswith("Blind ")
    missed = arrive(pages)
    page.clock.set_system_time(datetime.now(UTC) + timedelta(minutes=5))
    server.return_()
    expect(page.get_by_text("this device is blind since")).to_be_hidden()
    expect(page.locator(f"#hit-{missed}.fresh")).to_be_visible()
    expect(page.locator("[data-missed]")).to_contain_text("(5 minutes). 1 hit came in this time")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("was blind from")).to_be_hidden()
    assert not page.title().startswith("Blind")


def test_without_connection_a_page_says_since_when_it_is_blind_and_comes_back(
    page: Page, pages: Pages, server: Server
) -> None:
    page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    server.fail()
    page.goto(f"{server.address}/hits")
    expect(page.get_by_role("heading", name="No connection to the console")).to_be_visible()
    expect(page.get_by_text("This device is blind since ")).to_be_visible()
    missed = arrive(pages)
    server.return_()
    expect(page.get_by_role("heading", name="Alert hits")).to_be_visible()
    expect(page.locator(f"#hit-{missed}")).to_be_visible()


def test_the_console_can_be_installed(page: Page, server: Server) -> None:
    manifest = page.evaluate("() => fetch('/manifest.webmanifest').then((one) => one.json())")
    assert manifest["display"] == "standalone"
    assert page.evaluate("() => document.querySelector('link[rel=manifest]').href").startswith(server.address)
    for icon in manifest["icons"]:
        wide = page.evaluate(
            "(src) => new Promise((done) => { const one = new Image();"
            " one.onload = () => done(one.naturalWidth); one.src = src; })",
            icon["src"],
        )
        assert f"{wide}x{wide}" == icon["sizes"]


def test_only_one_tab_is_connected_and_the_next_takes_over(page: Page, pages: Pages, server: Server) -> None:
    other = page.context.new_page()
    other.goto(f"{server.address}/search")
    hit = arrive(pages)
    expect(page.locator(f"#hit-{hit}")).to_be_visible()
    expect(other.locator(f"#hit-{hit}")).to_be_visible()
    assert sum(pages.console.alerts._pages.values()) == 1
    page.close()
    second = arrive(pages)
    expect(other.locator(f"#hit-{second}")).to_be_visible()


def test_a_supervisor_sees_who_is_connected(
    page: Page, pages: Pages, browser: Browser, server: Server
) -> None:
    def device() -> Any:
        return presence.connected(pages.console.door(""), pages.clock()).get("vale")

    wait_until(lambda: device() is not None, 20, "the heartbeat")
    supervisor = pages.browser("sue")
    supervisor.get("/shift")
    assert "connected since" in supervisor.page
    page.get_by_role("button", name="Sign out").click()
    wait_until(lambda: device() is None, 20, "the sign-out")
    supervisor.get("/shift")
    assert "not connected" in supervisor.page
