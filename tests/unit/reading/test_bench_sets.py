import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import baseline, sets
from benchmarks.changes import CHANGES
from benchmarks.read import Image, Photo
from benchmarks.sets import Labelled, Result
from platestream.reading.plate_reader import TwoPassReader
from platestream.schemas.reading import PlateRead
from platestream.schemas.reading import Reading as AltReading
from tests.unit.reading.readings import ScriptedEngine

LABELS = """file,state,plate,vintage,stacked,sample_art,unsure
us/1.jpg,AZ,AST3087,0,0,0,0
us/2.jpg,NM,211465,1,1,0,0
us/3.jpg,NC,J642BP,0,1,0,1
"""


def result(
    plate: str, said: str, confidence: float = 0.9, state: str | None = None, theirs: str | None = None
) -> Result:
    photo = Photo(Path("a.jpg"), "us", plate, "AZ" if state else None, None)
    reads = [PlateRead(said, confidence, state, 0.9, (0, 0, 1, 1), (), ())] if said else []
    their = (0.0, 0.0) if theirs is None else (0.2, 0.3)
    return Result(Labelled(photo), reads, 0.1, 0.1, theirs, *their)


def test_a_folder_without_labels_is_a_set_without_plates(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    (found,) = sets.sets_of(tmp_path)
    assert (len(found.photos), found.plateless) == (1, True)


def test_a_folder_with_neither_labels_nor_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=str(tmp_path)):
        sets.sets_of(tmp_path)


def test_each_region_of_a_folder_is_a_set(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,region,plate\n1.jpg,us,ABC123\n2.jpg,br,ABC1234\n")
    assert [s.name for s in sets.sets_of(tmp_path)] == [f"{tmp_path.name} br", f"{tmp_path.name} us"]


def test_marked_plates_get_lines_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    (found,) = sets.sets_of(tmp_path)
    lines = sets.lines_of(found, [Result(p, [], 0.1, 0.1) for p in found.photos])
    counts = {str(line["set"]).removeprefix(tmp_path.name): line["pictures"] for line in lines}
    assert counts == {"": 3, ", not vintage": 2, ", stacked": 2, ", no mark": 1}


def test_exact_folded_and_sure_are_counted_apart() -> None:
    line = sets.plates_line("x", [result("AB0123", "ABO123", 0.96), result("XYZ999", "XYZ998"),
                                  result("KLM111", "")])  # fmt: skip
    assert line["exact"] == sets.share([False] * 3)
    assert line["folded"] == sets.share([True, False, False])
    assert (line["sure"], line["sure_right"]) == (1, sets.share([True]))
    assert "times_paddleocr" not in line


def test_an_official_number_among_the_other_readings_is_counted_apart() -> None:
    read = PlateRead("0615", 0.75, None, 0.0, (0, 0, 1, 1), (AltReading("EN0615", 0.25),), ())
    line = sets.plates_line("x", [Result(result("EN0615", "").labelled, [read], 0.1, 0.1)])
    assert (line["folded"], line["folded_in_five"]) == (sets.share([False]), sets.share([True]))


def test_a_state_counts_where_it_is_given_and_paddleocr_where_it_was_asked() -> None:
    line = sets.plates_line("x", [result("AST3087", "AST3087", state="NV", theirs="AST3087")])
    assert (line["state_given"], line["state_right"]) == (1.0, sets.share([False]))
    assert (line["paddleocr_exact"], line["times_paddleocr"]) == (sets.share([True]), 2.0)
    assert line["processor_times_paddleocr"] == 3.0, "by processor time"


def test_a_false_plate_is_counted_at_each_confidence_it_reaches() -> None:
    line = sets.plateless_line("x", [result("", "ABC123", 0.85), result("", "", 0.0)])
    assert [line[f"false_from_{c}"] for c in sets.FALSE_FROM] == [1, 1, 1, 0]


def test_each_set_is_one_line_of_text() -> None:
    lines = [
        sets.plates_line("x", [result("A1", "A1", theirs="A1")]),
        sets.plateless_line("y", [result("", "")]),
    ]
    assert [text.split()[0] for text in sets.as_text(lines).splitlines()] == ["set", "x", "y"]


def test_photographs_are_read_and_timed_with_and_without_the_baseline(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((720, 1280, 3), np.uint8))
    (tmp_path / "labels.csv").write_text("file,region,plate\na.png,br,ABC1234\n")
    (found,) = sets.sets_of(tmp_path)
    readers = {"br": TwoPassReader(ScriptedEngine([(500, 400, 120, 30)], ["ABC1234"], 0.99), "br")}
    page = {"rec_texts": ["ABC-1234"], "rec_polys": [[[0, 0], [9, 0], [9, 3], [0, 3]]]}
    (alone,), (beside,) = (sets.measured(found.photos, readers, plain) for plain in (None, lambda _: [page]))
    assert (alone.top, alone.theirs) == ("ABC1234", None)
    assert (beside.top, beside.theirs) == ("ABC1234", "ABC1234")
    assert beside.seconds > 0 < beside.their_seconds
    assert beside.processor > 0 < beside.their_processor


def test_the_interval_of_ninety_in_a_hundred_is_as_tables_have_it() -> None:
    assert sets.wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert sets.wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 2000), st.data())
