"""Reads of Frigate from a real broker, Mosquitto, through a real gateway."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish
from paho.mqtt.enums import MQTTProtocolVersion

from platestream.flows import recognize_flow
from platestream.schemas import topics
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.frame import CAMERA_READS
from platestream.schemas.message import Message
from tests.support.chaos import KILLS
from tests.support.flows import ScriptedReader, jpeg, memory_edge, run
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import free_port, wait_until
from tests.support.kafka_secured import authority, certified
from tests.support.mosquitto import PASSWORD, USER, Mosquitto, mosquitto

SCENE = jpeg(1)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(
        tmp_path / "mosquitto", "persistence true", f"persistence_location {tmp_path}/"
    ) as started:
        yield started


def camera(broker: Mosquitto, folder: Path, more: str = "", name: str = "gate", url: str = "") -> str:
    account(folder, name, PASSWORD).write_text(f"{USER}:{PASSWORD}\n")
    url = url or f"mqtt://127.0.0.1:{broker.port}/frigate"
    return (
        f'[cameras.{name}]\nkind = "mqtt"\nformat = "frigate"\nurl = "{url}"\nsource = "{name}"\n'
        f'credentials_file = "{name}.account"\n{more}{PLACE}'
    )


@pytest.fixture
def gateway(broker: Mosquitto, tmp_path: Path) -> Iterator[GatewayProcess]:
    folder = tmp_path / "gateway"
    made = GatewayProcess(folder, camera(broker, folder))
    yield made
    made.close()


def tell(broker: Mosquitto, *messages: tuple[str, Any]) -> None:
    """Publish as Frigate does."""
    sent: list[Any] = [
        {
            "topic": f"frigate/{topic}",
            "payload": json.dumps(result) if isinstance(result, dict) else result,
            "qos": 1,
        }
        for topic, result in messages
    ]
    account: Any = {"username": "frigate", "password": PASSWORD}
    publish.multiple(sent, port=broker.port, auth=account, protocol=MQTTProtocolVersion.MQTTv5)


def read(plate: str, track: str = "1.5-abc", source: str = "gate") -> tuple[str, dict[str, Any]]:
    now = datetime.now(UTC).timestamp()
    fields = {"type": "lpr", "id": track, "plate": plate, "score": 0.9, "camera": source, "timestamp": now}
    return "tracked_object_update", fields


def subscribed(gateway: GatewayProcess, broker: Mosquitto) -> None:
    """Wait until a read gets through."""
    deadline = time.monotonic() + 90
    while not plates(gateway):
        assert time.monotonic() < deadline, gateway.log[-3000:]
        tell(broker, read("FIRST1", "0.0-first"))
        time.sleep(0.5)


def frames(gateway: GatewayProcess) -> list[Message]:
    return gateway.frames() if (gateway.folder / "data").exists() else []


def plates(gateway: GatewayProcess) -> list[str]:
    found = (json.loads(one.headers.get(CAMERA_READS, "[]")) for one in frames(gateway))
    return [one["plate"] for reads in found for one in reads]


def fault(gateway: GatewayProcess, camera: str = "gate") -> str:
    health = gateway.health()
    return "" if health is None else next((one.fault for one in health.cameras if one.name == camera), "")


def test_reads_of_a_camera_become_frames_and_detections_that_nobody_saw(
    gateway: GatewayProcess, broker: Mosquitto
) -> None:
    gateway.start()
    subscribed(gateway, broker)
    event = {
        "type": "update",
        "after": {
            "id": "2.5-def", "camera": "gate", "label": "car", "frame_time": datetime.now(UTC).timestamp(),
            "recognized_license_plate": "EVT1234", "recognized_license_plate_score": 0.93,
        },
    }  # fmt: skip
    tell(
        broker, read("ABC1234"), read("ABC1234"), ("events", event), read("OTHER1", "3.5-x", "yard"),
        ("events", {"type": "new", "after": {"id": "4.5-y", "camera": "gate", "label": "person"}}),
        read("LAST123", "5.5-z"),
    )  # fmt: skip
    wait_until(lambda: "LAST123" in plates(gateway), 60, "the last read")
    assert [one for one in plates(gateway) if one != "FIRST1"] == ["ABC1234", "EVT1234", "LAST123"]
    edge, streams, _store = memory_edge()
    for message in frames(gateway):
        streams.append(topics.FRAMES, message)
    run(recognize_flow.build(edge, ScriptedReader({})))
    found = {one.plate: one for one in streams.records(topics.DETECTIONS)}
    assert found["EVT1234"].opinion == "unseen"
    assert isinstance(found["EVT1234"].camera_read, CameraRead)
    assert found["EVT1234"].camera_read.confidence == 0.93
    assert gateway.end() == 0


def test_what_cannot_be_used_is_a_dead_letter_and_stops_nothing(
    gateway: GatewayProcess, broker: Mosquitto
) -> None:
    gateway.start()
    subscribed(gateway, broker)
    tell(
        broker, ("events", "{ no json"), read("<img src=x>", "9.1-a"), ("stats", "[]"), ("events", "null"),
        ("tracked_object_update", b"\xff\xfe"), read("AFTER12", "9.2-b"),
    )  # fmt: skip
    wait_until(lambda: "AFTER12" in plates(gateway), 60, "the read after them")
    edge, streams, _store = memory_edge()
    for message in frames(gateway):
        streams.append(topics.FRAMES, message)
    run(recognize_flow.build(edge, ScriptedReader({})))
    assert {one.reason for one in streams.records(topics.DEAD_LETTERS)} == {"not_json", "push"}
    assert "img" not in gateway.log


@pytest.mark.nightly
def test_no_acknowledged_read_is_lost_by_kills_of_the_gateway(
    gateway: GatewayProcess, broker: Mosquitto
) -> None:
    gateway.start()
    subscribed(gateway, broker)
    for kill in range(KILLS):
        for number in range(20):
            tell(broker, read(f"K{kill:02}{number:03}", f"{kill}.{number}-k"))
            if number == 7:
                gateway.kill()
                gateway.start()
    wanted = {f"K{kill:02}{number:03}" for kill in range(KILLS) for number in range(20)}
    wait_until(lambda: wanted <= set(plates(gateway)), 120, "every read that the broker has acknowledged")
    assert gateway.end() == 0


@pytest.mark.nightly
def test_a_broker_that_is_away_a_wrong_password_and_a_forbidden_topic_are_named(
    gateway: GatewayProcess, broker: Mosquitto, tmp_path: Path
) -> None:
    wrong = GatewayProcess(
        tmp_path / "wrong",
        camera(broker, tmp_path / "wrong")
        + camera(broker, tmp_path / "wrong", name="door", url=f"mqtt://127.0.0.1:{broker.port}/private"),
    )
    (tmp_path / "wrong" / "gate.account").write_text(f"{USER}:wrong\n")
    gateway.start()
    wrong.start()
    try:
        subscribed(gateway, broker)
        wait_until(lambda: "refuses the sign-in (code 135)" in fault(wrong), 60, "the wrong password")
        broker.stop()
        wait_until(lambda: "connection refused" in fault(gateway), 60, "the dead broker")
        broker.start()
        tell(broker, read("BACK123", "7.7-q"))
        deadline = time.monotonic() + 90
        while "BACK123" not in plates(gateway):
            assert time.monotonic() < deadline, gateway.log[-3000:]
            tell(broker, read("BACK123", "7.7-q"))
            time.sleep(0.5)
        assert PASSWORD not in gateway.log + wrong.log
    finally:
        wrong.close()


def test_tls_with_certificates_of_both_sides_and_of_the_right_authority_only(tmp_path: Path) -> None:
    for name in ("ours", "strange"):
        (tmp_path / name).mkdir()
    ours, strange = authority(tmp_path / "ours", "ours"), authority(tmp_path / "strange", "strange")
    client, server = tmp_path / "client.pem", tmp_path / "server.pem"
    certified(tmp_path / "ours", ours).rename(client)
    certified(tmp_path / "ours", ours).rename(server)
    port = free_port()
    listener = (
        f"listener {port} 127.0.0.1\ncafile {ours}\ncertfile {server}\nkeyfile {server}\n"
        "require_certificate true"
    )
    folder, url = tmp_path / "gateway", f"mqtts://127.0.0.1:{port}/frigate"
    with mosquitto(tmp_path / "mosquitto", listener) as own:
        made = GatewayProcess(
            folder,
            camera(own, folder, f'ca = "{ours}"\ncertificate = "{client}"\n', url=url)
            + camera(own, folder, f'ca = "{strange}"\ncertificate = "{client}"\n', "stranger", url)
            + camera(own, folder, f'ca = "{ours}"\n', "bare", url),
        )
        made.start()
        try:
            subscribed(made, own)
            wait_until(lambda: "is not of the `ca`" in fault(made, "stranger"), 60, "the other authority")
            wait_until(lambda: "broker 127.0.0.1" in fault(made, "bare"), 60, "the missing certificate")
        finally:
            made.close()


class _Api(BaseHTTPRequestHandler):
    """Frigate's API, as far as a picture of an event is asked of it."""

    def do_GET(self) -> None:
        known = self.path.startswith("/api/events/1.5-abc/snapshot.jpg?")
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(SCENE if known else b"{}")

    def log_message(self, *_told: object) -> None: ...


