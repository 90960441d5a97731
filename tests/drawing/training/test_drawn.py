import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.training import night, train
from models.training.augment import augment
from models.training.camera import WIDEST, Photograph, framed, is_legible, photograph
from models.training.dice import Dice
from models.training.dies import DIES, dies
from models.training.lettering import PILLOWS_OWN, fonts, glyph, word
from models.training.paint import LUMINANCE
from models.training.plates import AROUND, Plate, draw_plate
from models.training.pool import Amounts, Pool
from models.training.samples import STEP, Sample, contact_sheet, draw
from models.training.serials import REGIONS, Serial, draw_serial, split_of
from models.training.weather import weather
from platestream.reading.glyphs import ALPHABET
from platestream.reading.text_regions import crop_line

seeds = st.integers(0, 2**32)


def _drawn(seed: int) -> tuple[Serial, Plate]:
    dice = Dice(seed)
    serial = draw_serial(dice)
    return serial, draw_plate(dice, serial)


def test_the_same_seed_draws_the_same_sample() -> None:
    one, again, other = draw(Dice(11)), draw(Dice(11)), draw(Dice(12))
    assert one.text == again.text
    assert np.array_equal(one.crop, again.crop)
    assert one.text != other.text


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_sample_is_a_crop_as_the_reader_makes_it_and_wide_enough_for_ctc(seed: int) -> None:
    crop, text = draw(Dice(seed))
    assert crop.dtype == np.uint8
    assert (crop.shape[0], crop.shape[2]) == (48, 3)
    assert crop.shape[1] <= WIDEST
    twins = sum(a == b for a, b in pairwise(text))
    assert crop.shape[1] // STEP >= len(text) + twins
    assert crop.max() > crop.min()


@settings(deadline=None)
@given(seeds)
def test_a_serial_is_three_to_eight_letters_and_digits(seed: int) -> None:
    dice = Dice(seed)
    serial = draw_serial(dice)
    assert re.fullmatch("[A-Z0-9]{3,8}", serial.text)
    assert serial.region in REGIONS
    assert 0 < split_of(dice, serial.text) < len(serial.text)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_serials_box_lies_on_the_plate_and_holds_ink(seed: int) -> None:
    _, plate = _drawn(seed)
    left, top, right, bottom = plate.box
    height, width = plate.picture.shape[:2]
    assert AROUND <= left < right <= width - AROUND
    assert AROUND <= top < bottom <= height - AROUND
    inside = plate.picture[int(top) : int(bottom), int(left) : int(right)] @ LUMINANCE
    low, high = np.percentile(inside, (5, 95))
    assert high - low > 20


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_the_whole_row_holds_the_serial_and_what_stands_beside_it(seed: int) -> None:
    _, plate = _drawn(seed)
    left, right = plate.whole
    assert left <= plate.box[0] < plate.box[2] <= right
    assert left <= plate.official[0] < plate.official[1] <= right
    assert plate.emblem is None or left <= plate.emblem[0] < plate.emblem[1]


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_weather_and_camera_leave_a_picture_and_the_plate_as_it_was(seed: int) -> None:
    _, plate = _drawn(seed)
    before, dice = plate.picture.copy(), Dice(seed)
    seen = replace(plate, picture=weather(dice, plate.picture))
    taken = photograph(dice, seen)
    assert min(taken.image.shape) > 0
    assert crop_line(taken.image, *framed(dice, seen, taken)).shape[0] == 48
    assert np.array_equal(plate.picture, before)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_at_night_a_sample_is_as_by_day_and_its_plate_is_left_as_it_was(seed: int) -> None:
    crop, text = draw(Dice(seed), night=1.0)
    assert crop.shape[0] == 48
    assert crop.max() > crop.min()
    assert crop.shape[1] // STEP >= 2 * len(text)
    _, plate = _drawn(seed)
    before, dice = plate.picture.copy(), Dice(seed)
    light = night.lit(dice, night.draw_sensor(dice), plate.picture, AROUND)
    assert light.min() >= 0
    assert np.array_equal(plate.picture, before)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_lens_spreads_light_and_makes_none(seed: int) -> None:
    light = np.zeros((160, 160, 3), np.float32)
    light[80, 80] = 1.0
    seen = night._through_lens(Dice(seed), light, 20.0)
    assert seen.sum() == pytest.approx(light.sum(), rel=0.05)
    assert seen.max() <= 1.0 + 1e-5


