"""Who gets in, for how long, and what a page that is not ours achieves."""

import re
from datetime import timedelta

import pytest

from platestream.access import shifts
from platestream.runtime.login_attempts import FREE
from platestream.web.headers import HEADERS
from tests.support.console import PASSWORD, Pages
from tests.support.door import person


def test_nobody_sees_a_page_without_signing_in_and_is_back_there_afterwards(pages: Pages) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser()
    asked = browser.get("/hits?status=confirmed")
    assert asked.url.path == "/sign-in"
    where = re.findall(r'name="next" value="([^"]*)"', browser.page)
    assert where == ["/hits?status=confirmed"]
    assert browser.sign_in("vale", where=where[0]).url.path == "/hits"
    assert "Start shift" in browser.page


@pytest.mark.parametrize(
    "where", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"]
)
def test_signing_in_leads_nowhere_else(pages: Pages, where: str) -> None:
    pages.staff(person("vale", "officer"))
    assert pages.browser().sign_in("vale", where=where).url.host == "localhost"


def test_wrong_passwords_are_slowed_down_and_say_nothing_of_who_exists(pages: Pages) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser()
    for who in ("vale", "nobody"):
        answers = [browser.sign_in(who, f"wrong password {number}") for number in range(FREE + 1)]
        assert [one.status_code for one in answers[:2]] == [401, 401]
        assert answers[-1].status_code == 429
    assert browser.sign_in("vale").status_code == 429
    pages.clock.forward(minutes=16)
    assert browser.sign_in("vale").status_code == 200


def test_a_session_ends_after_half_an_hour_without_a_request(pages: Pages) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser("vale")
    for _quarter in range(3):
        pages.clock.forward(minutes=20)
        assert browser.get("/hits").url.path == "/hits"
    pages.clock.forward(minutes=31)
    assert browser.get("/hits").url.path == "/sign-in"


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(pages: Pages) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser("vale")
    kept = dict(browser.client.cookies)
    browser.get("/hits")
    browser.send("/sign-out")
    assert "You are signed out" in browser.page or browser.get("/hits").url.path == "/sign-in"
    browser.client.cookies.update(kept)
    assert browser.get("/hits").url.path == "/sign-in"


@pytest.mark.parametrize(
    ("headers", "proof"),
    [
        ({"origin": "https://elsewhere.example"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({}, False),
    ],
)
def test_a_form_of_another_site_does_nothing(pages: Pages, headers: dict[str, str], proof: bool) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser("vale")
    browser.get("/hits")
    (csrf, *_same) = re.findall(r'name="csrf" value="([^"]+)"', browser.page)
    sent = browser.client.post(
        "/shift/begin", data={"csrf": csrf if proof else "", "hours": "8"}, headers=headers
    )
    assert sent.status_code == 403
    assert pages.database.value("SELECT count() FROM platestream.registry WHERE kind = 'shift'") == 0


def test_every_answer_carries_what_keeps_others_out_and_the_cookie_is_for_this_host_alone(
    pages: Pages,
) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser()
    answer = browser.client.post(
        "/sign-in", data={"who": "vale", "password": PASSWORD, "next": "/"}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in cookie
    for path in ("/", "/hits", "/sign-in", "/nothing", "/static/console.css"):
        asked = browser.client.get(path)
        assert HEADERS.items() <= dict(asked.headers.multi_items()).items() or all(
            asked.headers[name] == value for name, value in HEADERS.items()
        )
        assert "unsafe" not in asked.headers["content-security-policy"]
    assert browser.client.get("/hits").headers["cache-control"] == "no-store"


def test_another_name_of_the_host_is_refused(pages: Pages) -> None:
    assert pages.browser().client.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_a_shift_that_a_supervisor_ended_ends_the_session(pages: Pages) -> None:
    pages.staff(person("vale", "officer"), person("maier", "supervisor"))
    browser = pages.browser("vale")
    browser.get("/hits")
    browser.send("/shift/begin", hours="8")
    assert "On shift until" in browser.page
    shifts.log_out(pages.console.door("maier"), pages.clock(), "vale")
    pages.clock.forward(seconds=timedelta(seconds=3).total_seconds())
    assert browser.get("/hits").url.path == "/sign-in"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://elsewhere.example"}, 403),
        ({"content-length": "20000000"}, 413),
        ({"transfer-encoding": "chunked"}, 413),
    ],
)
def test_a_form_of_somebody_unknown_is_small_and_of_this_site(
    pages: Pages, headers: dict[str, str], status: int
) -> None:
    body = iter([b"who=vale&password=" + b"x" * 2_000_000]) if "transfer-encoding" in headers else b"who=vale"
    typed = {"content-type": "application/x-www-form-urlencoded", **headers}
    answer = pages.browser().client.post("/sign-in", content=body, headers=typed)
    assert answer.status_code == status
