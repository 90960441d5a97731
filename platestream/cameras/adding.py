"""A new camera without editing a file: its trial in a process of its own, and its table in the file."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

from platestream.access import registry
from platestream.access.door import Door
from platestream.cameras import config
from platestream.cameras.advice import Advice
from platestream.cameras.kinds import StreamKind
from platestream.cameras.picture_parts import PictureParts
from platestream.runtime.private_file import write_file
from platestream.runtime.scratch_file import memory_file
from platestream.schemas.fields import Name
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord

TRIAL_SECONDS = 90
PATHS = (
    ("Axis", "/axis-media/media.amp"),
    ("Bosch", "/rtsp_tunnel"),
    ("Dahua, Amcrest", "/cam/realmonitor?channel=1&subtype=0"),
    ("Hanwha", "/profile2/media.smp"),
    ("Hikvision", "/Streaming/Channels/101"),
    ("Reolink", "/h264Preview_01_main"),
    ("Uniview", "/media/video1"),
    ("Vivotek", "/live.sdp"),
)
"""RTSP paths of known makers, as their manuals have them."""


@dataclass(frozen=True)
class NewCamera:
    """A camera as a form describes it."""

    name: str
    kind: StreamKind
    url: str
    title: str
    latitude: float
    longitude: float
    user: str = ""
    password: str = ""
    parts: PictureParts = field(default_factory=PictureParts)
    rate: float = 5.0


class Trial(msgspec.Struct, frozen=True):
    """The result of a trial; `jpeg` has a frame around each plate, and is empty without a picture."""

    worked: bool
    text: str
    advice: tuple[Advice, ...] = ()
    jpeg: bytes = b""


def try_camera(door: Door, camera: NewCamera) -> Trial:
    """Get a picture of the camera and advice on it; the view is logged. Raises RefusedInquiry."""
    door.enter("camera_show", f"camera/{camera.name}"[:64], reason="Test picture of a camera that is set up")
    account = f"{camera.user}:{camera.password}\n".encode() if camera.user else b""
    with memory_file() as picture, memory_file(account) as secret:
        command = [sys.executable, "-m", "platestream", "cameras", "check", camera.url, "--kind", camera.kind]
        if camera.user:
            command += ["--credentials", f"/proc/self/fd/{secret}"]
        try:
            ran = subprocess.run(
                [*command, "--picture", f"/proc/self/fd/{picture}", "--json"],
                capture_output=True,
                pass_fds=(picture, secret),
                timeout=TRIAL_SECONDS,
                check=False,
            )
            found = msgspec.json.decode(ran.stdout, type=Trial)
        except (subprocess.TimeoutExpired, msgspec.DecodeError):
            return Trial(False, "the trial gave no answer")
        jpeg = os.pread(picture, os.fstat(picture).st_size, 0)
    return msgspec.structs.replace(found, jpeg=jpeg)


def add(door: Door, path: Path, camera: NewCamera, approved_by: str, now: datetime) -> RegistryRecord:
    """Register the camera, approved if `approved_by` names somebody, and append it to the configuration.

    A running gateway reads the file again by itself. Raises RefusedError, which is logged, for a wrong
    field, a name that is taken, and a place where no camera may be; RefusedInquiry and OSError.
    """
    record = RegistryRecord(
        kind="camera",
        id=camera.name,
        name=camera.title,
        latitude=camera.latitude,
        longitude=camera.longitude,
        approved_by=approved_by,
        approved_at=now if approved_by else None,
    )
    secret = path.parent / "secrets" / quote(camera.name, safe="")  # a name may have slashes
    with door.log_refusal("registry_camera", record.key[:64]):
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        text = f"{before.rstrip()}\n\n{_table(camera, secret if camera.user else None)}".lstrip()
        _check(path, camera)
    written = registry.put(door, record, now)
    if camera.user:
        secret.parent.mkdir(mode=0o700, exist_ok=True)
        write_file(secret, f"{camera.user}:{camera.password}\n".encode())
    write_file(path, text.encode())
    return written


def _check(path: Path, camera: NewCamera) -> None:
    """Raise RefusedError where the configuration would not be valid with this camera."""
    try:
        msgspec.convert(camera.name, Name)
    except msgspec.ValidationError:
        raise RefusedError("cameras", "the name has letters, digits and ._:@/#- only") from None
    if "\n" in camera.user + camera.password or ":" in camera.user:
        raise RefusedError("cameras", "the user has no colon, and neither user nor password a line break")
    if path.is_file() and camera.name in config.load(path).cameras:
        raise RefusedError("cameras", f"the configuration has a camera {camera.name} already")
    with tempfile.TemporaryDirectory(prefix="platestream-cameras-") as made:
        trial = Path(made) / "cameras.toml"  # of this camera alone: the file of its account is not there yet
        trial.write_text(_table(camera, None), encoding="utf-8")
        config.load(trial)


def _table(camera: NewCamera, secret: Path | None) -> str:
    fields: dict[str, object] = {"kind": camera.kind, "url": camera.url}
    if secret is not None:
        fields["credentials_file"] = str(secret)
    fields |= {"latitude": camera.latitude, "longitude": camera.longitude, "rate": camera.rate}
    fields |= {name: value for name, value in camera.parts.fields().items() if value is not None}
    # JSON's texts, numbers and lists are TOML's as well.
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    return "\n".join([f"[cameras.{json.dumps(camera.name)}]", *lines, ""])
