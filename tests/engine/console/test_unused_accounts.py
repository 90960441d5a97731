"""Accounts that nobody uses any more, as the list of people shows them."""

import re
from datetime import timedelta

from tests.support.console import Pages
from tests.support.door import person


def test_an_account_that_nobody_used_for_90_days_is_named(pages: Pages) -> None:
    pages.staff(person("lee", "administrator"), person("smith", "officer"), person("jones", "officer"))
    old = pages.clock() - timedelta(days=91)
    pages.console.known_devices.remember("smith", "", "Chrome on Android", old)
    browser = pages.browser()
    browser.sign_in("lee")
    browser.get("/administration/people")
    rows = re.findall(r"<tr[^>]*>\s*<th scope=\"row\">.*?</tr>", browser.page, re.DOTALL)
    said = {re.search(r"<small>([a-z]+)", row).group(1): "unused for 90 days" in row for row in rows}  # type: ignore[union-attr]
    assert said == {"jones": False, "lee": False, "smith": True}
