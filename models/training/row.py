"""The serial's row: where each character stands, and drawing it as a die presses it."""

from dataclasses import dataclass

import numpy as np

from models.training.dice import Dice
from models.training.dies import dies
from models.training.emblems import Spot, between, emblem, stacked
from models.training.lettering import fonts, glyph, shaped
from models.training.paint import Colour, Mask, Picture, put, solid
from models.training.serials import Serial, split_of

ALIKE = {"O": "0", "I": "1"}
"""What dies of most states make alike."""
DRAWN = 0.5
"""Share of US plates in a drawn die, and not in a font."""
PAINTED_OVER = 0.2
"""Share of stacked letters that are."""
EMBLEM_ADVANCE = 0.85
"""Of the row's height: what an emblem takes up before what stands behind it begins."""


@dataclass(frozen=True)
class Aside:
    """Emblem or stacked letters beside the serial, both or none; widths in pixels."""

    emblem: float
    stacked: float
    left: bool
    """Left of the serial, else right."""
    apart: float = 0.0
    """Between the serial and what is beside it."""
    between: bool = False
    """Whether the emblem stands between the stacked letters and the serial; right of it it always does."""


@dataclass(frozen=True)
class Row:
    """All in pixels of the plate, already squeezed to its width."""

    text: str
    font: str
    top: int
    height: int
    lefts: tuple[float, ...]
    widths: tuple[int, ...]
    gap: float
    right: float
    opening: tuple[float, float] | None
    """Left end and width of the space between the groups, with half the gaps around it."""
    aside: Aside
    squeeze: float

    @property
    def rows(self) -> tuple[int, int]:
        return self.top, self.height

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the serial's characters."""
        return self.lefts[0], self.top, self.right, self.top + self.height

    @property
    def beside(self) -> tuple[float, float, float]:
        """Return the outer end of the row, the emblem's inner end and the serial's end."""
        emblem = EMBLEM_ADVANCE * self.height * self.squeeze if self.aside.emblem else 0.0
        if self.aside.left:
            outer = self.lefts[0] - self.aside.apart - self.aside.emblem - self.aside.stacked
            return outer, outer + emblem, self.lefts[0]
        inner = self.right + self.gap + self.aside.apart
        return inner + emblem + self.aside.stacked, inner + emblem, self.right

    @property
    def whole(self) -> tuple[float, float]:
        """Left and right end of the row with all that stands beside the serial."""
        outer, _, _ = self.beside
        return min(outer, self.lefts[0]), max(outer, self.right)

    @property
    def official(self) -> tuple[float, float]:
        """Left and right end of the serial with the small letters beside it, which are part of the number,
        and with an emblem only where that stands between.
        """
        outer, _, _ = self.beside
        if not self.aside.stacked:
            return self.lefts[0], self.right
        if self.aside.left:
            return outer if self.aside.between else self.beside[1], self.right
        return self.lefts[0], outer

    @property
    def emblem(self) -> tuple[float, float] | None:
        """Left and right end of the emblem at the row's end, if one is drawn and is not inside the number."""
        if not self.aside.emblem:
            return None
        if self.aside.stacked and (self.aside.between or not self.aside.left):
            return None
        if self.aside.left:
            return self.beside[0], self.beside[1]
        return (self.right, self.beside[0] + self.height * 0.2)


def lay_out(dice: Dice, serial: Serial, plate: tuple[int, int], band: bool) -> Row:
    """Sets a serial on a plate (height, width); `band` keeps the left end free for the EU's blue band."""
    us, text, (plate_height, plate_width) = serial.region == "us", serial.text, plate
    height = int(plate_height * (dice.uniform(0.36, 0.58) if us else dice.uniform(0.55, 0.75)))
    top = int((plate_height - height) / 2 + plate_height * dice.uniform(-0.05, 0.07))
    font = dice.choice(dies() if us and dice.chance(DRAWN) else fonts())
    gap = height * dice.uniform(0.06, 0.26)
    widths, cells = _widths(dice, text, font, height, us)

    split, opening = None, 0.0
    if len(text) >= 4 and dice.chance(0.6 if us else 0.75):
        split, opening = split_of(dice, text), height * dice.uniform(0.1, 0.8 if us else 0.45)
    emblem_width = height * dice.uniform(0.6, 1.1) if us and dice.chance(0.42) else 0.0
    stacked_width = height * dice.uniform(0.32, 0.45) if us and dice.chance(0.18) else 0.0
    apart = dice.choice((0.0, height * dice.uniform(0, 0.9))) if emblem_width or stacked_width else 0.0

    total = sum(cells) + gap * (len(text) - 1) + opening + emblem_width + stacked_width + apart
    room = plate_width * (dice.uniform(0.86, 0.97) if us else dice.uniform(0.72, 0.9))
    squeeze = min(1.0, room / total)
    aside = Aside(
        emblem_width * squeeze, stacked_width * squeeze, dice.chance(0.7), apart * squeeze, dice.chance(0.5)
    )
    x = _start(dice, plate_width, total * squeeze, band)
    if aside.left:
        x += aside.emblem + aside.stacked + aside.apart

    gap, opening, symbol, lefts, drawn = gap * squeeze, opening * squeeze, None, [], []
    for i, (width, cell) in enumerate(zip(widths, cells, strict=True)):
        if i == split:
            if opening > 0.18 * height * squeeze:
                symbol = (x - gap / 2, opening)
            x += opening
        drawn.append(max(2, round(width * squeeze)))
        lefts.append(x + (cell * squeeze - drawn[-1]) / 2)
        x += cell * squeeze + gap
    return Row(text, font, top, height, tuple(lefts), tuple(drawn), gap, x - gap, symbol, aside, squeeze)


