"""Health of cameras by MQTT, from a real gateway to a real broker."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platestream.cameras import config
from platestream.schemas.message import RefusedError
from tests.support.flows import jpeg
from tests.support.gateway import PLACE, GatewayProcess
from tests.support.kafka_broker import wait_until
from tests.support.mosquitto import PASSWORD, USER, Mosquitto, Subscriber, mosquitto, subscriber


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path / "mosquitto") as started:
        yield started


def gateway(broker: Mosquitto, folder: Path, password: str = PASSWORD) -> GatewayProcess:
    (folder / "pictures").mkdir(parents=True)
    (folder / "mq").write_text(f"{USER}:{password}\n")
    (folder / "mq").chmod(0o600)
    health = (
        f'[health]\nurl = "mqtt://127.0.0.1:{broker.port}/alpr/health"\ncredentials_file = "mq"\n'
        'purpose = "map of dispatch"\n'
    )
    camera = f'[cameras.yard]\nkind = "folder"\npath = "pictures"\nsilent = 6.0\n{PLACE}'
    return GatewayProcess(folder, health + camera)


def newest(desk: Subscriber, topic: str) -> dict[str, Any]:
    found = [json.loads(one.payload) for one in list(desk.messages) if one.topic == topic]
    return found[-1] if found else {}


def told_up(desk: Subscriber) -> bool:
    """The camera was told to be up, if only for a moment."""
    found = [json.loads(one.payload) for one in list(desk.messages) if one.topic == "alpr/health/yard"]
    return any(one["up"] for one in found)


def stored(made: GatewayProcess) -> set[str]:
    return {one.name for one in made.folder.iterdir()}


@pytest.mark.nightly
def test_a_camera_that_falls_silent_is_told_and_so_is_a_gateway_that_is_gone(
    broker: Mosquitto, tmp_path: Path
) -> None:
    made = gateway(broker, tmp_path / "gateway")
    with subscriber(broker, "alpr/health/#") as desk:
        made.start()
        try:
            wait_until(lambda: newest(desk, "alpr/health").get("up") is True, 60, "the gateway")
            wait_until(lambda: newest(desk, "alpr/health/yard").get("fault") == "no frame", 60, "silence")
            assert newest(desk, "alpr/health/yard")["up"] is False
            (tmp_path / "gateway" / "pictures" / "1.jpg").write_bytes(jpeg(1))
            wait_until(lambda: told_up(desk), 60, "its frame")
            wait_until(lambda: newest(desk, "alpr/health/yard").get("up") is False, 60, "silence again")
            made.kill()
            wait_until(lambda: newest(desk, "alpr/health") == {"up": False}, 120, "the gateway's end")
            made.start()
            wait_until(lambda: newest(desk, "alpr/health").get("up") is True, 60, "the gateway again")
            assert made.end() == 0
            wait_until(lambda: newest(desk, "alpr/health") == {"up": False}, 60, "an end in order")
        finally:
            made.close()
    with subscriber(broker, "alpr/health/#") as later:
        later.wait(1)
        assert all(one.retain for one in later.messages)


def test_a_broker_that_refuses_or_is_away_is_named_and_stops_no_camera(
    broker: Mosquitto, tmp_path: Path
) -> None:
    made = gateway(broker, tmp_path / "gateway", "wrong")
    made.start()
    try:
        refused = "health of the cameras: the broker 127.0.0.1 refuses it (code 135)"
        wait_until(lambda: refused in made.log, 60, "the sign-in")
        broker.stop()
        wait_until(lambda: "cannot be reached" in made.log, 90, "the dead broker")
        (tmp_path / "gateway" / "pictures" / "1.jpg").write_bytes(jpeg(1))
        wait_until(
            lambda: (tmp_path / "gateway" / "data").exists() and len(made.frames()) == 1, 60, "a frame"
        )
        assert "wrong" not in made.log
        assert made.end() == 0
    finally:
        made.close()


@pytest.mark.parametrize(
    ("health", "fault"),
    [
        ('url = "mqtts://host"\npurpose = "map"', "must be an address and a topic"),
        ('url = "http://host/t"\npurpose = "map"', "must be an address and a topic"),
        ('url = "mqtts://host/t/#"\npurpose = "map"', "has a topic with"),
        ('url = "mqtts://a:b@host/t"\npurpose = "map"', "put them into `credentials_file`"),
        ('url = "mqtts://host/t"', "missing required field `purpose`"),
        (
            'url = "mqtts://host/t"\npurpose = "map"\ncredentials_file = "absent"',
            r"\[health\]: .*No such file",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, health: str, fault: str) -> None:
    path = tmp_path / "cameras.toml"
    path.write_text(f"[health]\n{health}\n[cameras]\n")
    with pytest.raises(RefusedError, match=fault):
        config.load(path)
