"""Fits the network to drawn plates: CTC loss, AdamW with a cosine schedule, a running mean of the weights."""

import copy
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from models.training.augment import augment
from models.training.dice import Dice
from models.training.network import Network, original
from models.training.pool import Amounts, Pool
from models.training.samples import Sample, draw
from platestream.reading.geometry import CROP_HEIGHT, Image
from platestream.reading.glyphs import INDEX, greedy

log = logging.getLogger(__name__)

BATCH = 32
AMOUNTS = Amounts(at_once=64, first=1_500, kept=60_000, recent=3_000, waiting=20)
"""Kept are about 2 GB."""
NARROWEST = 160
"""Pixels that a batch is wide at least."""
REPORT_S = 300.0
TRIALS, TRIAL_SEED = 256, 2**40
"""Drawn plates on which progress is measured, the same in every run, and their seed, which no run has."""
FOLD = str.maketrans("OQI", "001")
"""What dies make alike is not counted as wrong."""


@dataclass(frozen=True)
class Plan:
    minutes: float
    out: Path
    """The ONNX file that is written, at the end and at each report."""
    start: Path | None = None
    """An ONNX file of an earlier run; by default PP-OCRv6's own."""
    rate: float = 3e-4
    seed: int = 1
    """A run that goes on from another takes another, or it sees the same plates again."""
    threads: int = 1
    learnt: float = 0.5
    """Share of the fine-tuned weights in the file; the rest are PP-OCRv6's own. Half-way reads both what was
    drawn and what photographs hold; all of it reads photographs no better than the original does.
    """
    night: float = 0.0
    """Share of the samples that are taken at night."""


def fit(plan: Plan) -> None:
    """Trains for the planned time, writes the ONNX file and logs its SHA-256.

    Runs of one seed differ all the same: how many samples are drawn in the time depends on the machine.
    """
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    dice = Dice(plan.seed)
    before = Network(original())
    network = Network(plan.start or original()).to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network).eval()
    trials = _trials()
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=1e-3)
    with Pool(partial(draw, night=plan.night), plan.seed, AMOUNTS) as pool:
        begun, reported, step, loss = monotonic(), monotonic(), 0, 0.0
        while (done := (monotonic() - begun) / 60 / plan.minutes) < 1:
            pool.refill()
            for group in optimiser.param_groups:
                group["lr"] = rate_at(plan.rate, step, done)
            picked = sorted(pool.pick(dice, 2 * BATCH), key=lambda sample: sample.crop.shape[1])
            for half in (picked[:BATCH], picked[BATCH:]):
                step += 1
                loss += 0.01 * (_learn(network, optimiser, dice, half) - loss)
                follow(mean, network, min(0.998, step / (step + 19)))
            if monotonic() - reported > REPORT_S:
                reported = monotonic()
                mean.write(plan.out)
                log.info("%3.0f %%: step %d, %d drawn, loss %.4f, %.1f %% of drawn plates right",
                         100 * done, step, pool.seen, loss, right(mean, trials))  # fmt: skip
        log.info("end: step %d, %d drawn, loss %.4f", step, pool.seen, loss)
    blend(mean, before, plan.learnt)
    mean.write(plan.out)
    log.info("%.1f %% of drawn plates right", right(mean, trials))
    log.info("%s  %s", hashlib.sha256(plan.out.read_bytes()).hexdigest(), plan.out)


def rate_at(rate: float, step: int, done: float) -> float:
    """The learning rate: up over a hundred steps, then down a cosine; `done` is the share of the time."""
    return rate * min(1.0, (step + 1) / 100) * (0.5 + 0.5 * float(np.cos(np.pi * done))) + 1e-6


def batch_of(crops: Sequence[Image]) -> Any:
    """Crops as the reader feeds them: crops x 3 x 48 x W, -1 to 1, the narrower ones padded with 0."""
    width = max(NARROWEST, *(crop.shape[1] for crop in crops))
    batch = np.zeros((len(crops), CROP_HEIGHT, width, 3), np.float32)
    for row, crop in zip(batch, crops, strict=True):
        row[:, : crop.shape[1]] = crop.astype(np.float32) / 127.5 - 1
    return torch.from_numpy(batch).permute(0, 3, 1, 2)  # channels last in memory


def right(network: Network, samples: Sequence[Sample]) -> float:
    """Percent of samples read right to the last character."""
    hits = 0
    with torch.no_grad():
        for i in range(0, len(samples), BATCH):
            part = samples[i : i + BATCH]
            tables = network(batch_of([sample.crop for sample in part])).softmax(2).numpy()
            for sample, table in zip(part, tables, strict=True):
                hits += greedy(table).text.translate(FOLD) == sample.text.translate(FOLD)
    return 100 * hits / len(samples)


def _trials() -> list[Sample]:
    dice = Dice(TRIAL_SEED)
    return sorted((draw(dice) for _ in range(TRIALS)), key=lambda sample: sample.crop.shape[1])


def _learn(network: Network, optimiser: Any, dice: Dice, samples: Sequence[Sample]) -> float:
    """One step; gives the loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):  # 1.4 x faster
        logits = network(batch_of([augment(dice, sample.crop) for sample in samples]))
    chances = logits.float().log_softmax(2).permute(1, 0, 2)
    labels = torch.tensor([INDEX[c] for sample in samples for c in sample.text])
    steps = torch.full((len(samples),), chances.shape[0])
    lengths = torch.tensor([len(sample.text) for sample in samples])
    loss = F.ctc_loss(chances, labels, steps, lengths, zero_infinity=True)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return float(loss.item())


def blend(tuned: Network, before: Network, learnt: float) -> None:
    """Moves the tuned weights back towards those before: `learnt` 1 leaves them, 0 undoes all of it."""
    with torch.no_grad():
        for kept, first in zip(tuned.parameters(), before.parameters(), strict=True):
            kept.lerp_(first, 1 - learnt)


def follow(mean: Network, network: Network, decay: float) -> None:
    """Moves the running mean of the weights towards the network's: it reads better than any one step's."""
    with torch.no_grad():
        for kept, fresh in zip(mean.parameters(), network.parameters(), strict=True):
            kept.mul_(decay).add_(fresh, alpha=1 - decay)
