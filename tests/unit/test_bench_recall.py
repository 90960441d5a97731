"""Drawn plates are disturbed as the reader was measured to err."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.confusions import Edit, Reading, edits, figures, kind
from benchmarks.recall import disturb, disturbed, measured
from benchmarks.recall_chart import chart
from platestream.schemas import plates

PLATE = st.text(plates.CHARACTERS.replace("O", ""), min_size=4, max_size=8)


@given(PLATE, PLATE)
def test_the_edits_of_a_reading_make_it_again_of_the_same_plate(truth: str, read: str) -> None:
    made = disturb(truth, edits(truth, read), random.Random(1))
    assert len(made) == len(read)


@given(PLATE)
def test_without_an_edit_a_plate_stays_as_it_is(plate: str) -> None:
    assert disturb(plate, edits(plate, plate.replace("0", "O")), random.Random(1)) == plate


@pytest.mark.parametrize(
    ("truth", "read", "other", "result"),
    [
        ("ABC123", "A8C123", "XYB4567", "XY84567"),
        ("ABC123", "BC123", "XYZ4567", "YZ4567"),
        ("ABC123", "ABC1231", "XYZ4567", "XYZ45671"),
    ],
)
def test_what_went_wrong_with_one_plate_goes_wrong_with_another(
    truth: str, read: str, other: str, result: str
) -> None:
    assert disturb(other, edits(truth, read), random.Random(1)) == result


def test_a_character_that_is_not_there_is_replaced_by_one_that_errs_alike() -> None:
    made = disturb("SHM1134", (Edit(0.2, "B", "8"),), random.Random(1))
    (place,) = (n for n, (a, b) in enumerate(zip("SHM1134", made, strict=True)) if a != b)
    assert plates.confusable(made[place], "SHM1134"[place])


def test_kinds_of_readings_are_told_apart() -> None:
    said = {read: kind(edits("ABC123", read)) for read in ("ABC123", "A8C123", "XBC123", "BC123")}
    assert list(said.values()) == ["right", "confused", "other", "length"]


def test_a_disturbed_read_keeps_confidences_and_leaves_out_readings_that_are_its_own() -> None:
    picture = (Reading(0.6, edits("ABC123", "A8C123")), Reading(0.2, ()), Reading(0.1, ()))
    read = disturbed(1, "XYB456", picture, random.Random(1))
    assert (read.plate, read.confidence) == ("XY8456", 0.6)
    assert [(one.plate, one.confidence) for one in read.alternatives] == [("XYB456", 0.2), ("XYB456", 0.1)]


def test_what_was_measured_comes_with_the_source_and_holds_no_plate() -> None:
    result = measured()
    assert sum(figures(result)[name] for name in ("right", "confused", "other", "length", "nothing")) == 589
    assert all(len(edit.told) <= 1 for shown in result.pictures for one in shown for edit in one.edits)


def test_the_chart_is_a_picture_that_fetches_nothing() -> None:
    point = {"budget": 1, "found_share": 0.9, "false_alerts_per_100000_reads": 12}
    drawn = chart({"curves": {"budget": [point, {**point, "budget": 2}]}})
    assert drawn.startswith("<svg")
    assert "<script" not in drawn
