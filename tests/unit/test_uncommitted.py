"""A flow that is killed at the end of an epoch, killed again before it reads on, and started once more.

With what Bytewax leaves of the first run in the store the third loses a vehicle, or detects it by another
frame than its first; the tests say so, too, so that a Bytewax that has mended it is noticed.
"""

import sqlite3
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.errors import BytewaxRuntimeError
from bytewax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from platestream.operators.consensus import PassRules, VehiclePasses
from platestream.operators.frame_outcomes import FrameOutcomes
from platestream.operators.frame_reads import FrameReads, Sighting
from platestream.retention import uncommitted
from platestream.runtime.clock import utc_now
from platestream.schemas.detection import Detection, detection_id
from platestream.schemas.fields import Vehicle
from platestream.schemas.reading import PlateRead

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
READ = PlateRead("ABC1234", 0.9, None, 0.0, (100, 300, 100, 50), (), (0.9,) * 7)
SEEN = Sighting(READ, b"crop", b"picture")


def frame(number: int, second: float, *seen: Sighting) -> FrameReads:
    at = START + timedelta(seconds=second)
    return FrameReads("a-gate", at, 34.5, -109.4, Vehicle(), seen, UUID(int=number))


FRAMES = [frame(0, 0, SEEN), frame(1, 0.2, SEEN), frame(2, 0.4, SEEN), frame(3, 9)]
"""A vehicle, and the frame by which its pass is over."""
VEHICLE = detection_id("a-gate", START, 0)


class Camera(FixedPartitionedSource[tuple[str, FrameReads], int]):
    """Each frame in an epoch of its own, after two in which a flow loads its lists; killed before `until`."""

    def __init__(self, until: int) -> None:
        self._until = until

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> "_Camera":
        return _Camera(self._until, resume_state or 0)


class _Camera(StatefulSourcePartition[tuple[str, FrameReads], int]):
    def __init__(self, until: int, position: int) -> None:
        self._until, self._position, self._loading = until, position, 2

    def next_batch(self) -> list[tuple[str, FrameReads]]:
        if self._loading:
            self._loading -= 1
            return []
        if self._position >= self._until:
            raise AbortExecution
        self._position += 1
        return [("a-gate", FRAMES[self._position - 1])]

    def snapshot(self) -> int:
        return self._position


class Table(FixedPartitionedSink[FrameReads | Detection, None]):
    """Inserts detections at the end of an epoch; killed as it does so in the epoch of frame `amid`."""

    def __init__(self, rows: list[Detection], amid: FrameReads | None) -> None:
        self._rows, self._amid = rows, amid

    def list_parts(self) -> list[str]:
        return ["0"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> "_Table":
        return _Table(self._rows, self._amid)


class _Table(StatefulSinkPartition[FrameReads | Detection, None]):
    def __init__(self, rows: list[Detection], amid: FrameReads | None) -> None:
        self._rows, self._amid = rows, amid
        self._new: list[FrameReads | Detection] = []

    def write_batch(self, values: list[FrameReads | Detection]) -> None:
        self._new += values

    def snapshot(self) -> None:
        if self._amid in self._new:
            raise OSError("killed")
        self._rows += [one for one in self._new if isinstance(one, Detection)]
        self._new.clear()


def started(
    store: Path, rows: list[Detection], until: int = len(FRAMES), amid: FrameReads | None = None
) -> None:
    """The recognise flow's last steps, from the store on, until they are killed."""
    flow = Dataflow("recognize")
    frames: Any = op.input("frames", flow, Camera(until))
    once: Any = op.stateful_batch("once", frames, FrameOutcomes)
    passes: Any = op.stateful(
        "passes", once, lambda resume: VehiclePasses(resume, ("model",), PassRules(), utc_now)
    )
    op.output("table", op.merge("all", once, passes), Table(rows, amid))
    with pytest.raises(BytewaxRuntimeError) if amid else nullcontext():
        run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(str(store)))


def left(store: Path, where: str, do: str = "SELECT count(*)") -> int:
    """Snapshots that a run left, by their number."""
    count = 0
    for file in store.glob("*.sqlite3"):
        with closing(sqlite3.connect(file)) as part, part:
            count += (part.execute(f"{do} FROM snaps WHERE {where}").fetchone() or [0])[0]
    return count


@pytest.fixture
def store(tmp_path: Path) -> Path:
    init_db_dir(tmp_path, 3)
    return tmp_path


@pytest.mark.parametrize("taken_back", [True, False])
def test_what_was_published_in_state_and_nowhere_else_is_published_again(
    store: Path, taken_back: bool
) -> None:
    rows: list[Detection] = []
    started(store, rows, amid=FRAMES[3])
    assert left(store, f"snap_epoch >= {uncommitted.resume_epoch(store)}") > 0
    assert rows == []
    if taken_back:
        assert uncommitted.delete_uncommitted(store) > 0
    started(store, rows, until=3)
    started(store, rows)
    assert [one.detection_id for one in rows] == ([VEHICLE] if taken_back else [])


@pytest.mark.parametrize("taken_back", [True, False])
def test_a_frame_that_one_step_alone_knows_is_read_again_and_opens_its_pass(
    store: Path, taken_back: bool
) -> None:
    rows: list[Detection] = []
    started(store, rows, amid=FRAMES[0])
    epoch = uncommitted.resume_epoch(store)
    # Its state was to be written into another file of the store, and the kill came before.
    left(store, f"snap_epoch >= {epoch} AND step_id LIKE 'recognize.passes%'", "DELETE")
    assert left(store, f"snap_epoch >= {epoch} AND step_id = 'recognize.once'") == 1
    if taken_back:
        uncommitted.delete_uncommitted(store)
    started(store, rows, until=0)
    started(store, rows)
    (one,) = rows
    assert (one.detection_id == VEHICLE, one.frames) == ((True, 3) if taken_back else (False, 2))


def test_what_was_committed_stays(store: Path) -> None:
    rows: list[Detection] = []
    for until in (1, 2, 3, 4):
        started(store, rows, until=until)
        uncommitted.delete_uncommitted(store)
    assert [(one.detection_id, one.frames) for one in rows] == [(VEHICLE, 3)]


def test_a_store_that_has_seen_no_run_has_nothing_to_take_back(store: Path) -> None:
    assert (uncommitted.runs(store), uncommitted.resume_epoch(store)) == (0, 1)
    assert uncommitted.delete_uncommitted(store) == 0


def test_runs_are_counted(store: Path) -> None:
    started(store, [], until=1)
    started(store, [], until=2)
    assert uncommitted.runs(store) == 2
