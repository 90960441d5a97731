"""The text engine: PaddleOCR's detector and recogniser on ONNX Runtime, from model files on disk.

PaddleX keeps what it is good at (resizing, normalising, box post-processing); the ONNX sessions are our own,
because its `engine_config` cannot turn off thread spinning, and spinning sessions slow each other down by
25-35 % on two cores. The recogniser's answer is kept as character probabilities, not as a string: choosing
among readings needs them (`operators.reading`).

Nothing is fetched: the weights are the ones inside the installed `rapidocr` package, checked by SHA-256.
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

DETECTOR, RECOGNISER = "PP-OCRv6_small_det", "PP-OCRv6_small_rec"
SHA256 = {  # of the files in rapidocr 3.10.0
    "PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    "PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
}
SHIPPED = {DETECTOR: "PP-OCRv6_det_small.onnx", RECOGNISER: "PP-OCRv6_rec_small.onnx"}

WIDENED = 1.35
"""How much wider than the narrowest the widest crop of one recogniser call may be."""

# PaddleOCR's published preprocessing for its mobile and small models.
DETECTOR_CONFIG: dict[str, Any] = {
    "Global": {"model_name": DETECTOR},
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
    "Global": {"model_name": RECOGNISER},
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

    def __init__(self, detector: Any, recogniser: Any, characters: Sequence[str]) -> None:
        self._detector, self._recogniser = detector, recogniser
        self._columns, self._rest = _column_index(characters)

    @property
    def models(self) -> tuple[str, ...]:
        return (self._detector.model_name, self._recogniser.model_name)

    def detect(self, image: Image, longest: int, threshold: float = 0.6, unclip: float = 1.5) -> list[Floats]:
        """Corners (4 x 2: x, y in pixels of `image`, clockwise from top left) of lines of text.

        The picture is shrunk so that its longer side is at most `longest` pixels; it is never enlarged.
        """
        ops = self._detector.pre_tfs
        images, shapes = ops["Resize"](imgs=[image], limit_side_len=longest, limit_type="max")
        batch = ops["ToBatch"](imgs=ops["ToCHW"](imgs=ops["Normalize"](imgs=images)))
        maps = self._detector.runner(x=batch)
        polygons, _ = self._detector.post_op(
            maps, shapes, thresh=0.3, box_thresh=threshold, unclip_ratio=unclip
        )
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
    """The engine, from `model_dir`/det and `model_dir`/rec (PaddleOCR model folders with `inference.onnx`
    and `inference.yml`), or from the models inside the `rapidocr` package when no folder is named.

    Raises ModelError when a file is missing or a shipped one is not what it was.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        root = model_dir or lay_out_models(Path(scratch))
        detector, _ = _predictor(root / "det", threads)
        recogniser, session = _predictor(root / "rec", threads)
        characters = session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
        return TextEngine(detector, recogniser, characters or recogniser.post_op.character[1:-1])


def lay_out_models(scratch: Path) -> Path:
    """Lays out PaddleOCR model folders around the weights inside the `rapidocr` package."""
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ModelError("the package rapidocr, which holds the model weights, is not installed")
    weights = Path(spec.origin).parent / "models"
    for folder, name, config in (("det", DETECTOR, DETECTOR_CONFIG), ("rec", RECOGNISER, RECOGNISER_CONFIG)):
        source = weights / SHIPPED[name]
        _check(source)
        target = scratch / folder
        target.mkdir()
        (target / "inference.onnx").symlink_to(source)
        if folder == "rec":
            meta = ort.InferenceSession(str(source), providers=["CPUExecutionProvider"]).get_modelmeta()
            characters = meta.custom_metadata_map["character"].splitlines()
            post = {"name": "CTCLabelDecode", "character_dict": characters}
            config = {**config, "PostProcess": post}
        # JSON is YAML, and written in a tenth of the time.
        (target / "inference.yml").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    return scratch


def _check(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"{path.name} is missing from the rapidocr package")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256[path.name]:
        raise ModelError(f"{path.name} has SHA-256 {digest}, expected {SHA256[path.name]}")


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


def _column_index(characters: Sequence[str]) -> tuple[npt.NDArray[np.intp], int]:
    """Where each of GLYPHS but the last is in the recogniser's output, which is blank, list, space."""
    place = {c: i + 1 for i, c in enumerate(characters)}
    place[""], place[" "] = 0, len(characters) + 1
    return np.array([place[c] for c in GLYPHS[:-1]], np.intp), len(characters) + 2
