"""Photographs and pictures to draw scenes before: those that lie in packages of Debian (`make localiser`)."""

import re
from pathlib import Path

import cv2
import numpy as np

from platestream.reading.geometry import Image

LONGEST = 1200
"""Pixels to which a picture is shrunk."""
SMALLEST = 200
KINDS = frozenset((".jpg", ".jpeg", ".png", ".webp"))
LEFT_OUT = re.compile(
    r"/html/|licenseplate|alphabet|chessboard|/(left|right)\d*\.jpg|segmented|mask|screenshot", re.IGNORECASE
)
"""A plate, which would teach that it is none; drawn letters and manuals; the same chessboard 26 times."""


def photographs(folder: Path) -> list[Image]:
    """The pictures of a folder, however deep, by their paths; of one wallpaper in several sizes one."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in KINDS]
    one_each = {_picture(path): path for path in paths if not LEFT_OUT.search(str(path))}
    return [image for path in one_each.values() if (image := _loaded(path)) is not None]


def _picture(path: Path) -> Path:
    """Return the name of a file's picture: wallpapers for Plasma lie in `contents/images`, named by size."""
    return path.parent if path.parent.name.startswith("images") else path


def _loaded(path: Path) -> Image | None:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None or min(image.shape[:2]) < SMALLEST:
        return None
    scale = min(1.0, LONGEST / max(image.shape[:2]))
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
