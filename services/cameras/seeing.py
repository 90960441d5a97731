"""What a person does who wants to see what a camera sees now: that, and why, is on record first."""

from pathlib import Path
from typing import Unpack

from connectors.settings import Settings
from schemas.message import RefusedError
from services import registry
from services.door import Door, Why
from services.up import status


def begin(door: Door, camera: str, **why: Unpack[Why]) -> None:
    """Put the look on record.

    Raises RefusedError where no gateway that was started on this machine has the camera, or it stands in a
    sensitive place, RefusedInquiry, and what `services.up.status.gateway` raises.
    """
    with door.on_record("camera_show", camera, **why):
        if said := registry.misplaced(door, camera):
            raise RefusedError("camera", said)
        told = status.gateway(door.settings)
        if told is None or camera not in {one.name for one in told.cameras}:
            raise RefusedError("camera", f"no camera gateway on this machine has a camera {camera}")
    door.enter("camera_show", camera, **why)


def handed_over(settings: Settings) -> Path | None:
    """Where the gateway of this machine hands pictures over (`services.cameras.live`); None without one."""
    return status.spool(settings)