def test_infrared_makes_a_blue_plate_pink_where_green_pixels_count_less_of_it() -> None:
    everything, nothing = np.ones(3, np.float32), np.zeros(3, np.float32)
    blue = np.zeros((200, 400, 3), np.float32)
    blue[..., 0] = 255
    blind = night.lit(Dice(1), night.Sensor(nothing, everything), blue, AROUND)
    seeing = night.lit(Dice(1), night.Sensor(everything, everything), blue, AROUND)
    assert blind[..., 2].max() == 0, "a filter lets no red or infrared of it through"
    assert np.allclose(seeing[..., 0], seeing[..., 2]), "all colors are one gray in infrared"


def test_a_picture_is_legible_by_what_it_shows_and_not_by_how_bright_it_is() -> None:
    _, plate = _drawn(4)
    dice = Dice(4)
    taken = photograph(dice, plate)
    framing = framed(dice, plate, taken)
    size = taken.image.shape[1], taken.image.shape[0]
    plain = cv2.warpAffine(plate.picture, taken.matrix, size, borderMode=cv2.BORDER_REPLICATE)

    def legible(levels: np.ndarray) -> bool:
        image = np.clip(levels, 0, 255).astype(np.uint8)
        return is_legible(plate.picture, Photograph(image, taken.matrix), framing)

    assert legible(plain)
    assert legible(20 + plain / 4)
    assert legible(255 - plain), "bright ink in infrared"
    assert not legible(np.full_like(plain, 128))
    assert not legible(np.full_like(plain, 300)), "washed out"
    half = plain.copy()
    half[:, size[0] // 2 :] = 255
    assert not legible(half)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(16, WIDEST))
def test_augmenting_keeps_size_and_type(seed: int, width: int) -> None:
    crop = np.full((48, width, 3), 90, np.uint8)
    changed = augment(Dice(seed), crop)
    assert (changed.shape, changed.dtype) == (crop.shape, crop.dtype)
    assert np.all(crop == 90)


def test_the_pool_hands_over_what_another_process_draws_and_keeps_the_newest() -> None:
    amounts = Amounts(at_once=8, first=24, kept=16, recent=8, waiting=2)
    with Pool(draw, 3, amounts) as samples:
        assert samples.seen >= 24
        samples.refill(times=0)
        picked = samples.pick(Dice(1), 8)
    dice = Dice(3)
    drawn = [draw(dice).text for _ in range(samples.seen)]
    assert len(picked) == 8
    assert {sample.text for sample in picked} <= set(drawn[-16:])
    assert sum(sample.text in drawn[-8:] for sample in picked) >= 6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, DIES - 1), st.sampled_from(ALPHABET))
def test_a_die_has_every_character_in_strokes_and_always_the_same(number: int, character: str) -> None:
    mask = glyph(dies()[number], character)
    glyph.cache_clear()
    assert np.array_equal(mask, glyph(dies()[number], character))
    height, width = mask.shape
    assert width < 1.5 * height
    inked = float((mask > 128).mean())
    full = 0.85 if character in "MNW" else 0.75  # of three and four strokes beside each other, in a heavy die
    assert 0.12 < inked < full or character in "1I"
    assert min(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max()) > 0


def test_no_two_characters_of_a_die_are_the_same_but_those_that_dies_make_alike() -> None:
    masks = {c: cv2.resize(glyph(dies()[7], c), (40, 80)).astype(int) for c in ALPHABET}
    for one, other in combinations(ALPHABET, 2):
        if {one, other} not in ({"O", "0"}, {"I", "1"}):
            assert abs(masks[one] - masks[other]).mean() > 8, (one, other)


def test_without_installed_fonts_pillows_own_is_used(tmp_path: Path) -> None:
    assert fonts(tmp_path) == (PILLOWS_OWN,)
    assert word(Dice(1), "New York 08-11", PILLOWS_OWN, 12).max() > 200


@pytest.mark.parametrize("count", [1, 5, 7])
def test_a_contact_sheet_has_five_samples_a_row(count: int) -> None:
    sheet = contact_sheet([Sample(np.zeros((48, 100, 3), np.uint8), "ABC123")] * count)
    assert sheet.shape == (66 * -(-count // 5), 326 * 5, 3)


def test_looking_writes_a_picture_and_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SHOWN", 4)
    assert train.main(["--look", str(tmp_path / "sheet.png")]) == 0
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
