"""Makes the engine behind its HTTP interface known here."""

from tests.support.engine import engine, own_engine

__all__ = ["engine", "own_engine"]
