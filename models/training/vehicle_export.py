"""Writes the vehicle network as ONNX: batch norms folded, weights in 8 bits with a scale for each channel."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from models.training.vehicle_network import Block, Convolution, Network
from platestream.operators.vehicle import VIEW_PIXELS

Floats = npt.NDArray[np.float32]
TOLERANCE = 0.15
"""Largest difference of a probability that 8 bits may make."""


class Graph:
    """Nodes and stored tensors of a graph that grows step by step."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.stored: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: Sequence[str], **attributes: object) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def store(self, values: npt.NDArray[np.generic]) -> str:
        name = f"stored_{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(values, name))
        return name

    def weights(self, values: Floats) -> str:
        """Store weights (first dimension: channels) in 8 bits; ONNX Runtime multiplies them out once."""
        flat = np.abs(values.reshape(len(values), -1)).max(axis=1).clip(1e-12) / 127
        scale = flat.reshape(-1, *(1,) * (values.ndim - 1)).astype(np.float32)
        small = np.round(values / scale).astype(np.int8)
        return self.add(
            "Mul", [self.add("Cast", [self.store(small)], to=TensorProto.FLOAT), self.store(scale)]
        )

    def convolve(
        self, x: str, layer: nn.Conv2d, norm: nn.BatchNorm2d, size: int, cut: bool = True
    ) -> tuple[str, int]:
        """Add a convolution with its batch norm folded in; return its name and the output's size."""
        grows = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        values = (layer.weight * grows.reshape(-1, 1, 1, 1)).detach().numpy()
        bias = (norm.bias - norm.running_mean * grows).detach().numpy()
        kernel, stride = layer.kernel_size[0], layer.stride[0]
        out = -(-size // stride)
        missing = max((out - 1) * stride + kernel - size, 0) if isinstance(layer, Convolution) else 0
        pads = [missing // 2, missing // 2, missing - missing // 2, missing - missing // 2]
        done = self.add("Conv", [x, self.weights(values), self.store(bias)], kernel_shape=[kernel] * 2,
                        strides=[stride] * 2, pads=pads, group=layer.groups)  # fmt: skip
        return (self.clip(done) if cut else done), out

    def clip(self, x: str) -> str:
        return self.add("Clip", [x, self.store(np.array(0, np.float32)), self.store(np.array(6, np.float32))])

    def mean(self, x: str) -> str:
        return self.add("Flatten", [self.add("GlobalAveragePool", [x])])

    def block(self, x: str, block: Block, size: int) -> tuple[str, int]:
        seen = x
        if block._expand_conv is not None and block._bn0 is not None:
            seen, size = self.convolve(seen, block._expand_conv, block._bn0, size)
        seen, size = self.convolve(seen, block._depthwise_conv, block._bn1, size)
        seen, size = self.convolve(seen, block._project_conv, block._bn2, size, cut=False)
        return (self.add("Add", [seen, x]) if block.adds else seen), size

    def head(self, x: str, layer: nn.Linear, temperature: float, name: str) -> None:
        weight = (layer.weight / temperature).detach().numpy()
        bias = (layer.bias / temperature).detach().numpy()
        logits = self.add("Gemm", [x, self.weights(weight), self.store(bias)], transB=1)
        self.nodes.append(helper.make_node("Softmax", [logits], [name], axis=1))


def write(network: Network, temperatures: Sequence[float], path: Path) -> None:
    """Write the network, its logits divided by the temperatures (types, views), and compare."""
    network.eval()
    graph = Graph()
    x, size = graph.convolve("pictures", network._conv_stem, network._bn0, VIEW_PIXELS)
    for block in network._blocks:
        x, size = graph.block(x, block, size)
    x, size = graph.convolve(x, network._conv_head, network._bn1, size)
    last = graph.mean(x)
    graph.head(last, network.type_head, temperatures[0], "types")
    graph.head(last, network.view_head, temperatures[1], "views")
    shape = ["n", 3, VIEW_PIXELS, VIEW_PIXELS]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", head.out_features])
        for name, head in (
            ("types", network.type_head),
            ("views", network.view_head),
        )
    ]
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)
    made = helper.make_graph(graph.nodes, "vehicle", [pictures], outputs, graph.stored)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    _compare(network, temperatures, path)


def _compare(network: Network, temperatures: Sequence[float], path: Path) -> None:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pictures = torch.rand(4, 3, VIEW_PIXELS, VIEW_PIXELS) * 2 - 1
    written = session.run(None, {"pictures": pictures.numpy()})
    with torch.no_grad():
        types, _colors, views = network(pictures)
        own = [
            (logits / t).softmax(1).numpy() for logits, t in zip((types, views), temperatures, strict=True)
        ]
    off = max(float(np.abs(a - b).max()) for a, b in zip(written, own, strict=True))
    if off > TOLERANCE:
        raise ValueError(f"{path} computes something else: probabilities differ by {off:.4f}")
