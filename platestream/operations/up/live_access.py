"""Viewing a camera live: an act that is logged, with its reason, before a picture is shown."""

from typing import Unpack

from platestream.access import registry
from platestream.access.door import Documentation, Door
from platestream.operations.up import status
from platestream.schemas.message import RefusedError


def log_viewing(door: Door, camera: str, **why: Unpack[Documentation]) -> None:
    """Log the viewing of a camera.

    Raises RefusedError where no gateway that was started on this machine has the camera, or where it is in a
    sensitive place; RefusedInquiry; and the errors of `platestream.operations.up.status.gateway`.
    """
    with door.log_refusal("camera_show", camera, **why):
        if place := registry.refused_place_of(door, camera):
            raise RefusedError("camera", place)
        gateway = status.gateway(door.settings)
        if gateway is None or camera not in {one.name for one in gateway.cameras}:
            raise RefusedError("camera", f"no camera gateway on this machine has a camera {camera}")
    door.enter("camera_show", camera, **why)
