from hypothesis import given
from hypothesis import strategies as st

from schemas import plates

PLATE = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=10)


@given(st.text(max_size=30))
def test_normalising_leaves_only_capitals_and_digits_and_is_done_once(text: str) -> None:
    plate = plates.normalise(text)
    assert all(char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" for char in plate)
    assert plates.normalise(plate) == plate


@given(PLATE, st.data())
def test_look_alikes_meet_in_one_bucket(plate: str, data: st.DataObject) -> None:
    def other(char: str) -> str:
        group = next((group for group in plates.LOOK_ALIKES if char in group), char)
        return data.draw(st.sampled_from(group))

    alike = "".join(map(other, plate))
    assert plates.fold(alike) == plates.fold(plate)
    assert plates.bucket(alike) == plates.bucket(plate)


@given(PLATE)
def test_o_and_zero_never_differ(plate: str) -> None:
    assert plates.differences(plate, plate.replace("O", "0")) == ()


@given(PLATE, PLATE)
def test_plates_without_differences_are_equal_but_for_o_and_zero(a: str, b: str) -> None:
    if len(a) == len(b):
        assert (plates.differences(a, b) == ()) == (plates.equate(a) == plates.equate(b))
        assert plates.differences(a, b) == plates.differences(b, a)


@given(PLATE)
def test_every_bucket_number_is_within_range(plate: str) -> None:
    assert 0 <= int(plates.bucket(plate)) < plates.BUCKETS
    assert plates.shape_bucket(plates.shape(plate)) == plates.bucket(plate)
