from hypothesis import given
from hypothesis import strategies as st

from platestream.schemas import plates

PLATE = st.text(plates.CHARACTERS, min_size=1, max_size=10)
CHARACTER = st.sampled_from(plates.CHARACTERS)


@given(st.text(max_size=30))
def test_normalising_leaves_only_capitals_and_digits_and_is_done_once(text: str) -> None:
    plate = plates.normalise(text)
    assert all(char in plates.CHARACTERS for char in plate)
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
    assert plates.differences(plate, plate.replace("O", "0")) == []


@given(st.lists(st.tuples(CHARACTER, CHARACTER), min_size=1, max_size=10))
def test_where_plates_are_apart_is_told_only_where_each_difference_may_be_a_misreading(
    pairs: list[tuple[str, str]],
) -> None:
    read, listed = ("".join(side) for side in zip(*pairs, strict=True))
    differ = [n for n, (a, b) in enumerate(pairs) if plates.equate(a) != plates.equate(b)]
    possible = all(plates.confusable(*pairs[n]) for n in differ)
    assert plates.differences(read, listed) == (differ if possible else None)
    if possible:
        assert plates.shape(read) == plates.shape(listed)


@given(PLATE)
def test_every_bucket_number_is_within_range(plate: str) -> None:
    assert 0 <= int(plates.bucket(plate)) < plates.BUCKETS
    assert plates.shape_bucket(plates.shape(plate)) == plates.bucket(plate)
