"""Uploads to a real gateway by curl, which nobody here wrote."""

import random
import resource
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from platestream.runtime.http_connection import MAX_CONNECTIONS, raise_file_limit
from tests.conftest import skip_unless_ci
from tests.support.chaos import KILLS
from tests.support.flows import plate_picture
from tests.support.gateway import PLACE, GatewayProcess, account
from tests.support.kafka_broker import free_port, wait_until
from tests.support.nightly import nightly

METRICS = free_port()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    if shutil.which("curl") is None:
        skip_unless_ci("curl is not there")
    (tmp_path / "one.jpg").write_bytes(plate_picture("ABC1234"))
    account(tmp_path, "gate"), account(tmp_path, "yard")
    cameras = "".join(
        f'[cameras.{name}]\nkind = "{kind}"\ncredentials_file = "{name}.account"\nrate = 60.0\n{PLACE}'
        for name, kind in (("gate", "http"), ("yard", "ftp"))
    )
    made = GatewayProcess(tmp_path, cameras, more=f'largest_bytes = 2000000\nmetrics = "127.0.0.1:{METRICS}"')
    made.start()
    made.listening(made.http)
    made.listening(made.ftp)
    yield made
    print(f"The gateway ended with {made.code} (None: it runs), and said:\n{made.log[-3000:]}")
    made.close()


def curl(*arguments: str) -> tuple[int, str]:
    """Exit code, and the last status that the server gave."""
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{response_code}", "--max-time", "60", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


GATE, YARD = "gate:s3cret:word", "yard:s3cret:word"


def arrived(gateway: GatewayProcess, count: int) -> None:
    wait_until(lambda: len(gateway.frames()) >= count, 20, f"{count} frames on the topic")


def test_raw_and_form_uploads_with_digest_come_as_they_were_sent(gateway: GatewayProcess) -> None:
    url, photo = f"http://127.0.0.1:{gateway.http}/any/path?x=1", gateway.folder / "one.jpg"
    result = "captured-at: " + time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    assert curl("--digest", "-u", GATE, "-H", result, "--data-binary", f"@{photo}", url) == (0, "200")
    assert curl("--digest", "-u", GATE, "-F", "meta=1", "-F", f"image=@{photo}", url) == (0, "200")
    assert curl("--digest", "-u", GATE, "-T", str(photo), url) == (0, "200")
    arrived(gateway, 3)
    frames = gateway.frames()
    assert [frame.value for frame in frames] == [photo.read_bytes()] * 3
    assert frames[0].headers["camera-id"] == "gate"
    assert frames[0].headers["captured-at"][:19] == result[13:32]
    page = urllib.request.urlopen(f"http://127.0.0.1:{METRICS}/metrics").read().decode()
    assert 'platestream_gateway_frames_total{camera="gate",outcome="spooled"} 3.0' in page
    assert 'platestream_gateway_frames_total{camera="gate",outcome="full"} 0.0' in page, "its first is seen"
    assert "platestream_gateway_spool_limit_bytes 2e+09" in page
    assert 'platestream_gateway_last_frame_timestamp_seconds{camera="yard"}' in page, "it sent nothing yet"
    assert gateway.cli("health", "--config", str(gateway.config)).stdout.count("gate") >= 1


def certificate(folder: Path) -> None:
    """A certificate of its own, `cert` and `key`, for 127.0.0.1."""
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        skip_unless_ci("curl and openssl are not both there")
    made = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(["openssl", "req", *made, *files], check=True, capture_output=True)


@contextmanager
def by_ftp_over_tls(folder: Path, plain: bool) -> Iterator[GatewayProcess]:
    """A gateway whose FTP wants TLS, with one.jpg in its folder."""
    certificate(folder)
    (folder / "one.jpg").write_bytes(plate_picture("ABC1234"))
    account(folder, "yard")
    table = f'[cameras.yard]\nkind = "ftp"\ncredentials_file = "yard.account"\n{PLACE}'
    gateway = GatewayProcess(folder, table, tls=True, ftp=f"plain = {str(plain).lower()}\n")
    gateway.start()
    try:
        gateway.listening(gateway.ftp)
        yield gateway
    finally:
        assert gateway.end() == 0


