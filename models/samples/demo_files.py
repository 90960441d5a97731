"""Writes the files that `platestream demo` comes with: python -m models.samples.demo_files."""

import re
import shutil
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from models.samples.frames import SEED, SampleFrame, sample_frames
from models.samples.hotlist import sample_entries
from models.samples.passes import SITES
from models.samples.scene import Scene, draw_scene, encode
from platestream.demo.files import FRAMES, HOT_LIST, MANIFEST, FrameFile

START = datetime(2026, 1, 1, tzinfo=UTC)  # any: only the time after it is kept


def frame_files() -> list[tuple[FrameFile, bytes]]:
    """Each sample frame with its picture."""
    return [(_file(number, frame), frame.jpeg) for number, frame in enumerate(sample_frames(START), 1)]


def empty_streets() -> dict[str, bytes]:
    """The street of each camera without a vehicle, for `platestream up --sample`, by file name."""
    drawn = {}
    for number, (name, site) in enumerate(SITES.items()):
        scene = Scene(site.view, site.street, (), hour="day", rain=0.0, blur=0.0)
        drawn[f"empty-{name}.jpg"] = encode(draw_scene(scene, np.random.default_rng([SEED, 100 + number])))
    return drawn


def hot_list() -> bytes:
    """The sample hot list as JSON."""
    return msgspec.json.format(msgspec.json.encode(sample_entries())) + b"\n"


def main() -> None:
    """Write them anew."""
    shutil.rmtree(FRAMES, ignore_errors=True)
    FRAMES.mkdir()
    drawn = frame_files()
    for file, jpeg in drawn:
        (FRAMES / file.file).write_bytes(jpeg)
    for name, jpeg in empty_streets().items():
        (FRAMES / name).write_bytes(jpeg)
    manifest = msgspec.json.encode([file for file, _jpeg in drawn])
    MANIFEST.write_bytes(msgspec.json.format(manifest) + b"\n")
    HOT_LIST.write_bytes(hot_list())


def _file(number: int, frame: SampleFrame) -> FrameFile:
    headers = frame.headers()
    del headers["captured-at"]
    after = round((frame.captured_at - START) / timedelta(milliseconds=1))
    return FrameFile(f"{number:02}-{frame.camera_id}-{_words(frame.kind)}.jpg", after, headers)


def _words(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))


if __name__ == "__main__":
    main()