def test_the_interval_holds_the_share_and_stays_within_nought_and_one(
    count: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, count))
    low, high = sets.wilson(hits, count)
    assert 0 <= low <= hits / count + 1e-9
    assert hits / count - 1e-9 <= high <= 1


def test_nobody_is_timed_before_the_threads_of_the_other_have_come_to_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wall, spinning = [0.0], [0.05]
    slept = list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall[0] += seconds

    monkeypatch.setattr("benchmarks.baseline.time.sleep", sleep)
    monkeypatch.setattr("benchmarks.baseline.time.perf_counter", lambda: wall[0])
    monkeypatch.setattr("benchmarks.baseline.time.process_time", lambda: min(wall[0], spinning[0]))
    baseline.rest()
    assert wall[0] == pytest.approx(0.06)
    baseline.rest()
    assert wall[0] == pytest.approx(0.07)
    spinning[0] = 100
    baseline.rest(longest=0.5)
    assert wall[0] == pytest.approx(0.57, abs=0.02)


def test_each_takes_its_turn_with_a_block_and_answers_stay_with_their_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[str]()
    monkeypatch.setattr(baseline, "rest", lambda: asked.append("rest"))

    def ours(item: int) -> int:
        asked.append("ours")
        return item * 2

    def theirs(item: int) -> int:
        asked.append("theirs")
        return -item

    found = list(baseline.turn_about(range(baseline.BLOCK + 3), ours, theirs))
    assert [(item, mine.answer, other.answer) for item, mine, other in found] == [
        (item, 2 * item, -item) for item in range(baseline.BLOCK + 3)
    ]
    first = ["rest", *["theirs"] * baseline.BLOCK, "rest", *["ours"] * baseline.BLOCK]
    assert asked == [*first, "rest", *["ours"] * 3, "rest", *["theirs"] * 3]


def test_items_that_are_taken_at_once_share_the_time_that_all_took(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2, timeout=10)
    monkeypatch.setattr(baseline, "rest", lambda: None)

    def ours(item: int) -> int:
        meeting.wait()
        time.sleep(0.02)
        return -item

    found = list(baseline.turn_about(range(4), ours, lambda item: item, at_once=2))
    assert [mine.answer for _, mine, _ in found] == [0, -1, -2, -3]
    assert len({mine.seconds for _, mine, _ in found}) == 1
    assert sum(mine.seconds for _, mine, _ in found) >= 0.04


def test_a_changed_photograph_keeps_its_plate_and_its_kind() -> None:
    picture = np.zeros((120, 240, 3), np.uint8)
    cv2.putText(picture, "AST3087", (30, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (230, 230, 230), 3)
    for name, change in CHANGES.items():
        seen = change(picture)
        assert (seen.dtype, seen.ndim) == (picture.dtype, 3), name
        assert 0.8 < seen.shape[1] / picture.shape[1] < 1.2, name
        assert not np.array_equal(seen, picture), name
        assert seen.max() > 150 > 60 > seen.min(), name


def test_a_plate_is_steady_that_is_right_as_it_is_and_in_every_change() -> None:
    plain = [result("ABC123", "ABC123"), result("XYZ999", "XYZ999"), result("KLM111", "")]
    ways = {
        "smaller": [result("ABC123", "ABC123", 0.97), result("XYZ999", ""), result("KLM111", "KLM111")],
        "darker": [result("ABC123", "ABC123"), result("XYZ999", "XYZ999"), result("KLM111", "KLMIII", 0.96)],
    }
    line = sets.changed_line("x", plain, ways)
    assert (line["set"], line["pictures"]) == ("x, changed", 6)
    assert line["steady"] == sets.share([True, False, False])
    assert line["by_change"] == {"smaller": 0.6667, "darker": 1.0}, "an I that is a 1 is folded"
    assert line["folded"] == {**sets.share([True, True, True]), "share": 0.8333, **interval(2.5, 3)}
    assert (line["sure"], line["sure_right"]) == (2, sets.share([True, True]))
    assert "steady 33.3" in sets.as_text([line])


def interval(hits: float, count: int) -> dict[str, float]:
    low, high = sets.wilson(hits, count)
    return {"low": round(low, 4), "high": round(high, 4)}


def test_changed_pictures_without_a_plate_are_counted_by_what_is_read_there() -> None:
    ways = {"smaller": [result("", "STOP12", 0.85)], "darker": [result("", "")]}
    line = sets.changed_line("x", [result("", "")], ways)
    assert (line["set"], line["pictures"], line["false_from_0.8"]) == ("x, changed", 2, 1)


def test_pictures_are_read_as_they_are_changed(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9, 3), np.uint8))
    asked: list[tuple[int, ...]] = []

    class Sizes(TwoPassReader):
        def read(self, image: Image, longest: int = 0, known: PlateRead | None = None) -> list[PlateRead]:
            asked.append(image.shape)
            return []

    (found,) = sets.sets_of(tmp_path)
    readers = {"us": Sizes(ScriptedEngine([], ["X"], 0.9))}
    sets.measured(found.photos, readers, None, 1, CHANGES["smaller"])
    assert set(asked) == {(8, 8, 3)}