@pytest.mark.parametrize("plain", [False, *nightly(True)])
def test_ftp_over_tls_takes_pictures_and_in_clear_only_where_it_may(tmp_path: Path, plain: bool) -> None:
    (tmp_path / "half.jpg").write_bytes(plate_picture("ABC1234")[:-100])
    with by_ftp_over_tls(tmp_path, plain) as gateway:
        to = f"ftp://127.0.0.1:{gateway.ftp}/a.jpg"
        secure = ["--ssl-reqd", "--cacert", str(tmp_path / "cert"), "-u", YARD]
        for _ in range(3):
            assert curl(*secure, "-T", str(tmp_path / "one.jpg"), to) == (0, "226")
        assert curl(*secure, "--tls-max", "1.2", "-T", str(tmp_path / "one.jpg"), to) == (0, "226")
        assert curl(*secure, "--tls-max", "1.1", "-T", str(tmp_path / "one.jpg"), to)[0] != 0
        assert curl(*secure, "-T", str(tmp_path / "half.jpg"), to)[0] != 0
        assert curl(*secure[:3], "-u", "yard:wrong", "-T", str(tmp_path / "one.jpg"), to)[0] == 67
        assert (curl("-u", YARD, "-T", str(tmp_path / "one.jpg"), to)[0] == 0) == plain
        arrived(gateway, 4 + plain)
        time.sleep(1)
        assert len(gateway.frames()) == 4 + plain


def test_a_wrong_certificate_is_said_at_the_start(tmp_path: Path) -> None:
    for name in ("cert", "key"):
        (tmp_path / name).write_text("no certificate")
    account(tmp_path, "yard")
    table = f'[cameras.yard]\nkind = "ftp"\ncredentials_file = "yard.account"\n{PLACE}'
    said = GatewayProcess(tmp_path, table, tls=True)
    done = said.cli("run", "--config", str(said.config))
    assert done.returncode == 1
    assert "are no certificate and its key" in done.stderr.replace("\n", " ")


def test_basic_is_let_in_over_tls(tmp_path: Path) -> None:
    certificate(tmp_path)
    (tmp_path / "one.jpg").write_bytes(plate_picture("ABC1234"))
    account(tmp_path, "gate")
    table = f'[cameras.gate]\nkind = "http"\ncredentials_file = "gate.account"\n{PLACE}'
    gateway = GatewayProcess(tmp_path, table, tls=True)
    gateway.start()
    try:
        gateway.listening(gateway.http)
        secure = ["--cacert", str(tmp_path / "cert"), "--data-binary", f"@{tmp_path / 'one.jpg'}"]
        url = f"https://127.0.0.1:{gateway.http}/"
        assert curl(*secure, "--basic", "-u", GATE, url) == (0, "200")
        assert curl(*secure, "--basic", "-u", "gate:wrong", url) == (0, "401")
        arrived(gateway, 1)
    finally:
        assert gateway.end() == 0


def test_who_does_not_sign_in_rightly_leaves_nothing(gateway: GatewayProcess) -> None:
    url, photo = f"http://127.0.0.1:{gateway.http}/", f"@{gateway.folder / 'one.jpg'}"
    assert curl("--data-binary", photo, url) == (0, "401")
    assert curl("--digest", "-u", "gate:wrong", "--data-binary", photo, url) == (0, "401")
    assert curl("--digest", "-u", YARD, "--data-binary", photo, url) == (0, "401"), "an account of FTP"
    assert curl("--basic", "-u", GATE, "--data-binary", photo, url) == (0, "401"), "in clear, so not let in"
    ftp = f"ftp://127.0.0.1:{gateway.ftp}/a.jpg"
    assert curl("-u", "yard:wrong", "-T", photo[1:], ftp)[0] == 67
    time.sleep(1)
    assert gateway.frames() == []


def test_what_is_no_picture_or_too_large_is_refused_by_http(gateway: GatewayProcess) -> None:
    url = f"http://127.0.0.1:{gateway.http}/"
    (gateway.folder / "big").write_bytes(bytes(3_000_000))
    (gateway.folder / "text").write_text("no picture")
    (gateway.folder / "half.jpg").write_bytes((gateway.folder / "one.jpg").read_bytes()[:-100])
    for name, status in [("big", "413"), ("text", "415"), ("half.jpg", "422")]:
        assert curl("--digest", "-u", GATE, "--data-binary", f"@{gateway.folder / name}", url) == (0, status)
    big = f"@{gateway.folder / 'big'}"
    assert (
        curl("--digest", "-u", GATE, "-H", "Transfer-Encoding: chunked", "--data-binary", big, url)[1]
        == "413"
    )
    assert gateway.frames() == []


