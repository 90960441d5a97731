"""What the reader is compared with: PaddleOCR's own pipeline on the same models."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from connectors.ocr import DETECTOR, RECOGNISER, lay_out_models

Pixels = npt.NDArray[np.uint8]


@contextmanager
def plain_ocr() -> Iterator[Callable[[Pixels], Any]]:
    """`predict` of a PaddleOCR with default settings, its page-turning models off: they are for documents."""
    from paddleocr import PaddleOCR

    with tempfile.TemporaryDirectory(prefix="platestream-models-") as scratch:
        models = lay_out_models(Path(scratch))
        engine = PaddleOCR(
            text_detection_model_name=DETECTOR,
            text_detection_model_dir=str(models / "det"),
            text_recognition_model_name=RECOGNISER,
            text_recognition_model_dir=str(models / "rec"),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            engine="onnxruntime",
            device="cpu",
        )
        yield engine.predict
