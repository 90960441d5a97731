"""Queries of the database for each page: an act costs about 100 ms, and each further query 10 to 50 ms."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from platestream.web import cookies
from tests.support.console import Pages, Person
from tests.support.door import person
from tests.support.office import CASE, HIT, office

QUERIES = {
    "/hits": 2,
    "/hits?list=historical": 2,
    f"/hits/{HIT}": 2,
    "/hits/look": 0,
    "/search": 0,
    "/account": 0,
    "/hotlist": 2,
    "/hotlist/new": 0,
    "/administration/people": 2,
    "/administration/people/vale": 2,
    "/administration/agencies": 2,
}
"""Of each page: its act with its judgment, and one query of data, where the data is in the database."""


@pytest.fixture(scope="module")
def pages(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with office(migrated, tmp_path_factory.mktemp("queries")) as made:
        made.put(person("everything"))
        yield made


@pytest.fixture(scope="module")
def browser(pages: Pages) -> Person:
    token, session = pages.console.sessions.begin("everything", pages.clock())
    browser = pages.browser()
    browser.client.cookies.set(cookies.COOKIE, token)
    browser.client.post("/shift/begin", data={"csrf": session.csrf, "hours": "8", "case_number": CASE})
    later = pages.clock() + timedelta(seconds=2)  # after the shift began, by the clock of the database
    pages.console.clock = lambda: later  # else registry and rules are read again every two seconds
    return browser


def queries(pages: Pages) -> int:
    """The number of queries that the engine has answered, this one included."""
    return int(pages.database.value("SELECT value FROM system.events WHERE event = 'Query'"))


@pytest.mark.parametrize("path", QUERIES)
def test_a_page_asks_no_more_than_it_shows(pages: Pages, browser: Person, path: str) -> None:
    browser.get(path)  # opens connections
    made = []
    for _look in range(2):  # pairs found wrong are read again once a minute, which may be in one of them
        before = queries(pages)
        answer = browser.get(path)
        made.append(queries(pages) - before - 1)
        assert (answer.status_code, answer.url.path) == (200, path.partition("?")[0])
    assert min(made) == QUERIES[path]