def test_ftp_takes_pictures_from_any_folder_and_refuses_the_rest(gateway: GatewayProcess) -> None:
    photo, root = gateway.folder / "one.jpg", f"ftp://127.0.0.1:{gateway.ftp}"
    assert curl("-u", YARD, "-T", str(photo), f"{root}/a.jpg")[0] == 0
    assert curl("-u", YARD, "--ftp-create-dirs", "-T", str(photo), f"{root}/2026/11/b.jpg")[0] == 0
    traversal = f"{root}/../../../{str(gateway.folder).lstrip('/')}/stolen.jpg"
    assert curl("-u", YARD, "--path-as-is", "-T", str(photo), traversal)[0] == 0
    assert not (gateway.folder / "stolen.jpg").exists()
    (gateway.folder / "big").write_bytes(bytes(3_000_000))
    (gateway.folder / "half.jpg").write_bytes(photo.read_bytes()[:-100])
    for name in ("big", "half.jpg"):
        assert curl("-u", YARD, "-T", str(gateway.folder / name), f"{root}/{name}")[0] != 0
    assert curl("-u", YARD, f"{root}/a.jpg")[0] != 0, "nothing can be fetched"
    assert curl("-u", YARD, "--path-as-is", f"{root}/../../etc/passwd")[0] != 0
    arrived(gateway, 3)
    assert [frame.headers["camera-id"] for frame in gateway.frames()] == ["yard"] * 3


@pytest.mark.nightly
def test_while_the_topics_disk_is_away_uploads_are_taken_and_wait(gateway: GatewayProcess) -> None:
    away = gateway.folder / "data"
    away.write_text("where the folder of topics should be")
    url, photo = f"http://127.0.0.1:{gateway.http}/", f"@{gateway.folder / 'one.jpg'}"
    for _ in range(3):
        assert curl("--digest", "-u", GATE, "--data-binary", photo, url) == (0, "200")

    def told() -> bool:
        found = gateway.health()
        return found is not None and found.waiting == 3 and found.sending != ""

    wait_until(told, 20, "frames wait and the state says why")
    away.unlink()
    arrived(gateway, 3)


@pytest.mark.nightly
def test_slow_connections_are_closed_and_others_are_served_meanwhile(gateway: GatewayProcess) -> None:
    slow = [socket.create_connection(("127.0.0.1", gateway.http)) for _ in range(40)]
    for one in slow:
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-")
    url, photo = f"http://127.0.0.1:{gateway.http}/", f"@{gateway.folder / 'one.jpg'}"
    assert curl("--digest", "-u", GATE, "--data-binary", photo, url) == (0, "200")
    for one in slow:
        one.settimeout(20)
        assert one.recv(1000) == b"", "closed by the server, which did not wait for the rest"
        one.close()


def test_whoever_takes_all_places_shuts_no_camera_out(gateway: GatewayProcess) -> None:
    raise_file_limit()
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2 * MAX_CONNECTIONS:
        pytest.skip("a process may have few connections here: its places are never all taken")
    url, photo = f"http://127.0.0.1:{gateway.http}/", f"@{gateway.folder / 'one.jpg'}"
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS + 50):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.http)))
            one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n-")
        assert curl("--digest", "-u", GATE, "--data-binary", photo, url) == (0, "200")


def by_ftp(stack: ExitStack, gateway: GatewayProcess, source: str, *said: str) -> socket.socket:
    """A connection of FTP from one of this machine's addresses, which is left open."""
    to = ("127.0.0.1", gateway.ftp)
    one = stack.enter_context(socket.create_connection(to, 20, source_address=(source, 0)))
    for line in ("", *said):
        one.sendall(line.encode())
        one.recv(1000)
    return one


def test_whoever_takes_all_places_of_ftp_without_signing_in_shuts_no_camera_out(
    gateway: GatewayProcess,
) -> None:
    to, photo = f"ftp://127.0.0.1:{gateway.ftp}/a.jpg", str(gateway.folder / "one.jpg")
    with ExitStack() as stack:
        kept = by_ftp(stack, gateway, "127.0.0.2", "USER yard\r\n", "PASS s3cret:word\r\n")
        for number in range(300):
            by_ftp(stack, gateway, f"127.0.1.{1 + number // 12}", "USER yard\r\n")
        assert curl("-u", YARD, "-T", photo, to)[0] == 0
        kept.sendall(b"NOOP\r\n")
        assert kept.recv(100).startswith(b"200"), "who signed in keeps its place"


def test_half_handshakes_on_all_places_of_ftp_over_tls_shut_no_camera_out(tmp_path: Path) -> None:
    with by_ftp_over_tls(tmp_path, plain=False) as gateway, ExitStack() as stack:
        for number in range(300):
            one = by_ftp(stack, gateway, f"127.0.1.{1 + number // 12}", "AUTH TLS\r\n")
            one.sendall(b"\x16\x03\x01")
        secure = ("--ssl-reqd", "--cacert", str(tmp_path / "cert"), "-u", YARD)
        for _ in range(3):
            photo, to = str(tmp_path / "one.jpg"), f"ftp://127.0.0.1:{gateway.ftp}/a.jpg"
            assert curl(*secure, "-T", photo, to) == (0, "226")


