"""Makes the database's fixtures known here."""

from tests.support.database import database, empty_database, migrated

__all__ = ["database", "empty_database", "migrated"]
