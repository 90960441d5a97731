"""With the real models, on pictures drawn here."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.samples.plates import PlateLook, draw_plate
from platestream.reading import ocr
from platestream.reading.factory import reads_known_plate
from platestream.reading.geometry import Image
from platestream.reading.ocr import ModelError, TextEngine
from platestream.reading.plate_reader import TwoPassReader


@pytest.fixture(scope="module")
def engine() -> TextEngine:
    return ocr.open_engine()


@pytest.fixture(scope="module")
def reader(engine: TextEngine) -> TwoPassReader:
    return TwoPassReader(engine)


def street(look: PlateLook, width: int = 220) -> Image:
    """A grey 720 x 1280 picture with the plate in it, `width` pixels wide."""
    drawn = draw_plate(look, np.random.default_rng(1))
    small = cv2.resize(drawn, (width, width // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    image = np.full((720, 1280, 3), 96, np.float32)
    place = image[400 : 400 + width // 2, 500 : 500 + width]
    alpha = small[:, :, 3:] / 255
    place[:] = place * (1 - alpha) + small[:, :, :3] * alpha
    return np.asarray(image, np.uint8)


def test_an_arizona_plate_is_read_with_its_state_and_place(reader: TwoPassReader) -> None:
    top = reader.read(street(PlateLook("CKR4172", "AZ")))[0]
    assert (top.plate, top.state) == ("CKR4172", "AZ")
    x, y, w, h = top.box
    assert 480 < x < 720
    assert 390 < y < 510
    assert w <= 240
    assert h <= 110


def test_a_grey_picture_holds_no_plate(reader: TwoPassReader) -> None:
    assert reader.read(np.full((720, 1280, 3), 128, np.uint8)) == []


def test_the_localiser_finds_the_serial_whole_and_no_sign(engine: TextEngine) -> None:
    picture = street(PlateLook("CKR4172", "AZ"))
    for text, place in (("EXIT 12", (80, 120)), ("CAR WASH", (760, 180)), ("555-0142", (820, 640))):
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_DUPLEX, 1.4, (240, 240, 240), 3)
    assert len(engine.detect(picture, 640)) > 2
    (serial,) = engine.detect(picture, 640, serials=True)
    (left, top), (right, bottom) = serial.min(axis=0), serial.max(axis=0)
    assert 495 < left < 535
    assert 685 < right < 725
    assert 410 < top < bottom < 500


@pytest.mark.parametrize("shape", [(1, 1), (8, 2000), (2000, 8), (33, 47)])
def test_odd_pictures_are_survived(reader: TwoPassReader, shape: tuple[int, int]) -> None:
    assert reader.read(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize("region", ["us", "eu", "br"])
def test_an_engine_in_order_reads_the_plate_that_comes_with_the_package(
    engine: TextEngine, region: str
) -> None:
    assert reads_known_plate(TwoPassReader(engine, region))


def test_an_engine_that_finds_nothing_or_fails_is_broken(engine: TextEngine) -> None:
    class Blind:
        models = engine.models

        def detect(self, *_: object, **__: object) -> list[ocr.Floats]:
            return []

        recognise = engine.recognise

    class Failing(Blind):
        def detect(self, *_: object, **__: object) -> list[ocr.Floats]:
            raise MemoryError

    assert not reads_known_plate(TwoPassReader(Blind()))
    assert not reads_known_plate(TwoPassReader(Failing()))


def test_the_same_picture_is_read_the_same(reader: TwoPassReader) -> None:
    picture = street(PlateLook("BXH2081", "AZ", dirt=0.3), 120)
    assert reader.read(picture) == reader.read(picture)


def test_crops_of_any_width_come_back_in_their_order(engine: TextEngine) -> None:
    crops = [np.full((48, w, 3), 255, np.uint8) for w in (400, 60, 200)]
    for crop, text in zip(crops, ("LONGERLINE", "7", "AB12"), strict=True):
        cv2.putText(crop, text, (6, 36), cv2.FONT_HERSHEY_DUPLEX, 1.0, (0, 0, 0), 2)
    sizes = [len(table) for table in engine.recognise(crops, 96)]
    assert sizes[0] > sizes[2] > sizes[1]


def test_a_folder_without_models_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"inference\.onnx"):
        ocr.open_engine(tmp_path)


def test_a_model_file_that_is_not_the_shipped_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ocr.SHIPPED, ocr.QUICK, (ocr.SHIPPED[ocr.QUICK][0], "0" * 64))
    with pytest.raises(ModelError, match="SHA-256"):
        ocr.open_engine()


def test_a_detectors_input_is_what_paddlex_makes_of_a_picture(engine: TextEngine) -> None:
    image = np.random.default_rng(3).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    ops = engine._quick.predictor.pre_tfs
    (theirs,) = ops["ToBatch"](imgs=ops["ToCHW"](imgs=ops["Normalize"](imgs=[image])))
    assert ocr.normalize(image) == pytest.approx(theirs, abs=1e-5)


@pytest.mark.parametrize("width", [260, 400])
def test_an_official_number_has_its_small_letters_and_the_serial_alone_comes_next(
    reader: TwoPassReader, width: int
) -> None:
    top = reader.read(street(PlateLook("CM48213", "AZ", rows="stacked"), width))[0]
    assert top.plate == "CM48213"
    assert "48213" in {other.plate for other in top.alternatives}
