"""Writes the files that `platestream demo` comes with: python -m samples.demo_files."""

import re
import shutil
from datetime import UTC, datetime, timedelta

import msgspec

from platestream.demo.files import FRAMES, HOT_LIST, MANIFEST, FrameFile
from samples.frames import SampleFrame, sample_frames
from samples.hotlist import sample_entries

START = datetime(2026, 1, 1, tzinfo=UTC)  # any: only the time after it is kept


def frame_files() -> list[tuple[FrameFile, bytes]]:
    """Each sample frame with its picture."""
    return [(_file(number, frame), frame.jpeg) for number, frame in enumerate(sample_frames(START), 1)]


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
