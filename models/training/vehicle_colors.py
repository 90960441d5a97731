"""Fits the three small networks that tell a vehicle's color from statistics of pixels.

python -m models.training.vehicle_colors --data DATA --out build/vehicle_color.npz
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.training.dice import Dice
from models.training.vehicle_crops import center, disturbed, labelled, picture
from platestream.reading.vehicle_color import COLORS, ColorWeights, features

LABELS = Path(__file__).parents[1] / "labels" / "vehicles-openimages.tsv"
VARIANTS, NETWORKS, HIDDEN, ROUNDS, BATCH, RATE, SEED = 10, 3, 64, 18, 128, 3e-3, 9


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.training.vehicle_colors")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--out", type=Path, required=True, help="NPZ file that is written")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    dice = Dice(SEED)
    rows = [one for one in labelled(LABELS, asked.data) if one.color >= 0]
    drawn = [features(disturbed(one, picture(one), dice)) for _ in range(VARIANTS) for one in rows]
    seen = np.stack([*drawn, *(features(center(one, picture(one))) for one in rows)])
    truth = torch.tensor([one.color for one in rows]).repeat(VARIANTS + 1)
    mean, spread = np.mean(drawn, axis=0), np.std(drawn, axis=0) + np.float32(1e-4)
    fitted = [_fit(torch.tensor((seen - mean) / spread), truth, seed) for seed in range(NETWORKS)]
    layers = [np.stack([one[i] for one in fitted]) for i in range(4)]
    weights = ColorWeights(mean.astype(np.float32), spread.astype(np.float32), *layers)
    np.savez(asked.out, **weights._asdict())
    print(asked.out, hashlib.sha256(asked.out.read_bytes()).hexdigest())  # noqa: T201
    return 0


def _fit(inputs: torch.Tensor, truth: torch.Tensor, seed: int) -> list[np.ndarray]:
    torch.manual_seed(seed)
    first, last = nn.Linear(inputs.shape[1], HIDDEN), nn.Linear(HIDDEN, len(COLORS))
    network = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.3), last)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1.0)
    for turn in range(ROUNDS):
        order = torch.randperm(len(inputs))
        for start in range(0, len(inputs), BATCH):
            batch = order[start : start + BATCH]
            loss = F.cross_entropy(network(inputs[batch]), truth[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - turn / ROUNDS) + 1e-5
    return [one.detach().numpy() for one in (first.weight, first.bias, last.weight, last.bias)]


if __name__ == "__main__":
    sys.exit(main())
