"""The command: fine-tunes the detector to find serials in drawn scenes, or shows what is drawn.

python -m models.training.locate --minutes 42 --photographs DIR --out serials.onnx [--start earlier.onnx
--rate 4e-4] python -m models.training.locate --look sheet.png [--photographs DIR]
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from models.training.dice import Dice
from models.training.photographs import photographs
from models.training.scenes import Scene, draw_scene
from platestream.reading.geometry import Image

SHOWN, ACROSS = 24, 6
"""Scenes on a contact sheet, and in a row of it."""
GREEN, VIOLET = (0, 255, 0), (255, 0, 255)


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = _parser().parse_args(arguments)
    if asked.look:
        look(asked.look, asked.seed, photographs(asked.photographs) if asked.photographs else [])
        return 0
    cv2.setNumThreads(1)
    from models.training.locating import Plan, fit  # torch is not there where scenes are only looked at

    fit(
        Plan(
            asked.minutes, asked.out, asked.photographs, asked.start, asked.rate, asked.seed, asked.threads,
            asked.learnt,
        )
    )  # fmt: skip
    return 0


def look(path: Path, seed: int, behind: Sequence[Image]) -> None:
    """Writes a sheet of the seed's first scenes, serials in green, what may count as such in violet."""
    dice = Dice(seed)
    tiles = [_marked(draw_scene(dice, behind)) for _ in range(SHOWN)]
    rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, SHOWN, ACROSS)]
    if not cv2.imwrite(str(path), np.vstack(rows)):
        raise OSError(f"{path} cannot be written")


def _marked(scene: Scene) -> Image:
    image = scene.image.copy()
    for corners, colour in ((scene.serials, GREEN), (scene.either, VIOLET)):
        cv2.polylines(image, [quad.astype(np.int32) for quad in corners], True, colour, 1)
    return image


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training.locate", description=__doc__.splitlines()[0]
    )
    does = parser.add_mutually_exclusive_group(required=True)
    does.add_argument("--out", type=Path, metavar="FILE", help="train, and write this ONNX file")
    does.add_argument("--look", type=Path, metavar="PICTURE", help="write a sheet of drawn scenes instead")
    parser.add_argument("--photographs", type=Path, metavar="DIR", help="pictures to draw before")
    parser.add_argument("--minutes", type=float, default=42.0, help="how long to train")
    parser.add_argument(
        "--start", type=Path, metavar="FILE", help="ONNX file of an earlier run to go on from"
    )
    parser.add_argument("--rate", type=float, default=8e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1, help="another one for a run that goes on")
    parser.add_argument("--threads", type=int, default=1, help="of torch; drawing takes half a core more")
    parser.add_argument(
        "--learnt", type=float, default=0.8, help="share of the fine-tuned weights in the file"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
