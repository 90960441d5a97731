"""The first hour in the browser: a link that signs in once, and the set-up of an agency."""

import re
from datetime import UTC, datetime

import pytest

from platestream.access import accounts, registry
from platestream.access.inquire import RefusedInquiry
from platestream.access.recovery import status
from platestream.policy.checks import sign_ins
from platestream.policy.checks.context import CheckData
from platestream.schemas.message import RefusedError
from tests.support.clock import NOW
from tests.support.console import PASSWORD, Pages, Person
from tests.support.door import person

FOUND = {
    "agency_name": "St. Johns Police Department",
    "agency": "sjpd",
    "state": "az",
    "title": "Cmdr. R. Ortiz",
    "employee_number": "12",
    "sworn": "yes",
    "trained": f"{NOW:%Y-01-15}",
    "password": PASSWORD,
    "again": PASSWORD,
}


def follow_link(pages: Pages, who: str, browser: Person | None = None, code: str = "") -> Person:
    """Make a link of `who` as the command does, or take its `code`, and click on its button."""
    code = code or accounts.sign_in_link(pages.console.door("ortiz"), who, pages.clock(), "at a test")
    browser = browser or pages.browser()
    browser.get("/sign-in/link", params={"who": who, "code": code})
    assert f"Sign in as {who}" in browser.page
    browser._shown(browser.client.post("/sign-in/link", data={"who": who, "code": code}))
    return browser


def test_the_first_person_sets_the_agency_up_in_the_browser(pages: Pages) -> None:
    ortiz = follow_link(pages, "ortiz")
    assert "Set up your agency" in ortiz.page
    ortiz.send("/setup", **FOUND, role=["officer"])
    (code,) = re.findall(r'<p class="code">([^<]+)</p>', ortiz.page)
    assert len(code.replace("-", "")) == 26
    assert status(pages.console.door("ortiz")).founded
    made = registry.records_of(pages.streams, "user")["ortiz"]
    assert made.roles == ("officer", "administrator")
    assert registry.records_of(pages.streams, "agency")["sjpd"].own
    ortiz.get("/setup")
    assert code not in ortiz.page
    assert 'People</a></th><td data-label="Status">open' in ortiz.page
    ortiz.send("/setup/rules", profile="oregon", by="Chief Yazzie")
    assert pages.console.door("ortiz").rules.name == "oregon"
    assert pages.browser("ortiz").get("/").url.path == "/hits"


def test_the_set_up_is_offered_to_nobody_else_and_never_twice(pages: Pages) -> None:
    pages.staff(person("lee", "administrator"), person("vale", "officer"))
    lee = pages.browser("lee")
    lee.get("/setup")
    assert "Set up your agency" not in lee.page
    assert lee.send("/setup", **{**FOUND, "agency": "other"}).status_code in (403, 409)
    vale = pages.browser("vale")
    assert vale.get("/setup").status_code == 200
    assert vale.send("/setup", **{**FOUND, "agency": "other"}).status_code in (403, 409)
    assert set(registry.records_of(pages.streams, "agency")) == {"sjpd"}


def test_a_link_signs_in_once_within_the_hour_and_both_are_logged(pages: Pages) -> None:
    pages.staff(person("ortiz", "administrator"))
    pages.put(person("vale", "officer"))
    code = accounts.sign_in_link(pages.console.door("ortiz"), "vale", pages.clock(), "at a test")
    checked = CheckData.of(pages.console.door("ortiz"), datetime.now(UTC))
    assert "a code" not in "; ".join(sign_ins.sign_ins(checked).faults)
    assert follow_link(pages, "vale", code=code).get("/hits").url.path == "/hits"
    again = follow_link(pages, "vale", code=code)
    assert "This link was already used or has expired" in again.page
    assert again.get("/hits").url.path == "/sign-in"
    rows = pages.database.rows(
        "SELECT kind, who FROM platestream.inquiry_log "
        "WHERE kind IN ('account_code', 'account_redeem') AND outcome = 'allowed' ORDER BY at"
    )
    assert rows == [("account_code", "ortiz"), ("account_redeem", "vale")]
    late = accounts.sign_in_link(pages.console.door("ortiz"), "vale", pages.clock(), "at a test")
    pages.clock.forward(minutes=61)
    assert "has expired" in follow_link(pages, "vale", code=late).page


def test_a_link_is_for_people_without_a_password_and_by_an_administrator(pages: Pages) -> None:
    pages.staff(person("ortiz", "administrator"), person("vale", "officer"))
    with pytest.raises(RefusedError, match="has a password"):
        accounts.sign_in_link(pages.console.door("ortiz"), "vale", NOW, "at a test")
    with pytest.raises(RefusedInquiry):
        accounts.sign_in_link(pages.console.door("vale"), "nez", NOW, "at a test")


def test_a_link_sets_no_password_and_a_code_signs_nobody_in(pages: Pages) -> None:
    pages.staff(person("ortiz", "administrator"))
    pages.put(person("vale", "officer"))
    code = accounts.sign_in_link(pages.console.door("ortiz"), "vale", pages.clock(), "at a test")
    fields = {"who": "vale", "code": code, "password": PASSWORD, "again": PASSWORD}
    assert pages.browser().client.post("/redeem", data=fields).status_code == 401
    code, _made = accounts.invite(pages.console.door("ortiz"), "vale", pages.clock())
    assert "has expired" in follow_link(pages, "vale", code=code).page


def test_an_invitation_link_leads_to_the_filled_form(pages: Pages) -> None:
    pages.staff(person("lee", "administrator"), person("vale", "officer"))
    lee = pages.browser("lee")
    lee.get("/administration/people/vale")
    lee.send("/administration/people/code", id="vale")
    (link,) = re.findall(r"<code>(https://localhost/redeem[^<]+)</code>", lee.page)
    vale = pages.browser()
    vale.get(link.replace("&amp;", "&"))
    assert 'name="who" value="vale"' in vale.page
    (code,) = re.findall(r'name="code" value="([^"]+)"', vale.page)
    fields = {
        "who": "vale",
        "code": code,
        "password": "another good password",
        "again": "another good password",
    }
    assert "Your password is set" in vale.client.post("/redeem", data=fields).text
