"""What flow tests share: records made from the examples, a scripted reader, and ways to run a flow."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
from bytewax.dataflow import Dataflow
from bytewax.inputs import StatefulSourcePartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main, run_main

from docs.generators.catalogue import example
from platestream.edges.edge import Edge
from platestream.reading.geometry import Box
from platestream.schemas.detection import Detection, detection_id
from platestream.schemas.hit_action import HitAction
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.inquiry import Inquiry, SealedInquiry
from platestream.schemas.message import Message
from platestream.schemas.reading import PlateRead
from tests.support.clock import NOW
from tests.support.memory_edge import MemoryTables, MemoryTopics

# Bytewax wakes steps by the real clock, so tests of whole flows live in the present.
READ = Detection.from_json(bytes(example("detection").accepted))
LISTED = HotListEntry.from_json(bytes(example("hotlist_entry").accepted))
ACTION = HitAction.from_json(bytes(example("hit_action").accepted))
INQUIRY: Inquiry = SealedInquiry.from_json(bytes(example("sealed_inquiry").accepted)).inquiry


def awake(part: StatefulSourcePartition[Any, Any]) -> datetime | None:
    """When a part is polled again: after its start, or a slow poll, it first has itself polled at once."""
    part.next_awake()
    return part.next_awake()


class ScriptedReader:
    """Reads what the picture's grey level stands for: the script says which plates."""

    models = ("script/1",)

    def __init__(self, script: Mapping[int, list[str]]) -> None:
        self.script = script
        self.calls = 0

    def read(
        self, image: npt.NDArray[np.uint8], longest: int = 0, known: PlateRead | None = None
    ) -> list[PlateRead]:
        self.calls += 1
        level = round(float(image.mean()) / 10)
        return [
            PlateRead(plate, 0.9, None, 0.0, (10 + 150 * index, 40, 100, 50), (), (0.9,) * len(plate))
            for index, plate in enumerate(self.script[level])
        ]

    def locate(self, image: npt.NDArray[np.uint8], longest: int) -> list[Box]:
        return []


def jpeg(level: int) -> bytes:
    """A grey picture that a ScriptedReader reads as `level` (0 to 25)."""
    done, data = cv2.imencode(".jpg", np.full((120, 480, 3), level * 10, np.uint8))
    assert done
    return data.tobytes()


def plate_picture(text: str) -> bytes:
    """A plate and nothing else: quick to read."""
    pixels = np.full((160, 420, 3), 235, np.uint8)
    cv2.rectangle(pixels, (20, 30), (400, 130), (120, 60, 20), 3)
    cv2.putText(pixels, text, (40, 103), cv2.FONT_HERSHEY_DUPLEX, 2.1, (30, 20, 20), 5, cv2.LINE_AA)
    done, jpeg = cv2.imencode(".jpg", pixels)
    assert done
    return jpeg.tobytes()


def frame_message(level: int, second: float, camera: str = "cam", **headers: str) -> Message:
    """A frame as a gateway sends it, captured `second` after NOW."""
    at = NOW + timedelta(seconds=second)
    fields = {"camera-id": camera, "captured-at": at.isoformat(), "latitude": "34.5", "longitude": "-109.4"}
    return Message(camera.encode(), jpeg(level), {**fields, **headers}, at)


def detection(plate: str, second: float = 0, camera: str = "cam") -> Detection:
    at = NOW + timedelta(seconds=second)
    return msgspec.structs.replace(
        READ, detection_id=detection_id(camera, at, 0), camera_id=camera, plate=plate, captured_at=at
    )


def listed(plate: str, reference: str, **changes: Any) -> HotListChange:
    entry_id = f"sjpd:{reference}"
    return HotListChange(entry_id, msgspec.structs.replace(LISTED, entry_id=entry_id, plate=plate, **changes))


def memory_edge(a_poll: int = 1) -> tuple[Edge, MemoryTopics, MemoryTables]:
    topics, tables = MemoryTopics(a_poll), MemoryTables()
    return Edge(topics, tables), topics, tables


def run(flow: Dataflow, store: RecoveryConfig | None = None, workers: int = 1) -> None:
    """Run a bounded flow to its end, with a snapshot after every batch."""
    options: dict[str, Any] = {"epoch_interval": timedelta(0), "recovery_config": store}
    if workers == 1:
        run_main(flow, **options)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=workers, **options)


def recovery(folder: Path, partitions: int = 2) -> RecoveryConfig:
    folder.mkdir()
    init_db_dir(folder, partitions)
    return RecoveryConfig(str(folder))


def seconds(count: int) -> Iterable[float]:
    return (index / 5 for index in range(count))
