"""Fits the vehicle network to labeled crops: AdamW on one cycle, and a running mean of the weights."""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from models.training.dice import Dice
from models.training.vehicle_crops import Labelled, center, disturbed, in_infrared, picture
from models.training.vehicle_network import Network, original
from platestream.operators.vehicle import VIEW_PIXELS
from platestream.reading.geometry import Image
from platestream.reading.vehicle import TYPES

log = logging.getLogger(__name__)

OWN, OTHER = 24, 8
"""Crops of Open Images and of the roadside camera in a batch."""
FROZEN = 6
"""Blocks that stay as ImageNet made them."""
RATE, HEADS = 4e-4, 4
"""Highest learning rate, and by how much the heads learn faster."""
INFRARED, DROPOUT, SMOOTH = 0.08, 0.2, 0.05
FEW = 6
"""Labels of a type below which it weighs no more."""


def fit(weights: Path, rows: Sequence[Labelled], more: Sequence[Labelled], steps: int, seed: int) -> Network:
    """Return the network fitted to `rows`, with `more` crops beside them in each batch."""
    torch.manual_seed(seed)
    dice, network = Dice(seed), original(weights)
    network.freeze(FROZEN)
    network.to(memory_format=torch.channels_last)
    heads = [p for name, p in network.named_parameters() if name.split("_")[0] in ("type", "color", "view")]
    known = {id(p) for p in heads}
    rest = [p for p in network.parameters() if p.requires_grad and id(p) not in known]
    groups = [{"params": heads, "lr": RATE * HEADS}, {"params": rest, "lr": RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE * HEADS, RATE], steps, pct_start=0.15)
    balance = _balance(rows)
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    order: list[Labelled] = []
    for step in range(1, steps + 1):
        if len(order) < OWN:
            order += dice.sample(list(rows), len(rows))
        batch, order = [*order[:OWN], *dice.sample(list(more), OTHER)], order[OWN:]
        loss = _loss(network, batch, balance, dice)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        share = min(0.99, step / (step + 10))
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                mean[name].mul_(share).add_(value, alpha=1 - share)
        if step % 50 == 0:
            log.info("step %d of %d, loss %.3f", step, steps, float(loss.detach()))
    network.load_state_dict(mean)
    return network


def _loss(network: Network, batch: Sequence[Labelled], balance: Tensor, dice: Dice) -> Tensor:
    crops = [disturbed(one, picture(one), dice) for one in batch]
    colors = torch.tensor([one.color for one in batch])
    for i in range(len(crops)):
        if dice.chance(INFRARED):
            crops[i], colors[i] = in_infrared(crops[i]), -1
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
        types, hues, ends = (logits.float() for logits in network(tensor(crops), DROPOUT))
    views = torch.tensor([one.view for one in batch])
    loss = _type_loss(types, allowed(batch), balance)
    loss = loss + F.cross_entropy(hues, colors, ignore_index=-1, label_smoothing=SMOOTH)
    return loss + 0.5 * F.cross_entropy(ends, views, ignore_index=-1, label_smoothing=0.02)


def tensor(crops: Sequence[Image]) -> Tensor:
    """Return crops as the network's input, as `platestream.reading.vehicle.network_input` does."""
    size = (VIEW_PIXELS, VIEW_PIXELS)
    rows = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA)[..., ::-1] for crop in crops]
    return torch.from_numpy(np.stack(rows).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)


def allowed(rows: Sequence[Labelled]) -> Tensor:
    """Return for each row 1 at the types that it may have."""
    mask = torch.zeros(len(rows), len(TYPES))
    for i, one in enumerate(rows):
        mask[i, list(one.types)] = 1
    return mask


def logits_of(network: Network, rows: Sequence[Labelled]) -> list[Tensor]:
    """Return the logits of types, colors and views (rows x words) for the crops as the product cuts them."""
    network.eval()
    with torch.no_grad():
        found = [network(tensor([center(one, picture(one))])) for one in rows]
    return [torch.cat(one) for one in zip(*found, strict=True)]


def _type_loss(logits: Tensor, mask: Tensor, balance: Tensor) -> Tensor:
    """Return the loss of the sum of the allowed types; rows without any count nothing."""
    known = mask.sum(1) > 0
    chances = F.log_softmax(logits, 1)[known]
    inside = torch.logsumexp(chances + mask[known].clamp_min(1e-9).log(), 1)
    weight = (mask[known] * balance).max(1).values
    losses = -(1 - SMOOTH) * inside - SMOOTH * chances.mean(1)
    return (weight * losses).sum() / weight.sum().clamp_min(1e-6)


def _balance(rows: Sequence[Labelled]) -> Tensor:
    """Return the weight of each type: by the root of its number, so that rare ones count more."""
    counts = allowed([one for one in rows if len(one.types) == 1]).sum(0)
    return (1 / counts.clamp_min(FEW)).sqrt()