def test_whoever_has_a_camera_s_password_takes_its_places_of_ftp_and_no_others(
    gateway: GatewayProcess,
) -> None:
    signed_in = ("USER yard\r\n", "PASS s3cret:word\r\n")
    with ExitStack() as stack:
        held = [by_ftp(stack, gateway, f"127.0.1.{1 + n // 12}", *signed_in) for n in range(40)]
        for one in held:
            one.settimeout(0.2)
        ended = [one for one in held if _closed(one)]
        assert ended == held[:24], "an account has 16 places, and the oldest goes"


def _closed(one: socket.socket) -> bool:
    try:
        return one.recv(100) == b""
    except TimeoutError:
        return False


@pytest.mark.nightly
def test_an_acknowledged_upload_survives_kills_at_any_moment(gateway: GatewayProcess) -> None:
    """Uploads never stop while the gateway is killed again and again: what was acknowledged is there."""
    photo, chance = (gateway.folder / "one.jpg").read_bytes(), random.Random(7)
    acknowledged: dict[str, list[bytes]] = {"gate": [], "yard": []}
    over = threading.Event()

    def upload(camera: str) -> None:
        file = gateway.folder / f"{camera}.jpg"
        number = 0
        while not over.is_set():
            number += 1
            mine = photo + f"-{camera}-{number}".encode()  # behind the end of a JPEG anything may stand
            file.write_bytes(mine)
            if camera == "yard":
                done = curl("-u", YARD, "-T", str(file), f"ftp://127.0.0.1:{gateway.ftp}/x.jpg")[0] == 0
            else:
                url = f"http://127.0.0.1:{gateway.http}/"
                done = curl("--digest", "-u", GATE, "--data-binary", f"@{file}", url) == (0, "200")
            if done:
                acknowledged[camera].append(mine)

    uploaders = [threading.Thread(target=upload, args=(camera,), daemon=True) for camera in acknowledged]
    for one in uploaders:
        one.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 2))
        gateway.kill()
        gateway.start()
        gateway.listening(gateway.http)
        gateway.listening(gateway.ftp)
    time.sleep(1)
    over.set()
    for one in uploaders:
        one.join(60)
    sent = {one for images in acknowledged.values() for one in images}
    assert min(len(images) for images in acknowledged.values()) > KILLS
    wait_until(lambda: {one.value for one in gateway.frames()} >= sent, 30, "all on the topic")
    frames = [one.value or b"" for one in gateway.frames()]
    again = len(frames) - len(set(frames))
    print(f"{KILLS} kills: {len(sent)} acknowledged, {len(set(frames))} on the topic, {again} twice")
    for images in acknowledged.values():
        mine = set(images)
        assert [one for one in dict.fromkeys(frames) if one in mine] == images, "in order"


def test_masks_apply_to_uploads_folders_and_videos_before_a_frame_leaves_the_gateway(tmp_path: Path) -> None:
    picture = np.full((360, 640, 3), 200, np.uint8)
    (tmp_path / "one.jpg").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    (tmp_path / "frames").mkdir()
    shutil.copy(tmp_path / "one.jpg", tmp_path / "frames")
    video = cv2.VideoWriter(str(tmp_path / "one.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 360))
    for _frame in range(10):
        video.write(picture)
    video.release()
    account(tmp_path, "web"), account(tmp_path, "file")
    kinds = {
        "web": 'kind = "http"\ncredentials_file = "web.account"',
        "file": 'kind = "ftp"\ncredentials_file = "file.account"',
        "folder": 'kind = "folder"\npath = "frames"',
        "video": 'kind = "video"\npath = "one.avi"',
    }
    mask = "mask = [[0, 0, 50, 100]]\n"
    cameras = "".join(f"[cameras.{name}]\n{table}\n{PLACE}{mask}" for name, table in kinds.items())
    made = GatewayProcess(tmp_path, cameras)
    made.start()
    try:
        made.listening(made.http)
        made.listening(made.ftp)
        url = f"http://127.0.0.1:{made.http}/"
        assert curl("--digest", "-u", "web:s3cret:word", "-T", str(tmp_path / "one.jpg"), url)[1] == "200"
        to = f"ftp://127.0.0.1:{made.ftp}/one.jpg"
        assert curl("-u", "file:s3cret:word", "-T", str(tmp_path / "one.jpg"), to)[1] == "226"
        wait_until(
            lambda: {one.headers["camera-id"] for one in made.frames()} == set(kinds), 30, "a frame of each"
        )
        for frame in made.frames():
            shown = cv2.imdecode(np.frombuffer(frame.value or b"", np.uint8), cv2.IMREAD_COLOR)
            assert shown is not None
            assert shown[:, :312].max() <= 2, frame.headers["camera-id"]
            assert shown[:, 328:].min() >= 190, frame.headers["camera-id"]
    finally:
        made.close()