def _widths(dice: Dice, text: str, font: str, height: int, us: bool) -> tuple[list[float], list[float]]:
    """Each character's own width, and the width of the cell it stands in: dies have cells of one width,
    printed plates give each character its own.
    """
    cell = dice.chance(0.75 if us else 0.35)
    aspect = dice.uniform(0.32, 0.56) if us else dice.uniform(0.42, 0.62)
    widths = []
    for character in text:
        mask = glyph(font, character)
        natural = mask.shape[1] / mask.shape[0]
        if not cell:
            share = natural * aspect / 0.5
        elif character in "1I":
            share = min(aspect, natural * dice.uniform(0.8, 1.3))
        else:
            share = aspect
        widths.append(max(2.0, share * height))
    return widths, [aspect * height] * len(text) if cell else widths


def _start(dice: Dice, plate_width: int, total: float, band: bool) -> float:
    """Return the beginning of the row, which on most plates is in the middle."""
    if band:
        return plate_width * 0.09 + dice.uniform(0, max(0, plate_width * 0.89 - total))
    spare = max(0, plate_width * 0.96 - total)
    off = dice.uniform(-0.5, 0.5) * dice.choice((0, 0, 0.3, 1))
    return (plate_width - total) / 2 + off * spare


def draw_row(dice: Dice, picture: Picture, row: Row, ink: Colour, us: bool) -> None:
    _draw_aside(dice, picture, row, ink)
    if row.opening is not None:
        between(dice, picture, row.opening, row.rows, ink, widest=row.opening[1] + row.gap)
    weight = dice.choice((-1, 0, 0, 0, 1, 1, 2))
    alike = ALIKE if us and dice.chance(0.6) else {}
    masks = [
        shaped(row.font, alike.get(character, character), width, row.height, weight)
        for character, width in zip(row.text, row.widths, strict=True)
    ]
    if dice.chance(0.6):
        _emboss(dice, picture, row, masks)
    for mask, left in zip(masks, row.lefts, strict=True):
        put(picture, mask, left, row.top, ink, dice.choice((1, 1, 0.85)))


def _emboss(dice: Dice, picture: Picture, row: Row, masks: list[Mask]) -> None:
    """A light and a dark edge, as light from one side gives pressed characters."""
    edge = dice.choice((-1, 1)) * dice.uniform(0.6, 2)
    for mask, left in zip(masks, row.lefts, strict=True):
        put(picture, mask, left - edge, row.top - abs(edge), 255, 0.5)
        put(picture, mask, left + edge, row.top + abs(edge), 30, 0.45)


def _draw_aside(dice: Dice, picture: Picture, row: Row, ink: Colour) -> None:
    aside = row.aside
    before = aside.emblem + aside.stacked + aside.apart
    left = row.lefts[0] - before if aside.left else row.right + row.gap + aside.apart
    if aside.left and aside.between:
        _draw_stacked(dice, picture, row, left, ink)
        _draw_emblem(dice, picture, row, left + aside.stacked, ink)
    else:
        _draw_emblem(dice, picture, row, left, ink)
        advance = row.height * EMBLEM_ADVANCE * row.squeeze if aside.emblem else 0.0
        _draw_stacked(dice, picture, row, left + advance, ink)


def _draw_emblem(dice: Dice, picture: Picture, row: Row, left: float, ink: Colour) -> None:
    if row.aside.emblem:
        width, height = int(row.height * 0.8 * row.squeeze) + 2, int(row.height * dice.uniform(0.8, 1.5))
        emblem(dice, picture, Spot(left, row.top + (row.height - height) / 2, width, height), ink)


def _draw_stacked(dice: Dice, picture: Picture, row: Row, left: float, ink: Colour) -> None:
    """Now and then as the reader leaves them that has read them by themselves: painted over."""
    if not row.aside.stacked:
        return
    beside = picture[row.top : row.top + row.height, max(0, int(left)) : int(left + row.aside.stacked) + 1]
    if dice.chance(PAINTED_OVER) and beside.size:
        wide = int(row.aside.stacked) + 2
        put(picture, solid(row.height, wide), left, row.top, np.median(beside, axis=(0, 1)))
    else:
        stacked(dice, picture, left, row.rows, row.font, ink, row.squeeze)
