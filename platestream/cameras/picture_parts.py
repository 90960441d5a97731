"""Region and masks of a camera of the gateway, read from and written to its configuration.

The rest of the file stays as it was written, comments and order included.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import tomlkit

from platestream.access.door import Door
from platestream.cameras import config, picture_files
from platestream.cameras.masks import Shape, bounds_of, format_shapes
from platestream.runtime.private_file import write_file
from platestream.schemas.message import RefusedError

Crop = tuple[float, float, float, float]


@dataclass(frozen=True)
class PictureParts:
    """The parts of a camera's picture that are read, and those that are black.

    `crop` is left, top, right and bottom as shares of the picture; `area` and `masks` are in percent.
    """

    crop: Crop | None = None
    area: Shape = ()
    masks: tuple[Shape, ...] = ()

    def fields(self) -> dict[str, object]:
        """Return the fields of the camera's table; None for those without a value."""
        crop = bounds_of(self.area) if self.area else self.crop
        return {
            "crop": list(crop) if crop else None,
            "area": list(self.area) or None,
            "mask": [list(one) for one in self.masks] or None,
        }

    def __str__(self) -> str:
        sides = [100 * one for one in self.crop] if self.crop else []
        region = format_shapes([self.area or tuple(sides)]) if self.area or sides else "the whole picture"
        masks = format_shapes(self.masks).replace("\n", "; ") or "none"
        return f"region {region}, masks {masks}"


def parts_of(camera: config.Camera) -> PictureParts:
    """Return the parts of a camera's picture."""
    return PictureParts(camera.crop, camera.area, camera.mask)


def change(door: Door, path: Path, name: str, parts: PictureParts) -> None:
    """Write the parts into the table of the camera. A running gateway reads the file again by itself.

    Raises RefusedError, which is logged, for a camera that the file has not and for wrong parts;
    RefusedInquiry and OSError.
    """
    about = f"camera/{name}"[:64]
    with door.log_refusal("camera_change", about):
        camera = _camera(config.load(path), name)
        text = _changed(path, name, parts)
        _check(path, text)
    effect = sha256(text).hexdigest()
    door.enter("camera_change", about, change=f"{parts_of(camera)} -> {parts}", effect=effect)
    write_file(path, text)


def accept_picture(door: Door, path: Path, name: str) -> None:
    """Let the gateway of a configuration learn the camera's picture again, as after a person has turned it.

    Raises RefusedError, which is logged, for a camera that the file has not; RefusedInquiry and OSError.
    """
    about = f"camera/{name}"[:64]
    with door.log_refusal("camera_change", about):
        found = config.load(path)
        _camera(found, name)
    door.enter("camera_change", about, change="its picture is accepted as the reference")
    picture_files.accept(config.spool_folder(door.settings, found), name)


def _camera(found: config.Gateway, name: str) -> config.Camera:
    camera = found.cameras.get(name)
    if camera is None:
        raise RefusedError("cameras", f"the gateway's configuration has no camera {name}")
    return camera


def _changed(path: Path, name: str, parts: PictureParts) -> bytes:
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    table = document["cameras"][name]
    for field, value in parts.fields().items():
        if value is not None:
            table[field] = value
        elif field in table:
            del table[field]
    return tomlkit.dumps(document).encode()


def _check(path: Path, text: bytes) -> None:
    """Raise RefusedError where the configuration is not valid; its paths start at the same folder."""
    trial = path.with_name(f".{path.name}.trial")
    try:
        write_file(trial, text)
        config.load(trial)
    finally:
        trial.unlink(missing_ok=True)
