"""The ONNX operators of PP-OCRv6's recogniser, in torch. Attributes are a node's, by their ONNX names.

Shapes travel as lists of int, since torch needs them as such; operators that pick shapes apart know both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

Attributes = Mapping[str, Any]
Operation = Callable[[list[Any], Attributes], Any]

ONE_MORE_RIGHT_AND_BELOW = (0, 1, 0, 1)
"""SAME_UPPER for the only windows that ask for it: 2 x 2, stride 1."""
SAME = 1e-4
"""By which two slopes may differ: files write a sixth in four digits, too."""


def _convolution(values: list[Any], attributes: Attributes) -> Any:
    picture, weight, *bias = values
    if attributes.get("auto_pad") == b"SAME_UPPER":
        picture = F.pad(picture, ONE_MORE_RIGHT_AND_BELOW)
    pads, group = attributes.get("pads", [0, 0])[:2], attributes["group"]
    return F.conv2d(picture, weight, bias[0] if bias else None, attributes["strides"], pads, 1, group)


def _batch_norm(values: list[Any], attributes: Attributes) -> Any:
    """With the statistics it came with: batches here are small and of one width."""
    picture, weight, bias, mean, variance = values
    return F.batch_norm(picture, mean, variance, weight, bias, False, 0.0, attributes["epsilon"])


def _hard_sigmoid(values: list[Any], attributes: Attributes) -> Any:
    """Two slopes occur: a sixth, which torch knows by name, and a fifth."""
    if abs(attributes["alpha"] - 1 / 6) < SAME:
        return F.hardsigmoid(values[0])
    return (values[0] * attributes["alpha"] + attributes["beta"]).clamp(0, 1)


def _transposed(values: list[Any], attributes: Attributes) -> Any:
    picture, weight, *bias = values
    return F.conv_transpose2d(picture, weight, bias[0] if bias else None, attributes["strides"])


def _enlarged(values: list[Any], _: Attributes) -> Any:
    """Resize by nearest pixels; the scales are the third input."""
    return F.interpolate(values[0], scale_factor=values[2].tolist()[2:], mode="nearest")


def _mean(values: list[Any], attributes: Attributes) -> Any:
    return values[0].mean(tuple(attributes["axes"]), keepdim=bool(attributes.get("keepdims", 1)))


def _average_pool(values: list[Any], attributes: Attributes) -> Any:
    return F.avg_pool2d(values[0], attributes["kernel_shape"], attributes["strides"])


def _max_pool(values: list[Any], attributes: Attributes) -> Any:
    padded = F.pad(values[0], ONE_MORE_RIGHT_AND_BELOW)
    return F.max_pool2d(padded, attributes["kernel_shape"], attributes["strides"])


def _squeeze(values: list[Any], attributes: Attributes) -> Any:
    return values[0] if isinstance(values[0], list) else values[0].squeeze(attributes["axes"][0])


def _unsqueeze(values: list[Any], attributes: Attributes) -> Any:
    return values[0] if isinstance(values[0], list) else values[0].unsqueeze(attributes["axes"][0])


def _concat(values: list[Any], attributes: Attributes) -> Any:
    if all(torch.is_tensor(value) and value.is_floating_point() for value in values):
        return torch.cat(values, attributes["axis"])
    return [size for value in values for size in _sizes(value)]


def _slice(values: list[Any], _: Attributes) -> Any:
    source, start, end, axis = values[0], *(int(value) for value in values[1:4])
    return source[start:end] if isinstance(source, list) else source.narrow(axis, start, end - start)


def _reshape(values: list[Any], _: Attributes) -> Any:
    """A size of 0 stands for the one that was."""
    source, sizes = values[0], _sizes(values[1])
    return source.reshape([size or source.shape[i] for i, size in enumerate(sizes)])


def _sizes(value: Any) -> list[int]:
    return [int(size) for size in (value if isinstance(value, list) else value.reshape(-1).tolist())]


OPERATIONS: Mapping[str, Operation] = {
    "Add": lambda values, _: values[0] + values[1],
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Concat": _concat,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "DepthToSpace": lambda values, attributes: F.pixel_shuffle(values[0], attributes["blocksize"]),
    "Div": lambda values, _: values[0] / values[1],
    "Gelu": lambda values, _: F.gelu(values[0]),
    "GlobalAveragePool": lambda values, _: values[0].mean((2, 3), keepdim=True),
    "HardSigmoid": _hard_sigmoid,
    "Identity": lambda values, _: values[0],
    "MatMul": lambda values, _: values[0] @ values[1],
    "MaxPool": _max_pool,
    "Mul": lambda values, _: values[0] * values[1],
    "Pow": lambda values, _: values[0] ** values[1],
    "ReduceMean": _mean,
    "Relu": lambda values, _: F.relu(values[0]),
    "Reshape": _reshape,
    "Resize": _enlarged,
    "Shape": lambda values, _: list(values[0].shape),
    "Sigmoid": lambda values, _: torch.sigmoid(values[0]),
    "Slice": _slice,
    "Softmax": lambda values, attributes: values[0].softmax(attributes["axis"]),
    "Sqrt": lambda values, _: torch.sqrt(values[0]),
    "Squeeze": _squeeze,
    "Sub": lambda values, _: values[0] - values[1],
    "Transpose": lambda values, attributes: values[0].permute(attributes["perm"]),
    "Unsqueeze": _unsqueeze,
}
