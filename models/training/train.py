"""The command: fine-tunes the recogniser on drawn plates, or shows what is drawn.

python -m models.training.train --minutes 76 --out plates.onnx [--start earlier.onnx --rate 1.5e-4]
python -m models.training.train --look sheet.png
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from models.training.dice import Dice
from models.training.samples import contact_sheet, draw

SHOWN = 100
"""Samples on a contact sheet."""


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = _parser().parse_args(arguments)
    if asked.look:
        look(asked.look, asked.seed, asked.night)
        return 0
    cv2.setNumThreads(1)
    from models.training.fitting import Plan, fit  # torch is not there where samples are only looked at

    fit(
        Plan(
            asked.minutes, asked.out, asked.start, asked.rate, asked.seed, asked.threads, asked.learnt,
            asked.night,
        )
    )  # fmt: skip
    return 0


def look(path: Path, seed: int, night: float = 0.0) -> None:
    """Writes a contact sheet of the seed's first samples."""
    dice = Dice(seed)
    if not cv2.imwrite(str(path), contact_sheet([draw(dice, night) for _ in range(SHOWN)])):
        raise OSError(f"{path} cannot be written")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training.train", description=__doc__.splitlines()[0]
    )
    does = parser.add_mutually_exclusive_group(required=True)
    does.add_argument("--out", type=Path, metavar="FILE", help="train, and write this ONNX file")
    does.add_argument("--look", type=Path, metavar="PICTURE", help="write a sheet of drawn samples instead")
    parser.add_argument("--minutes", type=float, default=76.0, help="how long to train")
    parser.add_argument(
        "--start", type=Path, metavar="FILE", help="ONNX file of an earlier run to go on from"
    )
    parser.add_argument("--rate", type=float, default=3e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1, help="another one for a run that goes on")
    parser.add_argument("--threads", type=int, default=1, help="of torch; drawing takes one more core")
    parser.add_argument(
        "--learnt", type=float, default=0.5, help="share of the fine-tuned weights in the file"
    )
    parser.add_argument("--night", type=float, default=0.0, help="share of the samples taken at night")
    return parser


if __name__ == "__main__":
    sys.exit(main())
