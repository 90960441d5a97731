"""The sample system of `platestream up --sample`: the demo's street as cameras of RTSP, and its hot list.

The cameras are a real RTSP server, GStreamer's, which Debian's Python runs. Everything in it is invented.
"""

import socket
import subprocess
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import msgspec

from connectors.settings import ACCOUNTS, Settings
from platestream.demo.files import FRAMES, MANIFEST, FrameFile
from platestream.demo.job import load_sample_list
from platestream.demo.people import register_whoever_runs_it
from schemas.registry import RegistryRecord
from services import registry
from services.door import Door
from services.up.plan import Program
from services.up.supervisor import UpError

PYTHON = "/usr/bin/python3"  # Debian's, which has GStreamer's bindings
NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
PACKAGES = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad} python3-gi"
FOLDER = "sample"  # below the data folder; it also tells a sample from an agency's system
CORRUPT = "corrupt"
# A picture for each second of an H.264 video of five frames a second.
PIPELINE = (
    "multifilesrc location={folder}/%03d.jpg loop=true caps=image/jpeg,width=1280,height=720,framerate=1/1"
    " ! jpegdec ! videorate ! video/x-raw,framerate=5/1 ! videoconvert"
    " ! openh264enc gop-size=10 bitrate=4000000 ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
)


def prepare(data: Path) -> tuple[Path, Program]:
    """Lay out the street below `data`: the cameras' configuration, and the program that serves them.

    Raises UpError where an agency's system is in the folder, or GStreamer is not there.
    """
    folder = data / FOLDER
    if (data / ACCOUNTS).exists() and not folder.exists():
        raise UpError(
            f"{data} holds an agency's system: a sample would mix with it. Name another PLATESTREAM_DATA"
        )
    try:
        subprocess.run([PYTHON, "-c", NEEDED], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise UpError(
            f"the sample's cameras need GStreamer's RTSP server: apt-get install {PACKAGES}"
        ) from None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    cameras = _cameras()
    port = free_port()
    pipelines = []
    for name, frames in cameras.items():
        for number, frame in enumerate(frames):
            there = folder / name / f"{number:03}.jpg"
            there.parent.mkdir(exist_ok=True)
            there.unlink(missing_ok=True)
            there.symlink_to(FRAMES / frame.file)
        pipelines.append(f"{name}={PIPELINE.format(folder=folder / name)}")
    config = folder / "cameras.toml"
    config.write_text("".join(_table(name, frames[0], port) for name, frames in cameras.items()))
    server = str(Path(__file__).with_name("rtsp_server.py"))
    return config, Program("street", "the sample's cameras", (PYTHON, server, str(port), *pipelines))


def fill(settings: Settings, now: datetime) -> None:
    """Whoever starts it is registered with every role, the cameras are approved, the hot list is loaded."""
    with Door.open(settings, "platestream up --sample") as door:
        register_whoever_runs_it(door, now)
        for name, frames in _cameras().items():
            registry.put(door, _record(name, frames[0], now), now)
        load_sample_list(door, now, now)


def _cameras() -> dict[str, list[FrameFile]]:
    """Frames by camera, in the order of their capture, without the one that is no picture."""
    found: dict[str, list[FrameFile]] = defaultdict(list)
    for frame in msgspec.json.decode(MANIFEST.read_bytes(), type=list[FrameFile]):
        if CORRUPT not in frame.file:
            found[frame.headers["camera-id"]].append(frame)
    return dict(found)


def _table(name: str, frame: FrameFile, port: int) -> str:
    return (
        f'[cameras.{name}]\nkind = "rtsp"\nurl = "rtsp://127.0.0.1:{port}/{name}"\nrate = 2.0\n'
        f"latitude = {frame.headers['latitude']}\nlongitude = {frame.headers['longitude']}\n\n"
    )


def _record(name: str, frame: FrameFile, now: datetime) -> RegistryRecord:
    return RegistryRecord(
        kind="camera",
        id=name,
        name=f"Sample camera {name}",
        latitude=float(frame.headers["latitude"]),
        longitude=float(frame.headers["longitude"]),
        approved_by="Chief of Police (sample)",
        approved_at=now,
    )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