def test_a_read_has_the_picture_that_frigate_has_of_its_vehicle(broker: Mosquitto, tmp_path: Path) -> None:
    api = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    folder = tmp_path / "gateway"
    pictures = f'pictures = "http://127.0.0.1:{api.server_address[1]}"\n'
    made = GatewayProcess(folder, camera(broker, folder, pictures))
    made.start()
    try:
        subscribed(made, broker)
        tell(broker, read("A8C1234"), read("NOPIC12", "2.2-none"))
        wait_until(lambda: {"A8C1234", "NOPIC12"} <= set(plates(made)), 60, "both reads")
        by_plate = {json.loads(one.headers[CAMERA_READS])[0]["plate"]: one.value for one in frames(made)}
        assert (by_plate["A8C1234"], by_plate["NOPIC12"]) == (SCENE, b"")
    finally:
        made.close()
        api.shutdown()
        api.server_close()


def test_frigate_s_own_words_about_itself_are_health(gateway: GatewayProcess, broker: Mosquitto) -> None:
    gateway.start()
    subscribed(gateway, broker)
    tell(broker, ("available", "offline"))
    wait_until(lambda: "Frigate reports that it has stopped" in fault(gateway), 60, "the fault")
    tell(broker, ("stats", {"cameras": {"gate": {"camera_fps": 0.0}, "yard": {"camera_fps": 5.0}}}))
    tell(broker, ("available", "online"), ("stats", {"cameras": {"gate": {"camera_fps": 5.1}}}))
    wait_until(lambda: fault(gateway) == "", 60, "the heartbeat")
