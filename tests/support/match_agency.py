"""An agency with shares of the match flow on Kafka, each with a store in a folder of its own."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from platestream.access import gate
from platestream.access.inquire import RefusedInquiry
from platestream.clickhouse import migrate
from platestream.edges.changelog import publish, read_to_end
from platestream.edges.kafka import KafkaTopics
from platestream.edges.kafka_topics import create
from platestream.schemas import topics
from platestream.schemas.detection import Detection, detection_id
from platestream.schemas.topics import TOPICS
from tests.checker import gather
from tests.checker.flows import UNDISTURBED
from tests.support.engine import Engine
from tests.support.flow_cluster import FlowCluster
from tests.support.flows import detection, listed
from tests.support.kafka_broker import KafkaBroker

PLATES = ("AST3087", "XYZ1234", "0HIO01")
CAMERAS = [f"cam-{number}" for number in range(24)]
"""More than partitions, so that each share has some."""


class MatchAgency:
    """A broker, an engine and the shares of match, each with a store in a folder of its own."""

    def __init__(self, folder: Path, kafka: KafkaBroker, engine: Engine) -> None:
        self._folder, self._engine, self._kafka = folder, engine, kafka
        self.streams = KafkaTopics(kafka.bootstrap)
        self._fields = {
            "PLATESTREAM_KAFKA": kafka.bootstrap,
            "PLATESTREAM_CLICKHOUSE": engine.dsn("flows").replace("//", "//platestream_"),
        }
        self._sent = 0
        self.read: list[Detection] = []
        self.flows: list[FlowCluster] = []

    def share(self, share: str, *, store: str = "") -> FlowCluster:
        """Return a share that is not started; it has its own store unless one is named."""
        return self.flow("match", store or share.replace("/", "-of-"), PLATESTREAM_SHARE=share)

    def flow(self, name: str, store: str, **settings: str) -> FlowCluster:
        """Return a process of a flow that is not started, with a store of its own."""
        fields = {**self._fields, **settings}
        flow = FlowCluster(f"platestream.flows.{name}_flow:flow", self._folder / store, fields, partitions=1)
        self.flows.append(flow)
        return flow

    def rows_of(self, sql: str) -> list[dict[str, Any]]:
        return list(gather.rows(self._engine.dsn("owner"), sql))

    def search(self, reason: str) -> None:
        """Search as a person does, which is logged."""
        with suppress(RefusedInquiry):
            gate.search(self._engine.client("smith"), who="smith", pattern="KTA*", reason=reason)

    def store(self, share: str) -> Path:
        return self._folder / share.replace("/", "-of-") / "recovery" / "store"

    def send(self) -> None:
        """Write a read of each camera, every third of a listed plate."""
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        reads = []
        for camera in CAMERAS:
            self._sent += 1
            plate = PLATES[self._sent % len(PLATES)] if self._sent % 2 else "NOTHING"
            at = start + timedelta(seconds=self._sent)
            made = detection(plate, 0, camera)
            name = detection_id(camera, at, 0)
            reads.append(msgspec.structs.replace(made, detection_id=name, captured_at=at, best_at=at))
        publish(self.streams, topics.DETECTIONS, reads)
        self.read += reads

    @property
    def wanted(self) -> set[str]:
        return {str(one.detection_id) for one in self.read if one.plate in PLATES}

    def published(self) -> Counter[str]:
        """Return how often each read is on the topic of hits."""
        found = read_to_end(self.streams, topics.ALERT_HITS)
        return Counter(str(topics.ALERT_HITS.decode(one).detection.detection_id) for one in found)

    def messages(self) -> int:
        """Return the number of messages on the topic of hits."""
        return self.published().total()

    def rows(self, final: str = "") -> list[str]:
        sql = f"SELECT toString(detection_id) AS id FROM platestream.alert_hits {final}"
        return sorted(str(row["id"]) for row in self.rows_of(sql))

    def all_are_stored(self) -> bool:
        time.sleep(0.5)  # each question reads everything
        return set(self.rows()) >= self.wanted

    def found(self) -> None:
        """Create tables and topics, and list the plates, beside entries that have expired."""
        migrate.apply(self._engine.client("owner"))
        create({"bootstrap.servers": self._kafka.bootstrap}, TOPICS)
        day = datetime.now(UTC) - timedelta(days=1)
        old: Any = [listed("OLD1234", f"old-{number}", expires_at=day) for number in range(8)]
        entries: Any = [listed(one, str(number), again_after_s=0) for number, one in enumerate(PLATES)]
        publish(self.streams, topics.HOTLIST, [*entries, *old])

    def end(self) -> None:
        """End flows and engine after a test that may have failed."""
        for flow in self.flows:
            flow.end()
        self._engine.kill()


def start_agency(folder: Path, kafka: KafkaBroker) -> MatchAgency:
    """Return an agency with an engine and no flow yet."""
    engine = Engine(folder / "engine")
    engine.start()
    made = MatchAgency(folder, kafka, engine)
    try:
        made.found()
    except BaseException:
        made.end()
        raise
    return made


WITHIN = 120
MARKS = [
    pytest.mark.kafka,
    pytest.mark.timeout(595),
    pytest.mark.parametrize("own_kafka", [UNDISTURBED], indirect=True),
]
"""Marks of a module whose tests have `agency`."""


@pytest.fixture
def agency(own_kafka: KafkaBroker, tmp_path: Path) -> Iterator[MatchAgency]:
    made = start_agency(tmp_path, own_kafka)
    yield made
    made.end()
