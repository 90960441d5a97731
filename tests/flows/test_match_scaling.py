"""The number of workers decides nothing: not on one run, and not from one start to the next."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.flows import match_flow
from platestream.operators.matching.entry_match import Rules
from platestream.schemas import topics
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.hotlist import HotListChange
from tests.flows.test_match_flow import put
from tests.support.flows import detection, listed, memory_edge, recovery, run
from tests.support.memory_edge import MemoryTopics

PLATES = ["AST3087", "A5T3087", "XYZ1234", "XY21234", "0HIO01", "AST*", "??Z12*"]
LIST = [listed(plate, str(number), again_after_s=0) for number, plate in enumerate(PLATES)]
READS = st.lists(
    st.tuples(st.sampled_from(PLATES[:5]), st.lists(st.sampled_from(PLATES[:5]), max_size=2)),
    min_size=1,
    max_size=8,
)


def reads(result: list[tuple[str, list[str]]]) -> list[Detection]:
    return [
        msgspec.structs.replace(
            detection(plate, number, f"cam-{number % 3}"),
            alternatives=tuple(Alternative(other, 0.3) for other in others),
        )
        for number, (plate, others) in enumerate(result)
    ]


def ids(streams: MemoryTopics) -> list[Any]:
    return sorted((hit.hit_id, hit.rank) for hit in streams.records(topics.ALERT_HITS))


@given(READS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
def test_one_two_and_four_workers_make_the_same_hits(result: list[tuple[str, list[str]]]) -> None:
    found = []
    for workers in (1, 2, 4):
        edge, streams, _store = memory_edge()
        put(streams, *LIST, *reads(result))
        run(match_flow.build(edge), workers=workers)
        found.append(ids(streams))
    assert found[0] == found[1] == found[2]
    assert found[0], "each read is of a listed plate"


@pytest.mark.parametrize("counts", [(1, 4, 2), (4, 1)])
def test_after_each_rescaling_hits_go_on_and_a_pass_alerts_once(
    tmp_path: Path, counts: tuple[int, ...]
) -> None:
    edge, streams, _store = memory_edge()
    kept = recovery(tmp_path / "recovery", 4)
    put(streams, *(listed(plate, str(number)) for number, plate in enumerate(PLATES[:5])))
    for turn, workers in enumerate(counts):
        for number, plate in enumerate(("AST3087", "XYZ1234", "0HIO01")):
            put(streams, detection(plate, 10 * turn, f"stays-{number}"))
            put(streams, detection(plate, 10 * turn, f"passes-{number}-{turn}"))
        run(match_flow.build(edge), kept, workers)
    cameras = [hit.detection.camera_id for hit in streams.records(topics.ALERT_HITS) if hit.match == "exact"]
    assert sorted(cameras) == sorted(
        [f"stays-{number}" for number in range(3)]
        + [f"passes-{number}-{turn}" for number in range(3) for turn in range(len(counts))]
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_doubtful_read_and_a_doubtful_reading_alert_nobody(workers: int) -> None:
    edge, streams, _store = memory_edge()
    put(streams, *LIST[:1])
    sure = detection("AST3087")
    doubtful = msgspec.structs.replace(detection("AST3087", 1, "b"), confidence=0.19)
    likely, unlikely = (
        msgspec.structs.replace(
            detection("ZZZ9999", 2, camera), alternatives=(Alternative("AST3087", share),), confidence=0.2
        )
        for camera, share in (("c", 0.05), ("d", 0.049))
    )
    put(streams, sure, doubtful, likely, unlikely)
    rules = Rules(least_confidence=0.2, least_alternative=0.05)
    run(match_flow.build(edge, rules=rules), workers=workers)
    found = {hit.detection.camera_id: hit.match for hit in streams.records(topics.ALERT_HITS)}
    assert found == {"cam": "exact", "c": "alternative"}


def test_changes_played_twice_change_nothing() -> None:
    found = []
    for times in (1, 2):
        edge, streams, _store = memory_edge()
        put(streams, *[*LIST, HotListChange("sjpd:2", None)] * times, detection("XYZ1234"))
        run(match_flow.build(edge), workers=2)
        found.append(ids(streams))
        assert "sjpd:2" not in {hit.entry.entry_id for hit in streams.records(topics.ALERT_HITS)}
    assert found[0], "a partial plate and a look-alike are still listed"
    assert found[0] == found[1]
