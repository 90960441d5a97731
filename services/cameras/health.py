"""What is asked about the gateway: the cameras of a configuration, their state, what is wrong."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from connectors.settings import Settings, load_settings
from services.cameras import config, state

STALE = timedelta(seconds=15)


def sources(path: Path) -> Iterator[tuple[str, config.Camera, str]]:
    """Each camera's name, table, and where its frames come from."""
    found = config.load(path)
    for name, camera in found.cameras.items():
        yield name, camera, _source(found, camera)


def _source(found: config.Gateway, camera: config.Camera) -> str:
    if camera.kind in config.UPLOADS:
        return f"uploads to {(found.http if camera.kind == 'http' else found.ftp).listen}"
    return camera.url or str(camera.path)


def newest(path: Path, settings: Settings | None = None) -> state.GatewayHealth | None:
    """The newest state of the gateway of a configuration; None where it never ran. Without `settings` those
    of this process. Raises RefusedError and OSError where the configuration cannot be read.
    """
    return state.read(spool(path, settings or load_settings()))


def spool(path: Path, settings: Settings) -> Path:
    """Where the gateway of a configuration keeps its frames. Raises as `newest`."""
    return config.spool_folder(settings, config.load(path))


def faults(found: state.GatewayHealth, now: datetime) -> list[str]:
    """What is wrong, a sentence each."""
    wrong = []
    if now - found.at > STALE:
        wrong.append(f"the gateway does not run: its last word is of {found.at:%Y-%m-%d %H:%M:%S}Z")
    if found.sending:
        wrong.append(f"frames wait for the broker: {found.sending}")
    wrong += [f"camera {one.name}: {one.fault}" for one in found.cameras if one.fault]
    lost = {"full": "did not fit the spool", "expired": "waited too long", "undeliverable": "were not taken"}
    for one in found.cameras:
        wrong += [
            f"camera {one.name}: {one.frames[name]} frames {why}"
            for name, why in lost.items()
            if one.frames.get(name)
        ]
    return wrong
