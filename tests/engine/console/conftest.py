"""Makes a console on the database known here."""

from pathlib import Path

import pytest

from tests.support.console import Pages, Person
from tests.support.database import Database
from tests.support.door import person
from tests.support.listing import lister
from tests.support.searching import camera

__all__ = ["lister"]


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """A console whose registry has nobody yet."""
    return Pages(database, tmp_path / "data")


@pytest.fixture
def analyst(pages: Pages) -> Person:
    """Ana, with two cameras."""
    pages.staff(person("ana", "analyst"), person("cust", "custodian"), person("aud", "auditor"))
    pages.put(camera("north", 34.51), camera("south", 34.49))
    browser = pages.browser("ana")
    browser.get("/search")
    return browser
