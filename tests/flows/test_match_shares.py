"""Shares of the match flow together do what one process does, and nothing twice."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platestream.edges.edge import ALL_PARTITIONS, Edge, Share
from platestream.edges.kafka_claim import ClaimedError
from platestream.flow_process import lock_share, take_store
from platestream.flows import match_flow
from platestream.operators.matching.entry_match import match_entry
from platestream.runtime.clock import utc_now
from platestream.schemas import tables, topics
from platestream.schemas.detection import Alternative
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.message import Message
from platestream.settings import SettingsError
from tests.support.clock import NOW
from tests.support.flows import detection, listed, recovery, run
from tests.support.memory_edge import MemoryTables, MemoryTopics

PLATES = ["AST3087", "A5T3087", "XYZ1234", "XY21234", "0HIO01"]
PATTERNS = ["AST*", "??Z12*"]
CAMERAS = [f"cam-{number}" for number in range(6)]


def entry(plate: str, **changes: Any) -> HotListEntry:
    made = listed(plate, "0", **changes).entry
    assert made is not None
    return made


listings = st.builds(
    lambda number, plate, again, listed_s: listed(
        plate, str(number), again_after_s=again, listed_at=NOW + timedelta(seconds=listed_s)
    ),
    st.integers(0, 7),
    st.sampled_from(PLATES + PATTERNS),
    st.sampled_from([0, 600]),
    st.sampled_from([-60, 15, 45]),
)
removals = st.builds(lambda number: HotListChange(f"sjpd:{number}", None), st.integers(0, 7))
expired = st.builds(
    lambda number: listed("AST3087", f"old-{number}", expires_at=NOW - timedelta(days=2)), st.integers(0, 3)
)
invalid = st.builds(lambda number: Message(f"sjpd:bad-{number}".encode(), b"{}"), st.integers(0, 3))
reads = st.builds(
    lambda plate, second, camera, others: msgspec.structs.replace(
        detection(plate, second, camera), alternatives=tuple(Alternative(one, 0.3) for one in others)
    ),
    st.sampled_from([*PLATES, "NOTHING"]),
    st.integers(0, 60),
    st.sampled_from(CAMERAS),
    st.lists(st.sampled_from(PLATES), max_size=2),
)
in_view = st.builds(
    lambda read, later: VehicleInView(detection=read, seen_at=read.captured_at + timedelta(seconds=later)),
    reads,
    st.integers(1, 60),
)
found_elsewhere = st.builds(
    lambda plate, second, camera: match_entry(
        detection(plate, second, camera), entry(plate, listed_at=NOW + timedelta(days=1))
    ),
    st.sampled_from(PLATES),
    st.integers(0, 60),
    st.sampled_from(CAMERAS),
)
# In one turn all records are of one topic, because the order of two topics is not defined for one process.
turns = st.lists(
    st.one_of(
        *(st.lists(kind, min_size=1, max_size=6) for kind in (listings, removals, expired, invalid)),
        *(st.lists(kind, min_size=1, max_size=8) for kind in (reads, reads, in_view, found_elsewhere)),
    ),
    min_size=2,
    max_size=6,
)
TOPIC = {
    "HotListChange": topics.HOTLIST,
    "Detection": topics.DETECTIONS,
    "VehicleInView": topics.IN_VIEW,
    "AlertHit": topics.ALERT_HITS,
}


class System:
    """Flows of so many shares over the same topics and tables, each with a recovery store."""

    def __init__(self, folder: Path, count: int) -> None:
        self.streams, self.store, self.folder = MemoryTopics(), MemoryTables(), folder
        self.shares = [Share(number, count) for number in range(count)]
        self.stores = [recovery(folder / f"{count}-{number}", 1) for number in range(count)]

    def play(self, records: Sequence[Any]) -> None:
        """Write records, then let each share work them off."""
        for one in records:
            if isinstance(one, Message):
                self.streams.append(topics.HOTLIST, one)
            else:
                topic: Any = TOPIC[type(one).__name__]
                self.streams.append(topic, topic.encode(one))
        for share, kept in zip(self.shares, self.stores, strict=True):
            edge = Edge(self.streams.of(share), self.store, share=share)
            run(match_flow.build(edge, utc_now), kept)

    @property
    def results(self) -> dict[str, list[Any]]:
        """All outputs, without their order between partitions."""
        hits = self.streams.records(topics.ALERT_HITS)
        letters = self.streams.records(topics.DEAD_LETTERS)
        return {
            "hits": sorted(
                (str(one.hit_id), one.rank, one.historical, one.detection.stayed_ms) for one in hits
            ),
            "rows": sorted(map(repr, self.store.rows(tables.ALERT_HITS))),
            "facts": sorted(map(repr, self.store.rows(tables.HIT_FACTS))),
            "letters": sorted(one.origin for one in letters),
            "removed": sorted(m.key for m in self.streams.messages(topics.HOTLIST) if m.value is None),
        }


@given(turns)
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
def test_two_and_three_shares_do_together_what_one_process_does(played: list[list[Any]]) -> None:
    with TemporaryDirectory() as folder:
        systems = [System(Path(folder), count) for count in (1, 2, 3)]
        for turn in played:
            for one in systems:
                one.play(turn)
        first, *others = [one.results for one in systems]
        for result in others:
            assert result == first


def test_what_a_share_may_do_once_is_done_by_one(tmp_path: Path) -> None:
    shares = System(tmp_path, 3)
    old = [listed("AST3087", f"old-{number}", expires_at=NOW - timedelta(days=2)) for number in range(8)]
    shares.play([*old, Message(b"sjpd:bad", b"{}"), listed("XYZ1234", "1")])
    assert len(shares.results["letters"]) == 1
    assert shares.results["removed"] == [f"sjpd:old-{number}".encode() for number in range(8)]
    shares.play([detection("XYZ1234", number, camera) for number, camera in enumerate(CAMERAS)])
    found = [one[0] for one in shares.results["hits"]]
    assert len(found) == len(set(found)) == len(CAMERAS)


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "of before shares"])
def test_copies_of_the_store_of_one_process_go_on_as_its_shares(tmp_path: Path, *, noted: bool) -> None:
    one, two = System(tmp_path, 1), System(tmp_path, 2)
    one.play([listed("AST3087", "1", again_after_s=600)])
    one.play([detection("AST3087", number, camera) for number, camera in enumerate(CAMERAS)])
    if noted:
        take_store(ALL_PARTITIONS, "divisible", tmp_path / "1-0")
    before = len(one.results["hits"])
    for number in range(2):
        shutil.rmtree(tmp_path / f"2-{number}")
        shutil.copytree(tmp_path / "1-0", tmp_path / f"2-{number}")
        take_store(Share(number, 2), "divisible", tmp_path / f"2-{number}")
    two.streams, two.store = one.streams, one.store
    two.play([detection("AST3087", 30 + number, camera) for number, camera in enumerate(CAMERAS)])
    assert before == len(two.results["hits"]) == len(CAMERAS), "each camera's pass alerted before the change"
    two.play([detection("AST3087", 3000 + number, camera) for number, camera in enumerate(CAMERAS)])
    assert len(two.results["hits"]) == 2 * len(CAMERAS)


def test_a_store_of_before_shares_is_of_all_partitions(tmp_path: Path) -> None:
    System(tmp_path, 1).play([listed("AST3087", "1")])
    store = tmp_path / "1-0"
    with pytest.raises(SettingsError, match="is of share 1/1; share 1/2 would miss"):
        take_store(Share(0, 2), "fixed", store)
    take_store(ALL_PARTITIONS, "fixed", store)
    assert (store / "share").read_text() == "1/1"


def test_a_store_of_a_share_of_before_notes_is_of_that_share(tmp_path: Path) -> None:
    """Shares of `recognize` are older than the notes in their stores."""
    System(tmp_path, 2).play([listed("AST3087", "1")])
    for number in range(2):
        store = tmp_path / f"2-{number}"
        with pytest.raises(SettingsError, match="would miss or repeat"):
            take_store(Share(1 - number, 2), "fixed", store)
        take_store(Share(number, 2), "fixed", store)
        assert (store / "share").read_text() == f"{number + 1}/2"


@pytest.mark.parametrize(
    ("before", "after", "divisible", "fixed"),
    [
        ("1/1", "1/1", True, True),
        ("1/1", "2/3", True, False),
        ("1/2", "1/2", True, True),
        ("1/2", "3/4", True, False),
        ("1/2", "2/4", False, False),
        ("1/2", "2/2", False, False),
        ("1/2", "1/3", False, False),
        ("1/2", "1/1", False, False),
    ],
)
def test_a_store_goes_on_with_partitions_whose_positions_it_has(
    tmp_path: Path, before: str, after: str, *, divisible: bool, fixed: bool
) -> None:
    for sharing, allowed in (("divisible", divisible), ("fixed", fixed)):
        store = tmp_path / sharing
        store.mkdir()
        take_store(Share.parse(before), sharing, store)  # type: ignore[arg-type]
        if allowed:
            take_store(Share.parse(after), sharing, store)  # type: ignore[arg-type]
        else:
            with pytest.raises(SettingsError, match=f"is of share {before}; share {after} would miss"):
                take_store(Share.parse(after), sharing, store)  # type: ignore[arg-type]
            take_store(Share.parse(before), sharing, store)  # type: ignore[arg-type]


def test_a_part_of_a_share_reads_partitions_of_it_only() -> None:
    every = [Share(number, of) for of in range(1, 9) for number in range(of)]
    for one in every:
        for whole in every:
            partitions = set(one(range(840)))
            assert one.is_part_of(whole) == (partitions <= set(whole(range(840))))


def test_a_flow_of_one_process_refuses_a_share(tmp_path: Path) -> None:
    take_store(ALL_PARTITIONS, "none", tmp_path)
    with pytest.raises(SettingsError, match="one process and no share 1/2"):
        take_store(Share(0, 2), "none", None)


HOLD = """
import sys
from pathlib import Path
from platestream.edges.edge import Share
from platestream.flow_process import lock_share
lock_share(Path(sys.argv[1]), Share.parse(sys.argv[2]), 8)
print("held", flush=True)
sys.stdin.read()
"""


def held(file: Path, share: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(file), share]
    pipe = subprocess.PIPE
    started = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n", started.communicate()[1]
    return started


def test_on_one_machine_a_partition_is_read_by_one_process_until_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "topics" / "match.lock"
    first, second = held(file, "1/2"), held(file, "2/2")
    try:
        for share, partition in (("1/1", 0), ("3/3", 2), ("2/2", 1)):
            with pytest.raises(
                ClaimedError, match=f"share {share} of match: partition {partition} is read by"
            ):
                lock_share(file, Share.parse(share), 8)
        second.kill()
        second.wait(30)
        held(file, "2/2").kill()
    finally:
        first.kill()
        second.kill()
