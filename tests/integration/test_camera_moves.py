"""A patrol car's pictures, uploaded by curl hours later and in any order, to a real gateway."""

import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from platestream.cameras.pushes.simulate import DEVICES, Passing
from tests.conftest import skip_unless_ci
from tests.integration.test_camera_uploads import arrived, curl
from tests.support.flows import plate_picture
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import wait_until

CAR = (
    '[cameras.car-12]\nkind = "http"\ncredentials_file = "car-12.account"\nrate = 60.0\n'
    f"moves = true\n{PLACE}"
    '[cameras.car-13]\nkind = "http"\ncredentials_file = "car-13.account"\nrate = 60.0\n'
    f'format = "hikvision"\nmoves = true\n{PLACE}'
)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    if shutil.which("curl") is None:
        skip_unless_ci("curl is not there")
    (tmp_path / "one.jpg").write_bytes(plate_picture("ABC1234"))
    account(tmp_path, "car-12")
    account(tmp_path, "car-13")
    made = GatewayProcess(tmp_path, CAR)
    made.start()
    made.listening(made.http)
    yield made
    made.close()


def test_late_uploads_have_their_own_places_and_times_and_a_second_upload_is_the_same_frame(
    gateway: GatewayProcess,
) -> None:
    now, url = datetime.now(UTC).replace(microsecond=0), f"http://127.0.0.1:{gateway.http}/"
    taken = {now - timedelta(hours=hours): f"{34.5 + hours / 100:.2f}" for hours in range(6)}

    def upload(at: datetime, *place: str) -> tuple[int, str]:
        result = ("-H", f"captured-at: {at.isoformat()}", *place, "-u", "car-12:s3cret:word", "--digest")
        return curl(*result, "--data-binary", f"@{gateway.folder / 'one.jpg'}", url)

    order = random.Random(31).sample([*taken, *taken], 2 * len(taken))
    for at in order:
        where = ("-H", f"latitude: {taken[at]}", "-H", "longitude: -109.4")
        assert upload(at, *where) == (0, "200")
    assert upload(now) == (0, "422"), "no place"
    assert upload(now - timedelta(hours=30), "-H", "latitude: 34.5", "-H", "longitude: -109.4") == (0, "422")
    arrived(gateway, len(order))
    frames = gateway.frames()
    seen = {datetime.fromisoformat(one.headers["captured-at"]): one.headers["latitude"] for one in frames}
    assert {at: float(north) for at, north in seen.items()} == {
        at: float(north) for at, north in taken.items()
    }
    assert len({one.headers["frame-id"] for one in frames}) == len(taken)


def test_a_car_whose_camera_reads_is_where_its_push_says_and_nowhere_without_a_fix(
    gateway: GatewayProcess,
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)

    def push(at: datetime, degree: str) -> int:
        sent = DEVICES["hikvision"](Passing("ABC1234", at, 0.9, plate_picture("ABC1234")))
        part = "<{0}><degree>{1}</degree><minute>30</minute><sec>36</sec></{0}>"
        place = (
            "<DeviceGPSInfo><longitudeType>W</longitudeType><latitudeType>N</latitudeType>"
            f"{part.format('Longitude', 109)}{part.format('Latitude', degree)}</DeviceGPSInfo>"
        )
        body = sent.body.replace(b"</EventNotificationAlert>", f"{place}</EventNotificationAlert>".encode())
        return httpx.post(
            f"http://127.0.0.1:{gateway.http}{sent.path}",
            content=body,
            headers={"Content-Type": sent.content_type},
            auth=httpx.DigestAuth("car-13", "s3cret:word"),
        ).status_code

    assert push(now - timedelta(hours=5), "34") == 200
    assert push(now - timedelta(hours=9), "33") == 200
    assert push(now, "") == 422
    assert push(now - timedelta(hours=30), "34") == 422, "too late"

    def placed() -> dict[str, datetime]:
        found = [one.headers for one in gateway.frames() if "latitude" in one.headers]
        of_car = [one for one in found if one["camera-id"] == "car-13" and "push-fault" not in one]
        return {one["latitude"]: datetime.fromisoformat(one["captured-at"]) for one in of_car}

    wanted = {"34.51": now - timedelta(hours=5), "33.51": now - timedelta(hours=9)}
    wait_until(lambda: placed() == wanted, 60, "both frames with their places and times")
