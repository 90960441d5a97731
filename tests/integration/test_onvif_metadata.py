"""Reads in the metadata track of an ONVIF camera, sent by GStreamer's RTSP server, through a real gateway."""

import gzip
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platestream.demo.street import NEEDED
from tests.conftest import skip_unless_ci
from tests.integration.test_onvif_events import fault, reads
from tests.support.gateway import PLACE, ROOT, GatewayProcess, account
from tests.support.kafka_broker import free_port, wait_until

PYTHON = "/usr/bin/python3"
KIND = "VND.ONVIF.METADATA"
SPACE = 'xmlns:tt="http://www.onvif.org/ver10/schema"'
Serve = Callable[..., int]


def scene(*plates: str, filler: int = 0) -> bytes:
    """A document with an object for each plate, and so many objects without."""
    objects = [
        f'<tt:Object ObjectId="{number}"><tt:Appearance><tt:LicensePlateInfo>'
        f'<tt:PlateNumber Likelihood="0.9">{plate}</tt:PlateNumber>'
        "</tt:LicensePlateInfo></tt:Appearance></tt:Object>"
        for number, plate in enumerate(plates)
    ]
    objects += [f'<tt:Object ObjectId="{900 + one}"/>' for one in range(filler)]
    frame = f'<tt:Frame UtcTime="2026-11-29T12:00:00Z">{"".join(objects)}</tt:Frame>'
    analytics = f"<tt:VideoAnalytics>{frame}</tt:VideoAnalytics>"
    return f"<tt:MetadataStream {SPACE}>{analytics}</tt:MetadataStream>".encode()


def packets(*documents: bytes, lost: int | None = None) -> list[bytes]:
    """Documents in packets of 500 bytes, the last of each marked; packet `lost` is missing."""
    made = list[bytes]()
    for document in documents:
        parts = [document[at : at + 500] for at in range(0, len(document), 500)]
        for at, part in enumerate(parts):
            last = 0x80 if at == len(parts) - 1 else 0
            head = bytes((0x80, last | 107)) + len(made).to_bytes(2, "big") + b"\0\0\0\1" + b"\0\0\0\7"
            made.append(head + part)
    return [one for number, one in enumerate(made) if number != lost]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a server whose stream `meta` repeats packets, each 20 ms after the one before; its port."""
    try:
        subprocess.run([PYTHON, "-c", NEEDED], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        skip_unless_ci("GStreamer's RTSP server and python3-gi are not there")
    started = list[subprocess.Popen[bytes]]()

    def start(sent: list[bytes], *login: str, kind: str = KIND) -> int:
        folder, port = tmp_path / f"packets{len(started)}", free_port()
        folder.mkdir()
        for number, one in enumerate(sent):
            (folder / f"{number:04}").write_bytes(one)
        caps = f"application/x-rtp,media=application,payload=107,clock-rate=90000,encoding-name={kind}"
        source = f'multifilesrc location={folder}/%04d loop=true caps="{caps}"'
        account = ["--account", *login] if login else []
        command = [PYTHON, str(ROOT / "platestream/demo/rtsp_server.py"), str(port), *account]
        pipeline = f"meta={source} ! identity sleep-time=20000 name=pay0"
        process = subprocess.Popen([*command, pipeline], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return port

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def gateway(folder: Path, port: int, more: str = "") -> GatewayProcess:
    return GatewayProcess(
        folder,
        f'[cameras.gate]\nkind = "onvif"\nformat = "onvif"\nurl = "rtsp://127.0.0.1:{port}/meta"\n{more}{PLACE}',
    )


def test_plates_of_the_metadata_become_frames_once_each(serve: Serve, tmp_path: Path) -> None:
    port = serve(
        packets(scene(), scene("AAA1111", "BBB2222", filler=60), scene("CCC3333")), "viewer", "p@ss:w/rd"
    )
    account(tmp_path, "viewer", "p@ss:w/rd")
    made = gateway(tmp_path, port, 'credentials_file = "viewer.account"\n')
    made.start()
    try:
        wait_until(lambda: len(reads(made)) == 3, 60, "three plates")
        found = reads(made)
        assert set(found) == {"AAA1111", "BBB2222", "CCC3333"}
        assert (found["AAA1111"]["confidence"], found["BBB2222"]["track"]) == (0.9, "1")
        assert made.end() == 0
        assert "p@ss" not in made.log
    finally:
        made.close()


def test_compressed_metadata_is_read(serve: Serve, tmp_path: Path) -> None:
    port = serve(packets(gzip.compress(scene("GZP1234"))), kind=f"{KIND}.GZIP")
    made = gateway(tmp_path, port)
    made.start()
    try:
        wait_until(lambda: "GZP1234" in reads(made), 60, "the plate")
    finally:
        made.close()


def test_a_document_with_a_lost_packet_is_left_out(serve: Serve, tmp_path: Path) -> None:
    torn = scene("TRN1234", filler=60)
    port = serve(packets(torn, scene("NEX1234"), lost=1))
    made = gateway(tmp_path, port)
    made.start()
    try:
        wait_until(lambda: "NEX1234" in reads(made), 60, "the next document")
        assert "TRN1234" not in reads(made)
    finally:
        made.close()


def test_what_sends_no_metadata_refuses_the_sign_in_or_is_gone_is_named(serve: Serve, tmp_path: Path) -> None:
    some = [
        (serve(packets(scene()), "viewer", "word"), "other", "it refuses the name or password"),
        (serve(packets(scene()), kind=f"{KIND}.EXI.EXT"), "", "choose XML"),
        (serve(packets(scene()), kind="OTHER"), "", "it streams no metadata"),
        (free_port(), "", "it cannot be connected to"),
    ]
    running = list[GatewayProcess]()
    try:
        for number, (port, password, _sentence) in enumerate(some):
            folder = tmp_path / str(number)
            folder.mkdir()
            account(folder, "viewer", password)
            more = 'credentials_file = "viewer.account"\n' if password else ""
            running.append(gateway(folder, port, more))
            running[-1].start()
        for made, (_port, _password, sentence) in zip(running, some, strict=True):
            wait_until(lambda one=made, said=sentence: said in fault(one), 60, sentence)  # type: ignore[misc]
    finally:
        for made in running:
            made.close()
