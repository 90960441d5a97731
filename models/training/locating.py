"""Fits the detector to drawn scenes: 1 in each serial's inner part, else 0. See models/notes/localiser.md."""

import copy
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from models.training.detector import Detector, original
from models.training.dice import Dice
from models.training.fitting import blend, follow, rate_at
from models.training.photographs import photographs
from models.training.pool import Amounts, Pool
from models.training.scenes import SIDE, draw_scene
from models.training.targets import EITHER, SERIAL, target
from platestream.reading.geometry import Image
from platestream.reading.ocr import NORMALISED

log = logging.getLogger(__name__)

BATCH = 8
AMOUNTS = Amounts(at_once=2 * BATCH, first=160, kept=2400, recent=600, waiting=6)
"""Kept are about 1.4 GB. Some are taken every second step: each is seen about once."""
REPORT_S = 180.0
FIRST_TRAINED = "conv2d_121.w_0"
"""The weights before these, at a half and a quarter of the picture's size, stay as they are: they cost most
to train, and know photographs, which the scenes are not.
"""
HARD = 3.0
"""How many pixels that are no serial's count, the worst ones, for each that is."""
ENOUGH = 250
"""The same for each scene of a batch at least."""


@dataclass(frozen=True)
class Plan:
    minutes: float
    out: Path
    """The ONNX file that is written, at the end and at each report."""
    photographs: Path | None
    """A folder of pictures without plates, to draw before; without one, nothing but drawings is behind."""
    start: Path | None = None
    """An ONNX file of an earlier run; by default PP-OCRv6's own."""
    rate: float = 8e-4
    seed: int = 1
    threads: int = 1
    learnt: float = 0.8
    """Share of the fine-tuned weights in the file; the rest are PP-OCRv6's (models/notes/localiser.md)."""


class Lesson(NamedTuple):
    image: Image
    truth: Image
    """SIDE x SIDE, as `models.training.targets.target` draws it."""


def fit(plan: Plan) -> None:
    """Trains for the planned time, writes the ONNX file and logs its SHA-256.

    Runs of one seed differ all the same: how many scenes are drawn in the time depends on the machine.
    """
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    dice = Dice(plan.seed + 1000)
    network = Detector(plan.start or original()).to(memory_format=torch.channels_last)
    network.freeze(FIRST_TRAINED)
    mean = copy.deepcopy(network).eval()
    trained = [weights for weights in network.parameters() if weights.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=plan.rate, weight_decay=1e-4)
    with Pool(Drawing(plan.photographs), plan.seed, AMOUNTS) as lessons:
        begun, reported, step, loss = monotonic(), monotonic(), 0, 1.0
        while (done := (monotonic() - begun) / 60 / plan.minutes) < 1:
            if step % 2 == 0:
                lessons.refill(times=1)
            for group in optimiser.param_groups:
                group["lr"] = rate_at(plan.rate, step, done)
            step += 1
            batch = batch_of(dice, lessons.pick(dice, BATCH))
            loss += 0.02 * (_learn(network, optimiser, trained, batch) - loss)
            follow(mean, network, min(0.997, step / (step + 19)))
            if monotonic() - reported > REPORT_S:
                reported = monotonic()
                mean.write(plan.out)
                log.info("%3.0f %%: step %d, %d drawn, loss %.4f", 100 * done, step, lessons.seen, loss)
        log.info("end: step %d, %d drawn, loss %.4f", step, lessons.seen, loss)
    blend(mean, Detector(original()), plan.learnt)
    mean.write(plan.out)
    log.info("%s  %s", hashlib.sha256(plan.out.read_bytes()).hexdigest(), plan.out)


@dataclass(frozen=True)
class Drawing:
    """Draws lessons before pictures of a folder, in whichever process it comes to."""

    folder: Path | None

    def __call__(self, dice: Dice) -> Lesson:
        scene = draw_scene(dice, _behind(self.folder))
        return Lesson(scene.image, target(scene))


@cache
def _behind(folder: Path | None) -> Sequence[Image]:
    return photographs(folder) if folder else []


def batch_of(dice: Dice, lessons: Sequence[Lesson]) -> tuple[Any, Any]:
    """Scenes as the reader feeds a detector, some with other colours or gamma, and their truth."""
    batch = np.empty((len(lessons), SIDE, SIDE, 3), np.float32)
    for row, (image, _) in zip(batch, lessons, strict=True):
        seen = _changed(dice, image)
        for channel, table in enumerate(NORMALISED):
            row[..., channel] = table[seen[..., channel]]
    truth = np.stack([lesson.truth for lesson in lessons])
    return torch.from_numpy(batch).permute(0, 3, 1, 2), torch.from_numpy(truth)[:, None]


def _changed(dice: Dice, image: Image) -> Image:
    if dice.chance(0.15):
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        image = np.repeat(grey[..., None], 3, axis=2)
    elif dice.chance(0.2):
        image = image[..., dice.arrays.permutation(3)]
    if not dice.chance(0.3):
        return image
    curve = (255 * (np.arange(256) / 255) ** dice.uniform(0.6, 1.6)).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), curve), np.uint8)


def _learn(network: Detector, optimiser: Any, trained: Sequence[Any], batch: tuple[Any, Any]) -> float:
    """One step; gives the loss."""
    pictures, truth = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
        logits = network(pictures)
    loss = loss_of(logits.float(), truth)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 5.0)
    optimiser.step()
    return float(loss.item())


def loss_of(logits: Any, truth: Any) -> Any:
    """Cross-entropy over the serials and the worst of the rest, and dice, as DB is trained."""
    yes, no = truth == SERIAL, truth == 0
    each = F.binary_cross_entropy_with_logits(logits, yes.float(), reduction="none")
    count = int(max(HARD * float(yes.sum()), ENOUGH * logits.shape[0]))
    hard = each[no].topk(min(count, int(no.sum()))).values
    chance = logits.sigmoid() * (truth != EITHER)
    overlap = (2 * (chance * yes).sum() + 1) / (chance.sum() + yes.sum() + 1)
    return each[yes].sum() / (yes.sum() + 1) + hard.mean() + 1 - overlap
