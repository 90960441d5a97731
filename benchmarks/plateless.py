"""Pictures without a plate, to count plates that are read where none is: drawn, or cut from photographs."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

SIGNS = (
    "STOP", "SPEED LIMIT 45", "OPEN 24 HOURS", "ONE WAY", "NO PARKING", "EXIT 12", "MAIN ST", "SALE 50% OFF",
    "555-0142", "CAR WASH", "2026-05-04 18:21:07", "CAM 03", "US 191", "BUS STOP 7", "PIZZA",
    "TIRES & BRAKES", "1420", "UNIT 208", "REGULAR 3.49", "SCHOOL ZONE", "ROUTE 60", "FRESH COFFEE",
)  # fmt: skip
OTHER_SIGNS = (
    "LIQUOR", "MOTEL 6", "BAKERY", "24 HR TOWING", "NAILS", "PIER 39", "A1 AUTO", "TAX 2026", "B12", "DELI",
    "NO TURN", "K9 UNIT", "DOOR 4", "CLINIC", "ATM", "LANE 3", "FIRE DEPT", "ALE 77", "88104", "KINGS 4TH",
)  # fmt: skip
"""Written when the rules for signs were done, and looked at by none of them."""
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def drawn(count: int, seed: int = 7, signs: Sequence[str] = SIGNS) -> Iterator[Image]:
    """Street-like pictures (720 x 1280): sky, road, walls, windows, and signs with words and numbers."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _street(rng, signs)


def _street(rng: np.random.Generator, signs: Sequence[str]) -> Image:
    fade = np.linspace(0, 1, 720)[:, None, None]
    picture = np.repeat(rng.integers(90, 230, 3) * (1 - fade) + rng.integers(30, 110, 3) * fade, 1280, axis=1)
    image: Image = np.ascontiguousarray(picture.astype(np.uint8))
    for _ in range(int(rng.integers(3, 10))):
        _wall(image, rng)
    for _ in range(int(rng.integers(0, 5))):
        _sign(image, rng, str(rng.choice(signs)))
    light = rng.choice([0.35, 0.7, 1.0])
    noisy = image * light + rng.normal(0, rng.uniform(0, 8), image.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _wall(image: Image, rng: np.random.Generator) -> None:
    x, y = int(rng.integers(-50, 1200)), int(rng.integers(50, 500))
    w, h = int(rng.integers(80, 420)), int(rng.integers(60, 300))
    cv2.rectangle(image, (x, y), (x + w, y + h), tuple(map(int, rng.integers(20, 230, 3))), -1)
    pane = tuple(map(int, rng.integers(20, 230, 3)))
    for left in range(x + 12, x + w - 30, 46):
        cv2.rectangle(image, (left, y + 14), (left + 26, y + 48), pane, -1)


def _sign(image: Image, rng: np.random.Generator, text: str) -> None:
    font, size = int(rng.choice(FONTS)), float(rng.uniform(0.5, 2.2))
    (w, h), _ = cv2.getTextSize(text, font, size, 2)
    x, y = int(rng.integers(0, max(1270 - w, 1))), int(rng.integers(h + 10, 700))
    board, ink = (tuple(map(int, rng.integers(low, low + 90, 3))) for low in (160, 0))
    cv2.rectangle(image, (x - 8, y - h - 8), (x + w + 8, y + 10), board, -1)
    cv2.putText(image, text, (x, y), font, size, ink, 2, cv2.LINE_AA)


def background(image: Image, plate: tuple[int, int, int, int]) -> Image:
    """The largest upright part of a photograph beside the plate (x, y, width, height) and its frame."""
    x, y, w, h = plate
    top, bottom, left, right = y - h, y + 2 * h, x - w // 2, x + w + w // 2
    parts = [image[: max(top, 0)], image[bottom:], image[:, : max(left, 0)], image[:, right:]]
    return max(parts, key=lambda part: part.shape[0] * part.shape[1])
