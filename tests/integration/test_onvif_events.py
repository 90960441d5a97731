"""Reads among the events of an ONVIF camera, by a pull point, through a real gateway."""

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from platestream.schemas.frame import CAMERA_READS
from tests.support.flows import jpeg
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import wait_until
from tests.support.nightly import nightly
from tests.support.onvif_camera import OnvifCamera, onvif_camera

SCENE = jpeg(1)


def event(data: str, topic: str = "tns1:RuleEngine/Recognition/LicensePlate", operation: str = "") -> str:
    done = f' PropertyOperation="{operation}"' if operation else ""
    return (
        f"<n:NotificationMessage><n:Topic>{topic}</n:Topic><n:Message>"
        f'<tt:Message UtcTime="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"{done}><tt:Source/>'
        f"<tt:Data>{data}</tt:Data></tt:Message></n:Message></n:NotificationMessage>"
    )


def profile_m(plate: str, image: bytes = b"") -> str:
    picture = (
        f'<tt:ElementItem Name="Image"><tt:Image>{b64encode(image).decode()}</tt:Image></tt:ElementItem>'
    )
    return (
        '<tt:SimpleItem Name="Likelihood" Value="0.8"/><tt:ElementItem Name="LicensePlateInfo">'
        f'<tt:LicensePlateInfo><tt:PlateNumber Likelihood="0.9">{plate}</tt:PlateNumber>'
        "<tt:CountryCode>US</tt:CountryCode></tt:LicensePlateInfo></tt:ElementItem>"
        '<tt:ElementItem Name="VehicleInfo"><tt:VehicleInfo><tt:Type>Car</tt:Type><tt:Brand>Ford</tt:Brand>'
        f"</tt:VehicleInfo></tt:ElementItem>{picture if image else ''}"
    )


AXIS = "".join(
    f'<tt:SimpleItem Name="{name}" Value="{value}"/>'
    for name, value in (("text", "AXS1234"), ("carMoveDirection", "in"), ("carID", "77"), ("country", "USA"))
)
HIKVISION = '<tt:SimpleItem Name="PlateNumber" Value="HIK1234"/><tt:SimpleItem Name="Likelihood" Value="97"/>'


def gateway(folder: Path, url: str, password: str = "s3cret:word") -> GatewayProcess:
    account(folder, "alpr", password)
    return GatewayProcess(
        folder,
        f'[cameras.gate]\nkind = "onvif"\nformat = "onvif"\nurl = "{url}"\n'
        f'credentials_file = "alpr.account"\n{PLACE}',
    )


def reads(made: GatewayProcess) -> dict[str, dict[str, object]]:
    found = made.frames() if (made.folder / "data").exists() else []
    every = (json.loads(one.headers.get(CAMERA_READS, "[]")) for one in found)
    return {one["plate"]: one for some in every for one in some}


def fault(made: GatewayProcess) -> str:
    health = made.health()
    return "" if health is None else health.cameras[0].fault


@pytest.fixture
def camera() -> Iterator[OnvifCamera]:
    with onvif_camera() as made:
        yield made


def test_the_plates_among_a_camera_s_events_become_frames(camera: OnvifCamera, tmp_path: Path) -> None:
    camera.events += [
        event(profile_m("ABC1234", SCENE)),
        event(profile_m("OLD1234"), operation="Initialized"),
        event('<tt:SimpleItem Name="State" Value="true"/>', "tns1:VideoSource/MotionAlarm"),
        event(AXIS, "tnsaxis:CameraApplicationPlatform/LPR"),
        event(AXIS.replace("AXS1234", "NOPLATE"), "tns1:Monitoring/Text"),
        event(HIKVISION, "tns1:RuleEngine/VehicleDetector/tnshik:Vehicle"),
        event(profile_m("&lt;img src=x&gt;")),
        event(profile_m("LAST123")),
    ]
    made = gateway(tmp_path, camera.url)
    made.start()
    try:
        wait_until(lambda: "LAST123" in reads(made), 60, "the last event")
        found = reads(made)
        assert set(found) == {"ABC1234", "AXS1234", "HIK1234", "LAST123"}
        assert (found["ABC1234"]["confidence"], found["ABC1234"]["country"]) == (0.9, "US")
        assert found["HIK1234"]["confidence"] == 0.97
        assert (found["AXS1234"]["direction"], found["AXS1234"]["track"]) == ("in", "77")
        pictured = [one for one in made.frames() if "ABC1234" in one.headers.get(CAMERA_READS, "")]
        assert [one.value for one in pictured] == [SCENE]
        assert made.end() == 0
        assert camera.ended.wait(30), "the subscription is ended"
    finally:
        made.close()


def test_a_camera_that_is_quiet_is_alive(camera: OnvifCamera, tmp_path: Path) -> None:
    made = gateway(tmp_path, camera.url)
    made.start()
    try:
        wait_until(lambda: camera.asked.count("PullMessages") > 2, 60, "some answers without events")
        wait_until(lambda: (health := made.health()) is not None and health.cameras[0].up, 60, "its health")
    finally:
        made.close()


def test_a_wrong_password_a_camera_without_events_and_a_dead_one_are_named(tmp_path: Path) -> None:
    with onvif_camera() as wrong, onvif_camera(deaf=True) as deaf:
        some = [
            (gateway(tmp_path / "wrong", wrong.url, "other"), "it refuses the sign-in"),
            (gateway(tmp_path / "deaf", deaf.url), "it offers no pull point for events"),
            (gateway(tmp_path / "dead", "http://127.0.0.1:9/onvif/device_service"), "cannot be connected to"),
        ]
        try:
            for made, _says in some:
                made.start()
            for made, says in some:
                wait_until(lambda made=made, says=says: says in fault(made), 60, says)  # type: ignore[misc]
                assert "other" not in made.log
        finally:
            for made, _says in some:
                made.close()


@pytest.mark.nightly
def test_a_camera_that_loses_a_subscription_is_subscribed_to_again(
    camera: OnvifCamera, tmp_path: Path
) -> None:
    made = gateway(tmp_path, camera.url)
    made.start()
    try:
        assert camera.subscribed.wait(60)
        before, camera.ahead = camera.asked.count("CreatePullPointSubscription"), camera.ahead * 2
        wait_until(
            lambda: camera.asked.count("CreatePullPointSubscription") > before, 60, "another subscription"
        )
        camera.events.append(event(profile_m("AGAIN12")))
        wait_until(lambda: "AGAIN12" in reads(made), 60, "the event")
    finally:
        made.close()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html>hello</html>", "it offers no pull point for events"),
        *nightly(
            (b"no xml", "does not speak ONVIF"),
            (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "does not speak ONVIF"),
        ),
    ],
)
def test_what_does_not_speak_onvif_is_named(tmp_path: Path, body: bytes, says: str) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_told: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = gateway(tmp_path, f"http://127.0.0.1:{server.server_address[1]}/")
    made.start()
    try:
        wait_until(lambda: says in fault(made), 60, says)
    finally:
        made.close()
        server.shutdown()
        server.server_close()
