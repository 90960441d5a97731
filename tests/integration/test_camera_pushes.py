"""Cameras that read by themselves push to a real gateway, and what they push becomes detections."""

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import msgspec
import pytest

from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.simulate import DEVICES, WITHOUT_PICTURE, Passing
from platestream.flows import recognize_flow
from platestream.schemas import topics
from platestream.schemas.detection import Detection
from platestream.schemas.frame import CAMERA_READS
from platestream.schemas.message import Message
from tests.support.chaos import KILLS
from tests.support.flows import ScriptedReader, jpeg, memory_edge, plate_picture, run
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import wait_until

TOKEN = "0123456789abcdefABCDEF0123456789"
PASSWORD = "s3cret:word"
SCENE = jpeg(1)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    folder = tmp_path_factory.mktemp("pushes")
    cameras = ""
    for name in FORMATS:
        account(folder, name)
        cameras += (
            f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\n'
            f'format = "{name}"\nrate = 60.0\n{PLACE}'
        )
    account(folder, "bare", TOKEN)
    account(folder, "clock")
    for name, more in (("bare", "token = true\n"), ("clock", "")):
        cameras += (
            f'[cameras.{name}]\nkind = "http"\ncredentials_file = "{name}.account"\n'
            f'format = "milesight"\nrate = 60.0\n{more}{PLACE}'
        )
    made = GatewayProcess(folder, cameras)
    made.start()
    made.listening(made.http)
    yield made
    assert made.end() == 0


def push(gateway: GatewayProcess, camera: str, passing: Passing, form: str = "") -> httpx.Response:
    sent = DEVICES[form or camera](passing)
    return post(gateway, camera, sent.path, sent.content_type, sent.body)


def post(gateway: GatewayProcess, camera: str, path: str, kind: str, body: bytes) -> httpx.Response:
    return httpx.post(
        f"http://127.0.0.1:{gateway.http}{path}",
        content=body,
        headers={"Content-Type": kind},
        auth=httpx.DigestAuth(camera, PASSWORD),
    )


def detections(gateway: GatewayProcess, camera: str, count: int) -> tuple[list[Detection], list[str]]:
    """The detections of a camera's frames, of which there are `count`, and the reasons of dead letters."""

    def of_camera() -> list[Message]:
        return [one for one in gateway.frames() if one.headers["camera-id"] == camera]

    wait_until(lambda: len(of_camera()) >= count, 20, f"{count} frames of {camera}")
    edge, streams, _store = memory_edge()
    for message in of_camera():
        streams.append(topics.FRAMES, message)
    run(recognize_flow.build(edge, ScriptedReader({1: ["ABC1234"]})))
    letters = [one.reason for one in streams.records(topics.DEAD_LETTERS)]
    return streams.records(topics.DETECTIONS), letters


