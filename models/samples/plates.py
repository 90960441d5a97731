"""Draws one licence plate, flat and from the front: 12 by 6 inches, 60 pixels an inch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.samples import glyphs
from models.samples.plate_art import SCENERY, SYMBOLS, ink, tab
from models.samples.plate_styles import Bgr, PlateStyle, style_of

Image = NDArray[np.uint8]
Rows = Literal["one", "stacked", "two"]

WIDTH, HEIGHT = 720, 360
"""Pixels of the drawn plate."""

WIDTH_M, HEIGHT_M = 0.305, 0.152
"""Metres of the real one."""

SERIAL_TOP, SERIAL_H = 96, 168


@dataclass(frozen=True)
class PlateLook:
    """Text and state of a plate, and its wear.

    `rows`: "one" row; "stacked" sets the first two characters small, one above the other, before the rest;
    "two" breaks the serial into two rows. `dirt` and `fade` go from 0 (new) to 1 (hardly readable). `frame`
    puts the black dealer's frame around it, which hides part of name and slogan. `bold`, 0 to 1, is how
    strongly the state's own picture and symbol stand beside the serial, where a reader may take them for a
    character.
    """

    text: str
    state: str = "AZ"
    rows: Rows = "one"
    dirt: float = 0.0
    fade: float = 0.0
    frame: bool = False
    tabs: bool = True
    bold: float = 0.4


def draw_plate(look: PlateLook, rng: np.random.Generator) -> Image:
    """The plate as BGRA (360, 720, 4) uint8, with round corners in the alpha channel."""
    style = style_of(look.state)
    plate = _background(style)
    if style.scenery:
        SCENERY[style.scenery](plate, look.bold)
    _words(plate, style)
    _serial(plate, look, style)
    if look.tabs:
        for x, y in style.tabs:
            tab(plate, round(x * WIDTH), round(y * HEIGHT), rng)
    _rim(plate, look.frame)
    return _finish(_age(plate, look, rng))


def _background(style: PlateStyle) -> Image:
    blend = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    top, bottom = np.array(style.top, np.float32), np.array(style.bottom, np.float32)
    if style.scenery == "desert":  # pale in the middle, where the serial stands
        middle = np.array([226, 232, 236], np.float32)
        upper = top + (middle - top) * np.clip(blend / 0.42, 0, 1)
        column = np.where(
            blend < 0.42, upper, middle + (bottom - middle) * np.clip((blend - 0.42) / 0.42, 0, 1)
        )
    else:
        column = top + (bottom - top) * np.clip((blend - 0.25) / 0.75, 0, 1)
    return np.repeat(column.astype(np.uint8), WIDTH, axis=1)


def _words(plate: Image, style: PlateStyle) -> None:
    if style.script:
        name = glyphs.printed(style.name, 74, stroke=3, spacing=-4, slant=0.28)
        ink(plate, name, WIDTH // 2 - name.shape[1] // 2, 14, style.name_ink)
    else:
        name = glyphs.fit(style.name, 46, 400, stroke=7, spacing=26)
        left = WIDTH // 2 - name.shape[1] // 2
        halo = np.asarray(cv2.dilate(name, np.ones((5, 5), np.uint8)), np.uint8)
        ink(plate, halo, left, 24, (250, 250, 250), 0.7)
        ink(plate, name, left, 24, style.name_ink)
    slogan = glyphs.fit(style.slogan, 27, 320, stroke=5, spacing=12)
    centre = 490 if style.scenery == "desert" else WIDTH // 2
    ink(plate, slogan, centre - slogan.shape[1] // 2, 312, style.slogan_ink)


def _serial(plate: Image, look: PlateLook, style: PlateStyle) -> None:
    if look.rows == "two":
        half = (len(look.text) + 1) // 2
        _row(plate, look.text[:half], style.ink, (130, 590), 74, 108, 0.95)
        _row(plate, look.text[half:], style.ink, (130, 590), 196, 108, 0.95)
        return
    text, left = look.text, 92 if style.scenery == "desert" else 52
    if look.rows == "stacked":
        for i, letter in enumerate(text[:2]):
            _emboss(plate, glyphs.stamped(letter, 52, 76), left, SERIAL_TOP + 8 + 84 * i, style.ink)
        text, left = text[2:], left + 78
    if style.symbol and look.rows == "one" and 0 < style.split < len(text):
        _grouped(plate, look, style, left)
    else:
        _row(plate, text, style.ink, (left, WIDTH - 46), SERIAL_TOP, SERIAL_H)


def _grouped(plate: Image, look: PlateLook, style: PlateStyle, left: int) -> None:
    """Two groups with the state's symbol between them; the symbol takes the width of one character."""
    text = look.text
    step = (WIDTH - 46 - left) / (len(text) + 1)
    head = left + round(step * style.split)
    _row(plate, text[: style.split], style.ink, (left, head), SERIAL_TOP, SERIAL_H)
    _symbol(plate, look, style, head + round(step / 2))
    _row(plate, text[style.split :], style.ink, (head + round(step), WIDTH - 46), SERIAL_TOP, SERIAL_H)


