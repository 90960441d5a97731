"""Sample system of `platestream up --sample`: the demo's street as RTSP cameras, and its hot list.

The cameras are a real RTSP server (GStreamer) that runs in Debian's Python. All content is invented.
"""

import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from platestream.access import accounts, registry
from platestream.access.door import Door, agency_zone
from platestream.access.inquire import RefusedInquiry
from platestream.demo.files import FRAMES, MANIFEST, FrameFile
from platestream.demo.job import load_sample_list, register_current_user
from platestream.hotlist import entries
from platestream.maps import service as street_map
from platestream.operations.up.plan import Program
from platestream.operations.up.supervisor import UpError
from platestream.schemas.hotlist import OWN_SOURCE
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from platestream.settings import ACCOUNTS, Settings

PYTHON = "/usr/bin/python3"  # Debian's Python, which has the GStreamer bindings
NEEDED = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
PACKAGES = "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-{base,good,bad} python3-gi"
FOLDER = "sample"  # Below the data folder; it also distinguishes a sample from an agency's system.
CORRUPT = "corrupt"
STREETS = Path(__file__).with_name("streets.geojson")
# A picture for each second of an H.264 video of five frames a second.
PIPELINE = (
    "multifilesrc location={folder}/%03d.jpg loop=true caps=image/jpeg,width=1280,height=720,framerate=1/1"
    " ! jpegdec ! videorate ! video/x-raw,framerate=5/1 ! videoconvert"
    " ! openh264enc gop-size=10 bitrate=4000000 ! h264parse ! rtph264pay name=pay0 config-interval=1 pt=96"
)


LOOP = 600
"""Seconds after which the street repeats."""
SHOWN: dict[str, dict[int, str]] = {
    "stj-01": {30: "plain", 95: "motion-blur", 215: "stacked-letters", 335: "motion-blur", 455: "seen-again"},
    "stj-02": {
        15: "plain",
        75: "o-or-0",
        150: "two-rows",
        270: "two-vehicles-bold-cactus",
        395: "plain",
        515: "o-or-0",
    },
    "stj-03": {
        45: "rain",
        155: "tilted-plate",
        245: "rain",
        365: "look-alike",
        485: "rain",
        560: "look-alike",
    },
}
"""Second of the loop at which each pass begins, by camera, as the frames' names say it.

The first alert is a stolen vehicle at 30 s. The others are look-alikes of listed plates, a listed plate of
another state, one whose entry ran out, one whose entry is removed, and vehicles that are not listed.
"""
PEOPLE = {
    "officer": ("Officer L. Begay", True),
    "analyst": ("Analyst T. Udall", False),
    "supervisor": ("Sergeant M. Whiting", True),
    "auditor": ("Auditor P. Nez", False),
}
"""People of the sample by role: name, and True if sworn."""
REMOVED = {
    "reference": "SJ-26-0099",
    "category": "suspect_vehicle",
    "plate": "BFK417",
    "state": "NM",
    "case_number": "SJ26-004102",
    "reason": "Left the scene of a collision",
    "requested_by": "Ofc. L. Begay",
    "contact": "928-555-0117",
    "instructions": "Do not stop, contact member of Alert Hit",
}


class SignIn(NamedTuple):
    """The sign-in of a person of the sample: `code` is that of a one-time link, empty for a password."""

    who: str
    does: str
    code: str


def prepare(data: Path) -> tuple[Path, Program]:
    """Prepare the sample below `data`: the cameras' configuration, and the program that serves them.

    Raises UpError if an agency's system is in the folder, or if GStreamer is not installed.
    """
    folder = data / FOLDER
    if (data / ACCOUNTS).exists() and not folder.exists():
        raise UpError(
            f"{data} holds an agency's system, which a sample must not change: "
            "name another folder in PLATESTREAM_DATA"
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
        (folder / name).mkdir(exist_ok=True)
        for second, picture in enumerate(_street(name, frames)):
            there = folder / name / f"{second:03}.jpg"
            there.unlink(missing_ok=True)
            there.symlink_to(picture)
        pipelines.append(f"{name}={PIPELINE.format(folder=folder / name)}")
    config = folder / "cameras.toml"
    config.write_text("".join(_table(name, frames[0], port) for name, frames in cameras.items()))
    server = str(Path(__file__).with_name("rtsp_server.py"))
    return config, Program("street", "the sample's cameras", (PYTHON, server, str(port), *pipelines))


def fill(settings: Settings, now: datetime) -> list[SignIn]:
    """Fill a new sample: the caller with every role, people of each role, approved cameras, and the hot list.

    A sample that was filled before keeps all that was changed in it since. Returns how each person signs in.
    """
    filled = settings.data / FOLDER / "filled"
    with Door.open(settings, "platestream up --sample") as door:
        if not filled.exists():
            register_current_user(door, now)
            for role, (name, sworn) in PEOPLE.items():
                _register(door, role, name, sworn, now)
            for name, frames in _cameras().items():
                registry.put(door, _record(name, frames[0], now), now)
            load_sample_list(door, now, now)
            expires = (now + timedelta(days=30)).isoformat()
            entry = entries.add(door, OWN_SOURCE, {**REMOVED, "expires_at": expires}, now, back=False).entry
            entries.remove(door, entry.entry_id)
            street_map.install(settings.data, STREETS, "drawn streets, invented for the sample")
            filled.touch()
        return [_sign_in(door, who, does, now) for who, does in _people(door)]


def _register(door: Door, role: str, name: str, sworn: bool, now: datetime) -> None:
    agency = next(one.id for one in registry.records_of(door.streams, "agency").values() if one.own)
    midnight = now.astimezone(agency_zone(door)).replace(hour=0, minute=0, second=0, microsecond=0)
    person = RegistryRecord(
        kind="user",
        id=role,
        name=f"{name} (sample)",
        agency=agency,
        employee_number=f"sample-{role}",
        sworn=sworn,
        trained_at=midnight,
    )
    registry.put_user(door, person, now, [role])


def _people(door: Door) -> Iterator[tuple[str, str]]:
    """Yield the active people of the sample, the caller first, each with what they do."""
    users = registry.records_of(door.streams, "user")
    for who, does in {door.who: "every role", **{role: role for role in PEOPLE}}.items():
        if who in users and users[who].active:
            yield who, does


def _sign_in(door: Door, who: str, does: str, now: datetime) -> SignIn:
    try:
        return SignIn(who, does, accounts.sign_in_link(door, who, now, "by platestream up --sample"))
    except (RefusedError, RefusedInquiry):  # they have a password, or the caller is no administrator any more
        return SignIn(who, does, "")


def _street(camera: str, frames: list[FrameFile]) -> list[Path]:
    """Return the picture of each second of the loop: the passes of `SHOWN`, and else an empty street."""
    shown = [FRAMES / f"empty-{camera}.jpg"] * LOOP
    for second, kind in SHOWN[camera].items():
        passing = [FRAMES / one.file for one in frames if one.file.endswith(f"-{camera}-{kind}.jpg")]
        shown[second : second + len(passing)] = passing
    return shown


def _cameras() -> dict[str, list[FrameFile]]:
    """Return the frames by camera in the order of capture, without the one that is not a picture."""
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
    """Return a free port of 127.0.0.1."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