@pytest.mark.parametrize("form", list(FORMATS))
def test_the_push_of_each_device_becomes_a_detection_with_both_reads(
    gateway: GatewayProcess, form: str
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    seen = Passing("A8C1234", now, 0.9, SCENE)
    answer = push(gateway, form, seen)
    assert (answer.status_code, answer.json()) == (200, FORMATS[form].answer)
    assert push(gateway, form, seen).status_code == 200, "the device sends it again"
    unseen = Passing("XYZ9876", now - timedelta(seconds=60), 0.9)
    assert push(gateway, form, unseen).status_code == 200
    found, letters = detections(gateway, form, 3)
    assert letters == []
    by_plate = {one.plate: one for one in found}
    pictured = "A8C1234" if form in WITHOUT_PICTURE else "ABC1234"
    assert set(by_plate) == {pictured, "XYZ9876"}
    both, alone = by_plate[pictured], by_plate["XYZ9876"]
    assert both.camera_read is not None
    assert (both.camera_read.plate, both.camera_read.format) == ("A8C1234", form)
    assert both.opinion == ("unseen" if form in WITHOUT_PICTURE else "disagree")
    assert (both.frames, both.captured_at) == (1, now), "the repeated push counts once"
    assert alone.opinion == "unseen"


def test_a_device_that_knows_no_sign_in_is_known_by_its_token_only(gateway: GatewayProcess) -> None:
    body = DEVICES["milesight"](Passing("TOK1234", datetime.now(UTC), 0.9, SCENE)).body
    at = f"http://127.0.0.1:{gateway.http}"
    assert httpx.post(f"{at}/{TOKEN}/anything", content=body).status_code == 200
    for path in ("", "/", f"/{TOKEN[:-1]}", f"/{TOKEN}0", f"/x/{TOKEN}", f"/{PASSWORD}", f"/?t={TOKEN}"):
        assert httpx.post(f"{at}{path}", content=body).status_code == 401, path
    found, _letters = detections(gateway, "bare", 1)
    assert [one.camera_id for one in found] == ["bare"]
    assert TOKEN not in gateway.log


def test_a_push_that_names_another_camera_is_of_the_account_that_sent_it(gateway: GatewayProcess) -> None:
    results = [{"plate": "oth1234", "score": 0.9}]
    fields = {
        "data": {"camera_id": "hikvision", "timestamp": datetime.now(UTC).isoformat(), "results": results}
    }
    before = len(gateway.frames())
    body = msgspec.json.encode(fields)
    assert post(gateway, "platerecognizer", "/hikvision", "application/json", body).status_code == 200
    wait_until(lambda: len(gateway.frames()) > before, 20, "the frame")
    assert gateway.frames()[-1].headers["camera-id"] == "platerecognizer"


def test_a_clock_that_is_a_year_off_is_stored_and_not_used(gateway: GatewayProcess) -> None:
    began = datetime.now(UTC)
    wrong = began.replace(microsecond=0) - timedelta(days=365)
    assert push(gateway, "clock", Passing("OLD1234", wrong, 0.9), "milesight").status_code == 200
    wait_until(lambda: any("OLD1234" in str(one.headers) for one in gateway.frames()), 20, "the frame")
    frame = next(one for one in gateway.frames() if "OLD1234" in str(one.headers))
    assert datetime.fromisoformat(frame.headers["captured-at"]) >= began - timedelta(seconds=1)
    assert wrong.isoformat().removesuffix("+00:00") in frame.headers[CAMERA_READS]


def test_what_cannot_be_used_is_answered_with_the_reason_and_is_a_dead_letter(
    gateway: GatewayProcess,
) -> None:
    now = datetime.now(UTC)
    before = [one for one in gateway.frames() if one.headers["camera-id"] == "axis"]
    answer = post(gateway, "axis", "/", "application/json", b"{ no json")
    assert (answer.status_code, answer.json()["said"]) == (422, "a push that is not JSON")
    answer = push(gateway, "axis", Passing("<img src=x>", now, 0.9))
    assert (answer.status_code, "img" in answer.text) == (422, False)
    answer = push(gateway, "axis", Passing("A" * 10_000, now, 0.9))
    assert answer.status_code == 422
    # What is good of a push counts, although its picture or its plate is not.
    assert push(gateway, "axis", Passing("GOOD123", now, 0.9, b"\xff\xd8\xff no picture")).status_code == 200
    assert push(gateway, "axis", Passing("<b>", now, 0.9, SCENE)).status_code == 200
    found, letters = detections(gateway, "axis", len(before) + 7)
    assert sorted(letters) == ["not_a_picture", "not_json", "push", "push", "push"]
    opinions = {one.plate: one.opinion for one in found}
    assert opinions["GOOD123"] == "unseen"
    state = gateway.health()
    assert state is not None
    assert {one.name for one in state.cameras} == {*FORMATS, "bare", "clock"}


def test_a_heartbeat_counts_as_health(gateway: GatewayProcess) -> None:
    kept = b"<EventNotificationAlert><eventType>videoloss</eventType></EventNotificationAlert>"
    began = datetime.now(UTC)
    time.sleep(0.01)
    assert post(gateway, "hikvision", "/", "application/xml", kept).status_code == 200

    def alive() -> bool:
        state = gateway.health()
        found = [one.last_frame for one in state.cameras if one.name == "hikvision"] if state else []
        return any(at is not None and at > began for at in found)

    wait_until(alive, 20, "the heartbeat in the state")


def test_a_plain_picture_of_such_a_camera_is_an_upload(gateway: GatewayProcess) -> None:
    before = len(gateway.frames())
    assert post(gateway, "dahua", "/", "image/jpeg", plate_picture("ABC1234")).status_code == 200
    wait_until(lambda: len(gateway.frames()) > before, 20, "the frame")
    assert CAMERA_READS not in gateway.frames()[-1].headers


@pytest.mark.nightly
def test_a_simulated_device_misreads_one_plate_in_ten(gateway: GatewayProcess) -> None:
    before = len(gateway.frames())
    (gateway.folder / "scene.jpg").write_bytes(SCENE)
    result = [
        "simulate",
        "hikvision",
        f"http://127.0.0.1:{gateway.http}/",
        "--plate",
        "SIM 1234",
        "--every",
        "0.05",
    ]
    result += ["--credentials", str(gateway.folder / "hikvision.account"), "--pictures", str(gateway.folder)]
    done = gateway.cli(*result, "--count", "30", "--misread", "0.1", "--seed", "1")
    assert (done.returncode, "30 of 30 pushes were accepted" in done.stdout) == (0, True), done.stderr
    wait_until(lambda: len(gateway.frames()) >= before + 30, 20, "the frames")
    plates = [msgspec.json.decode(one.headers[CAMERA_READS])[0]["plate"] for one in gateway.frames()[before:]]
    wrong = [plate for plate in plates if plate != "SIM1234"]
    assert 1 <= len(wrong) <= 6
    assert {sum(a != b for a, b in zip(plate, "SIM1234", strict=True)) for plate in wrong} == {1}
    done = gateway.cli(*result[:3], "--plate", "SIM1234", "--count", "1")
    assert (done.returncode, "refused with 401" in done.stderr) == (1, True)


@pytest.mark.nightly
def test_an_acknowledged_push_survives_kills_at_any_moment(tmp_path: Path) -> None:
    """Pushes with and without a picture never stop while the gateway is killed."""
    account(tmp_path, "gate")
    table = '[cameras.gate]\nkind = "http"\ncredentials_file = "gate.account"\nformat = "axis"\nrate = 60.0\n'
    made, chance = GatewayProcess(tmp_path, table + PLACE), random.Random(7)
    acknowledged: list[str] = []
    over = threading.Event()

    def send() -> None:
        number = 0
        while not over.is_set():
            number += 1
            try:
                passing = Passing(f"K{number}", datetime.now(UTC), 0.9, SCENE if number % 2 else b"")
                if push(made, "gate", passing, "axis").status_code == 200:
                    acknowledged.append(passing.plate)
            except httpx.HTTPError:
                time.sleep(0.05)

    made.start()
    made.listening(made.http)
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.5, 1.5))
        made.kill()
        made.start()
        made.listening(made.http)
    time.sleep(1)
    over.set()
    sender.join(60)

    def on_topic() -> list[str]:
        found = (msgspec.json.decode(one.headers[CAMERA_READS]) for one in made.frames())
        return [one["plate"] for reads in found for one in reads]

    try:
        assert len(acknowledged) > KILLS
        wait_until(lambda: set(on_topic()) >= set(acknowledged), 30, "all on the topic")
        assert [one for one in dict.fromkeys(on_topic()) if one in set(acknowledged)] == acknowledged
    finally:
        assert made.end() == 0


