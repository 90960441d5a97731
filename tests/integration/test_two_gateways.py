"""Two gateways with the same camera: an upload that one did not answer goes to the other, and counts once."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platestream.flows import recognize_flow
from platestream.schemas import topics
from platestream.schemas.detection import Detection
from platestream.schemas.fields import rfc3339
from platestream.schemas.message import Message
from tests.integration.test_frigate_broker import read, tell
from tests.support.flows import ScriptedReader, jpeg, memory_edge, run
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import free_port, wait_until
from tests.support.mosquitto import PASSWORD, USER, mosquitto
from tests.support.nightly import nightly
from tests.support.stored_topics import stored_topics
from tests.support.uploading import by_httpx

CAMERA = (
    f'[cameras.gate]\nkind = "http"\ncredentials_file = "gate.account"\nrate = 60.0\ntrust = 1e8\n{PLACE}'
)
SCRIPT = {1: ["ABC1234"], 2: ["KLM5555"]}


class Pair:
    """Gateways `a` and `b` on spools of their own, and the topics of both."""

    def __init__(self, folder: Path, cameras: str = CAMERA) -> None:
        self.folder = folder
        self.gateways = [GatewayProcess(folder / name, cameras) for name in ("a", "b")]
        for one in self.gateways:
            account(one.folder, "gate")
            one.env |= {"PLATESTREAM_DATA": str(folder / "data"), "PLATESTREAM_KEYS": str(folder / "keys")}

    def start(self, which: int, **settings: str) -> GatewayProcess:
        gateway = self.gateways[which]
        before, gateway.env = gateway.env, {**gateway.env, **settings}
        gateway.start()
        gateway.env = before
        gateway.listening(gateway.http)
        return gateway

    def frames(self) -> list[Message]:
        if not (self.folder / "data").exists():
            return []
        return list(stored_topics(self.folder / "data", self.folder / "keys").read_to_end(topics.FRAMES))

    def detections(self) -> list[Detection]:
        """The outcomes of the recognize flow for the frames."""
        edge, streams, _store = memory_edge()
        for message in self.frames():
            streams.append(topics.FRAMES, message)
        run(recognize_flow.build(edge, ScriptedReader(SCRIPT)))
        return list(streams.records(topics.DETECTIONS))

    def waiting(self, which: int) -> int:
        health = self.gateways[which].health()
        return 1 if health is None else health.waiting


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    for one in made.gateways:
        one.close()


def pictures(at: datetime, level: int) -> list[tuple[str, bytes]]:
    """One pass: three uploads of a camera with a clock."""
    return [(rfc3339(at + number * timedelta(milliseconds=200)), jpeg(level)) for number in range(3)]


@pytest.mark.parametrize(
    "sent", [False, *nightly(True)], ids=["it sends the frame later", "it had sent the frame"]
)
def test_an_upload_whose_answer_is_lost_and_that_goes_to_the_other_gateway_is_one_detection(
    pair: Pair, sent: bool
) -> None:
    """The first gateway is killed before its answer arrives, and comes back after the other took over."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
    away = {} if sent else {"PLATESTREAM_KAFKA": f"127.0.0.1:{free_port()}"}
    a, b = pair.start(0, **away), pair.start(1)
    one, *rest = pictures(first, 1)
    assert by_httpx(a.http, "gate", *one), "the camera does not hear of it"
    if sent:
        wait_until(lambda: len(pair.frames()) == 1, 60, "the frame is on the topic")
    a.kill()
    for shot in (one, *rest, *pictures(first + timedelta(minutes=5), 2)):
        assert by_httpx(b.http, "gate", *shot)
    wait_until(lambda: len(pair.frames()) == 6 + sent, 60, "what the camera sent again")
    pair.start(0)
    if not sent:
        wait_until(lambda: len(pair.frames()) == 7, 60, "what the first gateway still had")
    doubled = [message.headers["frame-id"] for message in pair.frames()]
    assert len(doubled) - len(set(doubled)) == 1, "the frame is on the topic twice, under one id"
    assert [(one.plate, one.frames) for one in pair.detections()] == [("ABC1234", 3), ("KLM5555", 3)]


def test_a_camera_whose_every_upload_goes_to_the_next_gateway_has_each_pass_once(pair: Pair) -> None:
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    ports = [pair.start(which).http for which in (0, 1)]
    for number in range(4):
        for shot, (at, picture) in enumerate(pictures(first + number * timedelta(minutes=5), 1 + number % 2)):
            assert by_httpx(ports[(number + shot) % 2], "gate", at, picture)
    wait_until(lambda: len(pair.frames()) == 12, 60, "all frames")
    time.sleep(1)
    found = pair.detections()
    assert [one.plate for one in found] == ["ABC1234", "KLM5555"] * 2
    assert sum(one.frames for one in found) == 12


@pytest.mark.nightly
def test_of_two_gateways_of_an_mqtt_camera_one_leaves_it_to_the_other_and_says_so(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "mosquitto") as broker:
        url = f"mqtt://127.0.0.1:{broker.port}/frigate"
        table = f'[cameras.gate]\nkind = "mqtt"\nformat = "frigate"\nurl = "{url}"\nsource = "gate"\n'
        pair = Pair(tmp_path, f'{table}credentials_file = "gate.account"\n{PLACE}')
        for one in pair.gateways:
            (one.folder / "gate.account").write_text(f"{USER}:{PASSWORD}\n")
        try:
            a, b = pair.gateways
            a.start()
            reads = iter(range(1000, 2000))

            def arrives(gateway: GatewayProcess) -> bool:
                before = len(pair.frames())
                tell(broker, read(f"ABC{next(reads)}", f"{before}.{time.time()}-x"))
                time.sleep(1)
                return len(pair.frames()) > before and gateway.code is None

            wait_until(lambda: arrives(a), 90, "the first gateway takes reads")
            b.start()
            said = "another gateway seems to have this camera, as platestream-gate"
            wait_until(lambda: said in a.log + b.log, 90, "one of them says so, and leaves the camera alone")
            (other,) = [one for one in (a, b) if said not in one.log]
            wait_until(lambda: arrives(other), 60, "the other one takes reads")
            ends = other.log.count("ended the connection")
            for _number in range(5):
                assert arrives(other)
            assert other.log.count("ended the connection") == ends, "nobody takes the connection back"
            other.close()
            (left,) = [one for one in (a, b) if one is not other]
            before = len(pair.frames())
            tell(broker, read("LAST123", "9.9-x"))
            wait_until(lambda: len(pair.frames()) > before, 150, "it goes on when the other one has ended")
            assert left.code is None
        finally:
            for one in pair.gateways:
                one.close()
