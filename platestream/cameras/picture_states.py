"""States of a camera's picture."""

from typing import Literal

PictureState = Literal["", "learning", "good", "moved", "blurred", "dark", "covered"]
"""State of a camera's picture; empty where it is not known."""
FAULTS: tuple[PictureState, ...] = ("moved", "blurred", "dark", "covered")