JUNCTION = {
    "Code": "TrafficJunction",
    "TrafficCar": {"PlateNumber": "DAH1234", "Lane": 1, "VehicleColor": "Blue"},
    "Object": {"Text": "DAH1234", "Confidence": 87},
}


@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
def test_an_attached_event_stream_brings_reads_with_and_without_pictures(tmp_path: Path, line: bytes) -> None:
    event = b"Code=TrafficJunction;action=Pulse;index=0;data=" + msgspec.json.encode(JUNCTION)
    parts = [(b"text/plain", event), (b"image/jpeg", SCENE), (b"text/plain", event.replace(b"DAH", b"ALO"))]
    parts += [(b"text/plain", event.replace(b"DAH1234", b"<b>")), (b"text/plain", b"Heartbeat")]

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=myboundary")
            self.end_headers()
            for kind, body in parts:
                head = [
                    b"--myboundary",
                    b"Content-Type: " + kind,
                    b"Content-Length: %d" % len(body),
                    b"",
                    body,
                ]
                self.wfile.write(line.join([*head, b""]))
            over.wait(60)

        def log_message(self, *_: object) -> None: ...

    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/cgi-bin/eventManager.cgi?action=attach"
    made = GatewayProcess(
        tmp_path, f'[cameras.dah]\nkind = "events"\nformat = "dahua"\nurl = "{url}"\n{PLACE}'
    )
    made.start()
    try:
        found, letters = detections(made, "dah", 3)
        assert {(one.plate, one.opinion) for one in found} == {("ABC1234", "disagree"), ("ALO1234", "unseen")}
        assert letters == ["push"]
    finally:
        over.set()
        server.shutdown()
        assert made.end() == 0


def test_a_short_token_is_refused_at_the_start(tmp_path: Path) -> None:
    account(tmp_path, "a", "short")
    table = f'[cameras.a]\nkind = "http"\ncredentials_file = "a.account"\ntoken = true\n{PLACE}'
    made = GatewayProcess(tmp_path, table)
    done = made.cli("list", "--config", str(made.config))
    assert done.returncode == 1
    assert "24 letters and digits" in " ".join(done.stderr.split())
