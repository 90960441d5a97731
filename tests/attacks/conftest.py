"""Makes the engine behind its HTTP interface, and an agency that follows the order, known here."""

from tests.support.agency import agency, followed
from tests.support.engine import engine, own_engine

__all__ = ["agency", "engine", "followed", "own_engine"]
