"""What a soak says of a process: it finds what is planted, and nothing in what only goes up and down."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.soak.chart import picture
from tests.soak.growth import by_minute, growth, table
from tests.soak.watch import Sample, disk

MIB = 2**20


def sampled(
    memory: int = 0, files: int = 0, threads: int = 0, pid: int = 7, base: int = 100 * MIB
) -> list[Sample]:
    """An hour whose first ten minutes load a model; each figure is what comes to it within the hour."""
    found = []
    for number in range(720):
        hour = number / 720
        loaded = min(1.0, number / 120) * base
        wobble = (number % 7 - 3) * 60_000
        held = round(loaded + wobble + memory * hour)
        counts = (round(20 + files * hour), round(8 + threads * hour))
        found.append(Sample(number * 5.0, "match", pid, held, held, *counts, number * 0.25))
    return found


def test_what_only_warms_up_and_wobbles_does_not_grow() -> None:
    (one,) = growth(sampled())
    assert one.grows == []
    assert abs(one.slope) < MIB / 10
    assert one.cores == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("planted", "found"),
    [({"memory": 30 * MIB}, "memory"), ({"files": 30}, "files"), ({"threads": 30}, "threads")],
)
def test_what_grows_all_the_time_is_found(planted: dict[str, int], found: str) -> None:
    (one,) = growth(sampled(**planted))
    assert one.grows == [found]


def test_its_slope_is_what_it_takes_in_an_hour() -> None:
    (one,) = growth(sampled(memory=30 * MIB))
    assert one.slope == pytest.approx(30 * MIB, rel=0.02)
    assert "| `match` | 11" in table([one])


def test_a_process_that_was_started_again_is_told() -> None:
    before, after = sampled(), sampled(pid=8)
    (one,) = growth([*before[:300], *after[300:]])
    assert one.grows == ["starts"]


def test_a_minute_without_a_sample_has_the_one_before() -> None:
    assert by_minute([(0, 1), (30, 3), (130, 5)]) == [2, 2, 5]


def test_the_picture_is_xml_with_a_curve_for_each_figure_and_folder() -> None:
    drawn = picture(sampled(), [(0.0, {"topics": 5_000_000, "up": 10})], "an hour & more")
    root = ElementTree.fromstring(drawn)
    curves = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(curves) == 5, "memory, files, threads, cores, and the one folder that is worth a look"


def test_bytes_on_the_disk_are_those_of_blocks(tmp_path: Path) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    (folder / "one").write_bytes(b"x" * 10_000)
    assert disk(tmp_path)["topics"] % 512 == 0
    assert disk(tmp_path)["topics"] >= 10_000
