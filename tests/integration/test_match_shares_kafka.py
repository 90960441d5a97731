"""Shares of the match flow on Kafka: a killed one goes on where it was, and another number is refused."""

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka.admin import NewPartitions

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
from tests.support.kafka_broker import KafkaBroker, wait_until

PLATES = ("AST3087", "XYZ1234", "0HIO01")
CAMERAS = [f"cam-{number}" for number in range(24)]
"""More than partitions, so that each share has some."""
WITHIN = 120

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(595),
    pytest.mark.parametrize("own_kafka", [UNDISTURBED], indirect=True),
]


class Agency:
    """A broker, an engine and the shares of match, each with a store in a folder of its own."""

    def __init__(self, folder: Path, kafka: KafkaBroker, engine: Engine) -> None:
        self._folder, self._engine = folder, engine
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
        folder = self._folder / (store or share.replace("/", "-of-"))
        fields = {**self._fields, "PLATESTREAM_SHARE": share}
        flow = FlowCluster("platestream.flows.match_flow:flow", folder, fields, partitions=1)
        self.flows.append(flow)
        return flow

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

    def rows(self, final: str = "") -> list[str]:
        sql = f"SELECT toString(detection_id) AS id FROM platestream.alert_hits {final}"
        return sorted(str(row["id"]) for row in gather.rows(self._engine.dsn("owner"), sql))

    def all_are_stored(self) -> bool:
        time.sleep(0.5)  # each question reads everything
        return set(self.rows()) >= self.wanted


@pytest.fixture
def agency(own_kafka: KafkaBroker, tmp_path: Path) -> Iterator[Agency]:
    engine = Engine(tmp_path / "engine")
    engine.start()
    made = Agency(tmp_path, own_kafka, engine)
    try:
        migrate.apply(engine.client("owner"))
        create({"bootstrap.servers": own_kafka.bootstrap}, TOPICS)
        entries: Any = [listed(one, str(number), again_after_s=0) for number, one in enumerate(PLATES)]
        publish(made.streams, topics.HOTLIST, [*entries, *(expired(number) for number in range(8))])
        yield made
    finally:
        for flow in made.flows:
            flow.end()
        engine.kill()


def expired(number: int) -> Any:
    return listed("OLD1234", f"old-{number}", expires_at=datetime.now(UTC) - timedelta(days=1))


def test_a_share_that_is_killed_goes_on_and_each_hit_is_stored_once(agency: Agency) -> None:
    first, second = agency.share("1/2"), agency.share("2/2")
    for flow in (first, second):
        flow.start(1)
    for turn in range(4):
        agency.send()
        wait_until(agency.all_are_stored, WITHIN, f"hits of turn {turn}")
        agency.send()
        second.kill_one(0)
        agency.send()
        second.start(1)
    wait_until(agency.all_are_stored, WITHIN, "all hits")
    assert agency.rows("FINAL") == sorted(agency.wanted)
    assert set(agency.published()) == agency.wanted
    gone = Counter(one.key for one in read_to_end(agency.streams, topics.HOTLIST) if one.value is None)
    assert gone == {f"sjpd:old-{number}".encode(): 1 for number in range(8)}, "one share removes an entry"


@pytest.mark.nightly
def test_another_number_of_shares_is_refused_and_copies_of_a_store_divide_a_share(agency: Agency) -> None:
    one = agency.share("1/1")
    one.start(1)
    for turn in range(2):
        agency.send()
        wait_until(agency.all_are_stored, WITHIN, f"hits of one process, turn {turn}")
        time.sleep(2)
        if turn == 0:
            committed = agency.wanted  # its epoch has ended when hits of the next one are stored
    one.stop()
    before = agency.published()
    for share in ("1/2", "2/2"):
        shutil.copytree(agency.store("1/1"), agency.store(share))
        agency.share(share).start(1)
    agency.send()
    wait_until(agency.all_are_stored, WITHIN, "hits of two shares")
    published = agency.published()
    assert {published[one] for one in committed} == {1}, "no share reads again what was read"
    assert before.keys() < published.keys()
    assert agency.rows("FINAL") == sorted(agency.wanted)
    for flow in agency.flows[1:]:
        flow.stop()
    for share in ("1/1", "1/3", "2/2"):
        refused = agency.share(share, store="1-of-2")
        assert refused.begin().wait(60) != 0
        assert f"is of share 1/2; share {share} would miss or repeat" in refused.log


@pytest.mark.nightly
def test_shares_need_as_many_partitions_of_vehicles_in_view(agency: Agency, own_kafka: KafkaBroker) -> None:
    admin = own_kafka.admin()  # stays referenced, because its end would cancel the request
    (done,) = admin.create_partitions([NewPartitions(topics.DETECTIONS.name, 9)]).values()
    done.result(30)
    refused = agency.share("1/2")
    assert refused.begin().wait(60) != 0
    assert "in_view and detections need equal numbers of partitions" in refused.log
