"""Makes an agency that follows the order, and a station under a state's law, known here."""

from tests.support.agency import agency, followed
from tests.support.station import under

__all__ = ["agency", "followed", "under"]
