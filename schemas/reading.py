"""What a picture gave: plates as read, with where, how sure, and what else they might be."""

from dataclasses import dataclass

GLYPHS: tuple[str, ...] = (
    "",
    *"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz -.·",
    "\N{REPLACEMENT CHARACTER}",
)
"""What the columns of a line's character probabilities stand for: the blank between characters first, then
what plates and state names are made of, last everything else together (symbols, other scripts)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One string a plate may carry: `plate` is A-Z and 0-9 only, upper case; `confidence` 0 to 1."""

    plate: str
    confidence: float


@dataclass(frozen=True, slots=True)
class PlateRead:
    """One plate in one picture.

    `confidence` is the calibrated chance that `plate` is right to the last character;
    `state` is the two-letter postal code of the state of issue, or None where the picture does not tell;
    `box` is x, y, width, height in pixels of the picture; `alternatives` are other readings, best first,
    without `plate` itself; `char_confidences` has one number (0 to 1) a character of `plate`; `stacked` are
    the small letters before and behind the serial in full-size characters; `plate` begins and ends with them.
    """

    plate: str
    confidence: float
    state: str | None
    state_confidence: float
    box: tuple[int, int, int, int]
    alternatives: tuple[Reading, ...]
    char_confidences: tuple[float, ...]
    stacked: tuple[str, str] = ("", "")

    @property
    def serial(self) -> str:
        """The plate without its small letters."""
        before, behind = self.stacked
        return self.plate[len(before) : len(self.plate) - len(behind)]
