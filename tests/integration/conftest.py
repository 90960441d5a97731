"""Makes the fixtures of the database, and of the engine behind its HTTP interface, known here."""

from tests.support.database import database, empty_database, migrated
from tests.support.engine import engine, own_engine

__all__ = ["database", "empty_database", "engine", "migrated", "own_engine"]
