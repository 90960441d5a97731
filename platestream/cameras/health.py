"""Health of the gateway: the cameras of a configuration, their state and their faults."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from platestream.cameras import config, kinds, state
from platestream.cameras.approvals import UnreadCamera
from platestream.cameras.picture_states import PictureState
from platestream.settings import Settings, load_settings

PICTURES: dict[PictureState, str] = {
    "moved": "it shows another scene than before, as after a turn",
    "blurred": "it is blurred",
    "dark": "it is dark, and was lit before",
    "covered": "the lens seems to be covered",
}
"""Faults of a picture in words."""
STALE = timedelta(seconds=15)


def sources(path: Path) -> Iterator[tuple[str, config.Camera, str]]:
    """Yield each camera's name, table, and the source of its frames."""
    found = config.load(path)
    for name, camera in found.cameras.items():
        yield name, camera, _source(found, camera)


def _source(found: config.Gateway, camera: config.Camera) -> str:
    if camera.kind in kinds.UPLOADS:
        return f"uploads to {(found.http if camera.kind == 'http' else found.ftp).listen}"
    return camera.url or str(camera.path)


def newest(path: Path, settings: Settings | None = None) -> state.GatewayHealth | None:
    """Return the newest state of the gateway of a configuration; None where it never ran.

    Without `settings` those of this process are used. Raises RefusedError and OSError where the configuration
    cannot be read.
    """
    return state.read(spool(path, settings or load_settings()))


def spool(path: Path, settings: Settings) -> Path:
    """Return the folder where the gateway of a configuration stores its frames. Raises as `newest`."""
    return config.spool_folder(settings, config.load(path))


def faults(found: state.GatewayHealth, unread: Iterable[UnreadCamera], now: datetime) -> list[str]:
    """List the faults, one sentence each, those of cameras whose frames are not read included."""
    wrong = [str(one) for one in unread]
    if now - found.at > STALE:
        wrong.append(f"the gateway does not run: silent for {(now - found.at).total_seconds():.0f} s")
    if found.sending:
        wrong.append(f"frames wait for the broker: {found.sending}")
    wrong += [f"camera {one.name}: {one.fault}" for one in found.cameras if one.fault]
    wrong += [
        f"picture of camera {one.name}: {PICTURES[one.picture]}"
        for one in found.cameras
        if one.picture in PICTURES
    ]
    lost = {"full": "did not fit the spool", "expired": "waited too long", "undeliverable": "were not taken"}
    for one in found.cameras:
        wrong += [
            f"camera {one.name}: {one.frames[name]} frames {why}"
            for name, why in lost.items()
            if one.frames.get(name)
        ]
    return wrong
