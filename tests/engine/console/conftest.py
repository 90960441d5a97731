"""Makes the database's fixtures known here, and a console on them."""

from pathlib import Path

import pytest

from tests.support.console import Pages
from tests.support.database import Database, database, empty_database, migrated

__all__ = ["database", "empty_database", "migrated"]


@pytest.fixture
def pages(database: Database, tmp_path: Path) -> Pages:
    """A console whose registry has nobody yet."""
    return Pages(database, tmp_path / "data")
