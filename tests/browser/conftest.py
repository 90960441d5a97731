"""Makes the database's fixtures known here, with a browser and an agency's console to look at."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import chromium
from tests.support.console import Pages
from tests.support.kafka_broker import free_port
from tests.support.office import copied_office, office
from tests.support.served import served

SLOWEST = 30_000
"""Milliseconds that something may take to come into a page, where other tests keep the machine busy."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=SLOWEST)
    with chromium() as made:
        yield made


@pytest.fixture(scope="session")
def furnished(migrated: Path, run_folder: Path) -> Path:
    """The folder of an office, of which each file of tests has a copy."""
    folder = Path(mkdtemp(prefix="office", dir=run_folder))
    with office(migrated, folder):
        return folder


@pytest.fixture(scope="module")
def pages(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with copied_office(furnished, tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture(scope="module")
def console(pages: Pages) -> Iterator[str]:
    """Its address."""
    with served(pages.console, free_port()) as made:
        yield made
