"""The terms of use that stand on the pages of sign-in."""

import re
from pathlib import Path

import pytest

from platestream.access import profiles, rules_in_force
from tests.support.console import Pages
from tests.support.door import door_of, person

PATHS = ["/sign-in", "/sign-in/link?who=vale&code=none"]


@pytest.mark.parametrize("path", PATHS)
def test_who_signs_in_reads_what_use_means(pages: Pages, path: str) -> None:
    pages.staff(person("vale", "officer"))
    browser = pages.browser()
    browser.get(path)
    text = re.sub(r"\s+", " ", browser.page)
    for said in (
        "restricted system of St. Johns Police Department",
        "monitored, recorded and audited",
        "criminal and civil penalties",
        "you consent to monitoring and recording",
    ):
        assert said in text


@pytest.mark.parametrize("path", PATHS)
def test_an_agency_has_its_own_text_which_is_no_markup(pages: Pages, tmp_path: Path, path: str) -> None:
    pages.staff(person("lee", "administrator"))
    own = tmp_path / "own.toml"
    order = (Path(profiles.__file__).parent / "st-johns.toml").read_text()
    notice = 'second_factor = "nobody"\nnotice = "Use is <b>recorded</b>, by <order> 7"\n'
    own.write_text(order.replace('second_factor = "everybody"\n', notice))
    rules_in_force.put_in_force(door_of(pages.database, "lee", data=pages.data), str(own), "Chief of Police")
    pages.console.forget()
    browser = pages.browser()
    browser.get(path)
    assert "Use is &lt;b&gt;recorded&lt;/b&gt;, by &lt;order&gt; 7" in browser.page
    assert "restricted system" not in browser.page


def test_the_page_opens_without_the_rules_and_has_the_notice(pages: Pages) -> None:
    pages.database.client().command("TRUNCATE TABLE platestream.gate_rules")
    browser = pages.browser()
    browser.get("/sign-in")
    assert "restricted system of a law enforcement agency" in browser.page
