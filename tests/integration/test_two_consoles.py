"""Two console processes behind a load balancer without stickiness: one session, one count, one use."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import httpx
import msgspec
import pytest

from platestream.access import accounts, presence
from platestream.runtime.login_attempts import FREE
from platestream.schemas import topics
from platestream.schemas.registry import RegistryRecord
from tests.support.authenticator import Device
from tests.support.balanced import Browser, Consoles, consoles
from tests.support.clock import NOW
from tests.support.console import PASSWORD
from tests.support.door import OWN, person
from tests.support.hits import FOUND, put_hit
from tests.support.waiting import wait_until

__all__ = ["consoles"]

CASE = "26-001234"
ENTRY = {
    **{"reference": "26-77", "plate": "AST3087", "state": "AZ", "category": "stolen_vehicle"},
    **{"case_number": CASE, "reason": "Stolen from 1st West", "requested_by": "Ofc. Vale"},
    **{"contact": "928-555-0114", "instructions": "P/C for arrest", "make": "Ford", "colour": "red"},
    "expires_at": f"{NOW + timedelta(days=20):%Y-%m-%d}",
}
FILE = "\n".join([",".join(ENTRY), ",".join(ENTRY.values()), ""]).encode()


@pytest.fixture(scope="module", autouse=True)
def staff(consoles: Consoles) -> None:
    people = [person("lee", "administrator"), person("ana", "analyst"), person("lou", "administrator")]
    consoles.pages.staff(*people, *(person(f"vale{number}", "officer") for number in range(8)))


def other(which: str) -> str:
    return "b" if which == "a" else "a"


def signed_in(consoles: Consoles, who: str, which: str = "all") -> Browser:
    browser = consoles.browser(which)
    assert browser.sign_in(who).status_code == 200
    return browser


def test_a_session_is_one_however_its_requests_are_spread(consoles: Consoles) -> None:
    browser = signed_in(consoles, "ana")
    for _number in range(4):
        assert browser.get("/search").url.path == "/search"
        found = browser.send("/search", way="search", plate="AST3087", case_number=CASE)
        assert found.status_code == 200, browser.page
    assert browser.by == {"a", "b"}


@pytest.mark.parametrize("which", ["a", "b"])
def test_a_sign_out_at_one_console_refuses_at_the_other_at_once(consoles: Consoles, which: str) -> None:
    browser = signed_in(consoles, "vale0", which)
    thief = consoles.browser()
    thief.client.cookies.update(browser.client.cookies)
    assert browser.admitted(other(which))
    assert thief.admitted(which)
    browser.send_to(other(which), "/sign-out")
    assert not thief.admitted(which)
    assert not thief.admitted(other(which))


def test_a_form_of_one_console_is_valid_at_the_other_and_no_other_sessions(consoles: Consoles) -> None:
    browser, stranger = signed_in(consoles, "vale1", "a"), signed_in(consoles, "vale2", "b")
    browser.at("a", "/shift")
    assert browser.send_to("b", "/shift/begin", hours="8").url.path == "/hits"
    browser.at("b", "/account")
    (form,) = set(re.findall(r'name="csrf" value="([^"]+)"', browser.page))
    answer = stranger.client.post(f"{consoles.address('a')}/shift/begin", data={"csrf": form, "hours": "8"})
    assert answer.status_code == 403


def test_the_end_of_a_shift_at_one_console_ends_the_session_at_the_other(consoles: Consoles) -> None:
    browser = signed_in(consoles, "vale3")
    browser.at("a", "/hits")
    browser.send_to("a", "/shift/begin", hours="8")
    phone = signed_in(consoles, "vale3", "b")
    assert phone.at("b", "/hits").url.path == "/hits"
    browser.send_to("b", "/shift/end")
    assert not phone.admitted("a")
    assert not phone.admitted("b")


def test_a_person_who_is_deactivated_at_one_console_is_out_at_the_other(consoles: Consoles) -> None:
    browser, admin = signed_in(consoles, "vale4", "b"), signed_in(consoles, "lee", "a")
    admin.at("a", "/administration/people/vale4")
    assert admin.send_to("a", "/administration/people/end", id="vale4").status_code == 200, admin.page
    assert not browser.admitted("b")
    assert consoles.browser("b").sign_in("vale4").status_code in (401, 403)


@pytest.mark.nightly
def test_a_session_and_its_end_survive_a_kill_of_every_console(consoles: Consoles) -> None:
    browser, ended = signed_in(consoles, "vale0"), signed_in(consoles, "vale0")
    stolen = consoles.browser()
    stolen.client.cookies.update(ended.client.cookies)
    ended.at("a")
    ended.send_to("a", "/sign-out")
    for which in ("a", "b"):
        consoles.kill(which)
        assert browser.get("/account").url.path == "/account" if which == "a" else True
        consoles.start(which)
    assert all(browser.admitted(which) for which in ("a", "b"))
    assert not any(stolen.admitted(which) for which in ("a", "b"))


def wrong(consoles: Consoles, which: str, who: str) -> int:
    with consoles.browser(which).client as client:
        sent = {"who": who, "password": "not the password", "next": "/"}
        return int(client.post("/sign-in", data=sent).status_code)


def test_wrong_passwords_are_counted_together(consoles: Consoles) -> None:
    found = [wrong(consoles, ("a", "b")[number % 2], "lou") for number in range(FREE + 2)]
    assert found == [401] * FREE + [429] * 2
    assert consoles.browser("a").sign_in("lou").status_code == 429
    assert consoles.browser("b").sign_in("lou").status_code == 429


def test_wrong_passwords_sent_at_once_to_both_consoles_are_as_few(consoles: Consoles) -> None:
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda number: wrong(consoles, ("a", "b")[number % 2], "vale5"), range(24)))
    assert sorted(found) == [401] * FREE + [429] * (24 - FREE)


def test_a_link_that_signs_in_once_does_so_over_both_consoles(consoles: Consoles) -> None:
    consoles.pages.put(person("new", "officer"))
    text = accounts.sign_in_link(
        consoles.pages.console.door("lee"),
        "new",
        consoles.pages.clock(),
        "in a test",
    )

    def use(number: int) -> bool:
        browser = consoles.browser(("a", "b")[number % 2])
        browser.client.post("/sign-in/link", data={"who": "new", "code": text})
        return browser.admitted("a")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(use, range(4))) == [False, False, False, True]


def test_a_passkeys_challenge_of_one_console_is_answered_once_at_either(consoles: Consoles) -> None:
    owner, device = signed_in(consoles, "vale6", "a"), Device(origin=consoles.address("b"))
    owner.at("a", "/account")
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', owner.page))
    asked = owner.client.post(f"{consoles.address('a')}/account/passkey/options", data={"csrf": csrf})
    made = device.make(asked.json()["challenge"])
    owner.send_to("b", "/account/passkey", credential=made, name="Phone", password=PASSWORD)
    assert owner.admitted("a"), owner.page

    fresh = consoles.browser()
    asked = fresh.client.post(f"{consoles.address('a')}/sign-in/passkey/options", data={"csrf": ""})
    answer = {"credential": device.use(asked.json()["challenge"]), "where": "/"}
    thief = consoles.browser()
    thief.client.cookies.update(fresh.client.cookies)
    fresh.client.post(f"{consoles.address('b')}/sign-in/passkey", data=answer)
    assert fresh.admitted("a")
    for which in ("a", "b"):
        refused = thief.client.post(f"{consoles.address(which)}/sign-in/passkey", data=answer)
        assert refused.status_code in (401, 403), which
        assert not thief.admitted(which)


def test_a_command_line_asks_at_one_console_and_is_allowed_at_the_other_once(consoles: Consoles) -> None:
    browser, terminal = signed_in(consoles, "ana", "a"), consoles.browser().client
    asked = terminal.post(
        f"{consoles.address('a')}/sign-in/device", data={"machine": "desk", "command": "sql"}
    ).json()
    browser.at("b", f"/account/terminal?code={asked['user_code']}")
    browser.send_to("b", "/account/terminal", code=asked["user_code"], decision="allow")
    assert "is signed in" in browser.page, browser.page
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    poll = {"grant_type": grant, "device_code": asked["device_code"]}
    found = [
        terminal.post(f"{consoles.address(which)}/sign-in/device/token", data=poll).json()
        for which in ("a", "b", "a")
    ]
    assert [one.get("who") for one in found] == ["ana", None, None], found


def test_a_change_at_one_console_is_undone_at_the_other_once(consoles: Consoles) -> None:
    admin = signed_in(consoles, "lee", "a")
    consoles.pages.put(RegistryRecord(kind="agency", id="county", name="Apache County"))
    admin.at("a", "/administration/agencies/county")
    admin.send_to("a", "/administration/agencies", id="county", title="Navajo County", state="AZ")
    assert "is changed" in admin.page, admin.page
    page, (name,) = admin.page, re.findall(r'name="undo" value="([^"]+)"', admin.page)
    admin.at("b", "/administration/agencies/county")
    assert "Navajo County" in admin.page, "the other console reads the registry again at once"
    assert admin.send_to("b", "/undo", undo=name).status_code == 200, admin.page
    assert "Apache County" in admin.page
    admin.page = page
    assert admin.send_to("a", "/undo", undo=name).status_code == 409


@pytest.mark.nightly
def test_a_file_that_waits_at_one_console_is_imported_at_the_other(consoles: Consoles) -> None:
    admin = signed_in(consoles, "lee", "a")
    admin.at("a", "/hotlist/import")
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]+)"', admin.page))
    file = FILE
    sent = admin.client.post(
        f"{consoles.address('a')}/hotlist/import",
        data={"csrf": csrf, "source": OWN.id, "layout": "csv"},
        files={"file": ("list.csv", file, "text/csv")},
    )
    admin._shown(sent)
    found = re.findall(r'name="upload" value="([^"]+)"', admin.page)
    assert found, admin.page
    answer = admin.send_to("b", "/hotlist/import/sure", upload=found[0], back="yes")
    assert (answer.status_code, "List imported" in admin.page) == (200, True), admin.page
    admin.at("a", "/hotlist")
    look_back = admin.send_to("a", "/hotlist/look-backs", entry="sjpd:26-77").url.path
    assert look_back.startswith("/hotlist/look-backs/")
    for which in ("a", "b"):
        assert admin.at(which, look_back).status_code == 200, "each console shows the look-back"


def on_shift(consoles: Consoles, who: str) -> Browser:
    browser = signed_in(consoles, who)
    browser.at("a", "/hits")
    browser.send_to("b", "/shift/begin", hours="8")
    return browser


class Stream(threading.Thread):
    """An open live page at one console. `hits` are the ids and numbers that came."""

    def __init__(self, consoles: Consoles, browser: Browser, which: str, after: str = "") -> None:
        super().__init__(daemon=True)
        self.hits: list[tuple[str, int]] = []
        self.open, self._stop = threading.Event(), threading.Event()
        self._address = f"{consoles.address(which)}/hits/live?after={after}"
        self._client = consoles.browser().client
        self._client.cookies.update(browser.client.cookies)
        self.start()
        assert self.open.wait(30)

    def run(self) -> None:
        with suppress(httpx.HTTPError), self._client.stream("GET", self._address) as answer:
            text = ""
            for part in answer.iter_text():
                text += part
                self.open.set()
                found = re.findall('"number": ([0-9]+), "hit": "([^"]+)"', text)
                self.hits = [(hit, int(number)) for number, hit in found]
                if self._stop.is_set():
                    return

    def stop(self) -> None:
        self._stop.set()


def publish_hit(consoles: Consoles, number: int) -> str:
    """A hit, on its topic and in its tables, as the match flow leaves it."""
    hit_id = put_hit(consoles.pages.database, number)
    seen = msgspec.structs.replace(FOUND.detection, captured_at=datetime.now(UTC))
    hit = msgspec.structs.replace(FOUND, hit_id=UUID(hit_id), detection=seen)
    consoles.pages.streams.append(topics.ALERT_HITS, [topics.ALERT_HITS.encode(hit)])
    return hit_id


@pytest.mark.nightly
def test_an_alert_comes_to_the_pages_of_both_consoles_under_one_number(consoles: Consoles) -> None:
    browser = on_shift(consoles, "vale1")
    with ExitStack() as stack:
        pages = {which: Stream(consoles, browser, which) for which in ("a", "b")}
        for one in pages.values():
            stack.callback(one.stop)
        first = publish_hit(consoles, 71)
        wait_until(lambda: all(one.hits for one in pages.values()), 60, "the alert is on both pages")
        assert pages["a"].hits == pages["b"].hits
        ((hit, number),) = pages["a"].hits
        assert hit == first
        consoles.kill("a")
        second = publish_hit(consoles, 72)
        wait_until(lambda: len(pages["b"].hits) == 2, 60, "the other console goes on")
        consoles.start("a")
        third = publish_hit(consoles, 73)
        # The page of the console that was killed comes to the other one, and has missed nothing.
        moved = Stream(consoles, browser, "b", after=str(number))
        stack.callback(moved.stop)
        wait_until(lambda: {second, third} <= {hit for hit, _ in moved.hits}, 60, "what it missed")
        numbers = [number for _hit, number in pages["b"].hits]
        assert numbers == sorted(set(numbers))


@pytest.mark.nightly
def test_a_device_is_connected_whichever_console_has_its_page(consoles: Consoles) -> None:
    browser = on_shift(consoles, "vale2")
    for which in ("a", "b"):
        answer = browser.client.post(f"{consoles.address(which)}/hits/here?sound=on")
        assert answer.status_code == 204
        there = presence.connected(consoles.pages.console.door(""), datetime.now(UTC))
        assert there["vale2"].sound
        for at in ("a", "b"):
            row = re.findall(r"<tr>.*?</tr>", browser.at(at, "/shift").text, re.DOTALL)
            assert any("vale2" in one and "connected" in one for one in row), browser.page
    browser.at("a", "/account")
    consoles.kill("b")
    browser.send_to("a", "/sign-out")
    consoles.start("b")
    assert "vale2" not in presence.connected(consoles.pages.console.door(""), datetime.now(UTC))


@pytest.mark.nightly
def test_a_step_at_one_console_is_shown_by_the_other_at_once(consoles: Consoles) -> None:
    browser = on_shift(consoles, "vale7")
    hit = put_hit(consoles.pages.database, 80)
    browser.at("a", f"/hits/{hit}")
    browser.send_to("a", f"/hits/{hit}/steps", kind="plate_and_state_confirmed")
    before = re.findall('name="kind" value="([^"]+)"', browser.at("a", f"/hits/{hit}").text)
    assert before
    assert re.findall('name="kind" value="([^"]+)"', browser.at("b", f"/hits/{hit}").text) == before
    assert "plate_and_state_confirmed" not in before


@pytest.mark.nightly
def test_pictures_and_older_pages_of_a_search_come_from_either_console(consoles: Consoles) -> None:
    hit = put_hit(consoles.pages.database, 81)
    browser = on_shift(consoles, "vale0")
    found = re.findall(r'src="(/pictures/[^"]+)"', browser.at("a", f"/hits/{hit}").text)
    assert found
    for which in ("b", "a"):
        answer = browser.client.get(consoles.address(which) + unescape(found[0]))
        assert answer.status_code == 200, which
