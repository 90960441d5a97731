"""Looks of the plates of six states: colors, words, the place of the tab, the sign between the groups.

The layouts follow what can be seen on the road; the pictures on them are our own and simplified. A style is
data only, `plates.py` draws it. Colors are blue, green, red (OpenCV's order), 0 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Bgr = tuple[int, int, int]
Symbol = Literal["", "dot", "sun", "arch", "star", "tab"]
Scenery = Literal["", "desert", "mountains"]


@dataclass(frozen=True)
class PlateStyle:
    """One state's plate. `split` says after how many characters the groups part; 0 sets them in one row."""

    state: str
    name: str
    slogan: str
    top: Bgr
    bottom: Bgr
    ink: Bgr
    name_ink: Bgr
    slogan_ink: Bgr
    symbol: Symbol = ""
    split: int = 0
    scenery: Scenery = ""
    script: bool = False
    tabs: tuple[tuple[float, float], ...] = ()
    """Centres of the registration tabs as fractions of width and height."""


STYLES: dict[str, PlateStyle] = {
    style.state: style
    for style in (
        PlateStyle("AZ", "ARIZONA", "GRAND CANYON STATE", (190, 172, 98), (118, 190, 246), (62, 70, 22),
                   (122, 116, 20), (62, 84, 26), scenery="desert", tabs=((0.085, 0.15),)),
        PlateStyle("CA", "California", "dmv.ca.gov", (244, 244, 244), (236, 236, 236), (112, 42, 22),
                   (44, 34, 196), (112, 42, 22), script=True, tabs=((0.1, 0.14), (0.9, 0.14))),
        PlateStyle("NM", "NEW MEXICO USA", "LAND OF ENCHANTMENT", (48, 204, 250), (48, 204, 250),
                   (34, 30, 176), (34, 30, 176), (34, 30, 176), symbol="sun", split=3, tabs=((0.92, 0.16),)),
        PlateStyle("UT", "UTAH", "LIFE ELEVATED", (250, 248, 246), (212, 176, 128), (84, 34, 20),
                   (132, 60, 20), (255, 255, 255), symbol="arch", split=3, scenery="mountains",
                   tabs=((0.09, 0.86), (0.91, 0.86))),
        PlateStyle("TX", "TEXAS", "THE LONE STAR STATE", (246, 246, 246), (240, 240, 240), (28, 26, 26),
                   (28, 26, 26), (28, 26, 26), symbol="star", split=3),
        PlateStyle("MO", "MISSOURI", "SHOW-ME STATE", (250, 250, 250), (206, 188, 146), (104, 48, 20),
                   (72, 110, 30), (104, 48, 20), symbol="tab", split=3, tabs=((0.12, 0.15),)),
    )
}  # fmt: skip


def style_of(state: str) -> PlateStyle:
    """The style of a state by its two letters; raises KeyError with the known ones."""
    try:
        return STYLES[state]
    except KeyError:
        raise KeyError(f"no plate style for {state!r}; known: {', '.join(sorted(STYLES))}") from None
