"""Result of reading a picture: plates with their position, confidence and alternatives."""

from dataclasses import dataclass

GLYPHS: tuple[str, ...] = (
    "",
    *"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -.·",
    "\N{REPLACEMENT CHARACTER}",
)
"""Columns of a line's character probabilities: the blank between characters, then the characters of plates
and state names, last all others together (symbols, other scripts)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One possible text of a plate: `plate` is A-Z and 0-9 only, upper case; `confidence` is 0 to 1."""

    plate: str
    confidence: float


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One plate in one picture.

    `confidence` is the calibrated probability that `plate` is right to the last character. `state` is the
    two-letter postal code of the state of issue, or None if the picture does not show it. `box` is x, y,
    width, height in pixels of the picture. `alternatives` are other readings, best first, without `plate`
    itself. `char_confidences` has one number (0 to 1) for each character of `plate`. `stacked` are the small
    letters before and behind the full-size serial; `plate` begins and ends with them. `words` are the texts
    above and below the serial. `followed`: in this picture the plate was only found again; it was read in an
    earlier one of the same camera.
    """

    plate: str
    confidence: float
    state: str | None
    state_confidence: float
    box: tuple[int, int, int, int]
    alternatives: tuple[Reading, ...]
    char_confidences: tuple[float, ...]
    stacked: tuple[str, str] = ("", "")
    words: tuple[str, ...] = ()
    followed: bool = False

    @property
    def serial(self) -> str:
        """The plate without its small letters."""
        before, behind = self.stacked
        return self.plate[len(before) : len(self.plate) - len(behind)]