def _symbol(plate: Image, look: PlateLook, style: PlateStyle, x: int) -> None:
    """The symbol between the groups, printed the paler the less `bold` the plate is."""
    printed = plate.copy()
    SYMBOLS[style.symbol](printed, x, SERIAL_TOP + SERIAL_H // 2)
    share = 0.4 + 0.6 * look.bold
    plate[:] = cv2.addWeighted(printed, share, plate, 1 - share, 0)


def _row(
    plate: Image, text: str, colour: Bgr, span: tuple[int, int], top: int, height: int,
    widest: float = 0.62,
) -> None:  # fmt: skip
    """Characters in equal cells, no wider than `widest` of their height, centred within `span` (px)."""
    step = min((span[1] - span[0]) / len(text), height * widest)
    start = (span[0] + span[1]) / 2 - step * len(text) / 2
    width = round(step * 0.78)
    for i, letter in enumerate(text):
        _emboss(plate, glyphs.stamped(letter, width, height), round(start + step * (i + 0.11)), top, colour)


def _emboss(plate: Image, mask: glyphs.Mask, x: int, y: int, colour: Bgr) -> None:
    """A raised character: light from above leaves a bright edge at the top left and a dark one below."""
    ink(plate, mask, x - 3, y - 3, (255, 255, 255), 0.5)
    ink(plate, mask, x + 3, y + 4, (70, 70, 70), 0.45)
    ink(plate, mask, x, y, colour)


def _rim(plate: Image, frame: bool) -> None:
    cv2.rectangle(plate, (9, 9), (WIDTH - 10, HEIGHT - 10), (250, 250, 250), 3, cv2.LINE_AA)
    cv2.rectangle(plate, (12, 12), (WIDTH - 7, HEIGHT - 7), (150, 150, 150), 2, cv2.LINE_AA)
    if frame:
        cv2.rectangle(plate, (0, 0), (WIDTH - 1, HEIGHT - 1), (26, 24, 24), 34, cv2.LINE_AA)
        cv2.rectangle(plate, (0, HEIGHT - 44), (WIDTH - 1, HEIGHT - 1), (26, 24, 24), -1)
    for x in (170, WIDTH - 170):
        for y in (26, HEIGHT - 26):
            cv2.circle(plate, (x, y), 9, (120, 122, 124), -1, cv2.LINE_AA)
            cv2.circle(plate, (x - 2, y - 2), 4, (196, 196, 196), -1, cv2.LINE_AA)


def _age(plate: Image, look: PlateLook, rng: np.random.Generator) -> Image:
    """Sun takes the contrast (`fade`), the road puts brown patches over it (`dirt`)."""
    picture = plate.astype(np.float32)
    if look.fade:
        picture += (np.array([206, 210, 212], np.float32) - picture) * (0.75 * look.fade)
    if look.dirt:
        coarse = rng.random((9, 18), dtype=np.float32)
        fine = rng.random((60, 120), dtype=np.float32)
        cloud = 0.7 * cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        cloud += 0.3 * cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        low = np.linspace(0, 0.25, HEIGHT, dtype=np.float32)[:, None]
        cover = np.clip((cloud + low - 0.95 + 0.6 * look.dirt) * 2.2, 0, 0.9)[..., None]
        picture += (np.array([74, 100, 122], np.float32) - picture) * cover
    return np.clip(picture, 0, 255).astype(np.uint8)


def _finish(plate: Image) -> Image:
    """Adds the alpha channel with round corners (radius 24 px)."""
    alpha: Image = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.rectangle(alpha, (24, 0), (WIDTH - 25, HEIGHT - 1), (255,), -1)
    cv2.rectangle(alpha, (0, 24), (WIDTH - 1, HEIGHT - 25), (255,), -1)
    for x in (24, WIDTH - 25):
        for y in (24, HEIGHT - 25):
            cv2.circle(alpha, (x, y), 24, (255,), -1, cv2.LINE_AA)
    return np.dstack([plate, alpha])
