"""Makes a console on the database known here."""

from pathlib import Path

import pytest

from tests.support.console import Pages
from tests.support.database import Database


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """A console whose registry has nobody yet."""
    return Pages(database, tmp_path / "data")
