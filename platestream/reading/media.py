"""Pictures and videos of a folder as frames of cameras, for the demo and for `read`."""

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from platestream.schemas.message import Message, RefusedError

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
VIDEOS = frozenset({".mp4", ".avi", ".mkv", ".mov"})
STREAMS = ("rtsp://", "rtsps://", "http://", "https://")
FRAME_INTERVAL = timedelta(seconds=5)  # between photographs without a time, so that each is a pass of its own
SILENCE_SECONDS = 20.0  # seconds without a frame after which a stream has ended
EVERY = 5  # step between the frames of a video that are read

Pixels = npt.NDArray[np.uint8]


def media_files(path: Path) -> list[Path]:
    """Return the file itself, or the pictures and videos below a folder, by name."""
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in IMAGES | VIDEOS)


def video_frames(file: Path, every: int = EVERY) -> Iterator[tuple[int, timedelta, Pixels]]:
    """Yield number, time from the beginning and pixels of every `every`th frame. Raises RefusedError."""
    video = cv2.VideoCapture(str(file))
    try:
        if not video.isOpened():
            raise RefusedError("video", f"{file.name} is no video that can be opened")
        rate = video.get(cv2.CAP_PROP_FPS) or 25.0
        number = 0
        while video.grab():
            if number % every == 0:
                whole, pixels = video.retrieve()
                if whole:
                    yield number, timedelta(seconds=number / rate), np.asarray(pixels, np.uint8)
            number += 1
    finally:
        video.release()


def frame_count(file: Path) -> int:
    """Return a video's number of frames; 0 when the file does not have it."""
    video = cv2.VideoCapture(str(file))
    try:
        return max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    finally:
        video.release()


def is_stream(source: str) -> bool:
    """Return whether a source is a camera's address, such as rtsp://camera/stream1, and no file."""
    return source.lower().startswith(STREAMS)


def stream_frames(address: str) -> Iterator[tuple[int, datetime, Pixels]]:
    """Yield number, time of arrival and pixels of a camera's newest frame, continuously.

    A reader slower than the camera skips frames and does not fall behind. Ends when the stream does. Raises
    RefusedError when it cannot be opened; the message does not have the address, which may hold a password.
    """
    limit = round(SILENCE_SECONDS * 1000)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
    video = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
    if not video.isOpened():
        video.release()
        raise RefusedError("stream", "the stream cannot be opened")
    newest: queue.Queue[tuple[int, datetime, Pixels] | None] = queue.Queue(1)
    stop = threading.Event()
    receiver = threading.Thread(target=_receive, args=(video, newest, stop), daemon=True)
    receiver.start()
    try:
        while (frame := newest.get()) is not None:
            yield frame
    finally:
        stop.set()
        # The process would abort if the interpreter ended while a thread is inside OpenCV.
        receiver.join(timeout=SILENCE_SECONDS + 1)


def _receive(
    video: cv2.VideoCapture, newest: "queue.Queue[tuple[int, datetime, Pixels] | None]", stop: threading.Event
) -> None:
    """Put each frame in place of one that was not read yet; None at the end."""
    number = 0
    try:
        while not stop.is_set():
            whole, pixels = video.read()
            if not whole:
                break
            _replace(newest, (number, datetime.now(UTC), np.asarray(pixels, np.uint8)))
            number += 1
    finally:
        video.release()
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                newest.put(None, timeout=0.2)
                break


def _replace(
    newest: "queue.Queue[tuple[int, datetime, Pixels] | None]", frame: tuple[int, datetime, Pixels]
) -> None:
    with contextlib.suppress(queue.Empty):
        newest.get_nowait()
    newest.put(frame)  # there is room, because no other thread puts


def folder_frames(folder: Path, end: datetime) -> Iterator[Message]:
    """Yield messages of the `frames` topic from a folder, the last one captured before `end`.

    A picture's headers are in `<picture>.json` beside it, as a gateway would send them. Without one the
    folder's name is the camera, the place is unknown (0, 0) and the pictures are `FRAME_INTERVAL` apart; a
    video is a camera of its own. Raises RefusedError when there is no picture and no video.
    """
    files = media_files(folder)
    if not files:
        raise RefusedError("frames", f"no picture and no video in {folder}")
    start = end - FRAME_INTERVAL * len(files)
    for index, file in enumerate(files):
        if file.suffix.lower() in VIDEOS:
            yield from _video(file, end)
            continue
        sidecar = file.with_name(file.name + ".json")
        if sidecar.exists():
            yield frame_message(file.read_bytes(), json.loads(sidecar.read_text(encoding="utf-8")))
        else:
            headers = _headers(file.parent.name or "camera", start + FRAME_INTERVAL * index)
            yield frame_message(file.read_bytes(), headers)


def frame_message(image: bytes, headers: dict[str, str]) -> Message:
    """Build a frame as a gateway sends it."""
    try:
        at = datetime.fromisoformat(headers.get("captured-at", ""))
    except ValueError:
        at = None
    return Message(headers.get("camera-id", "").encode(), image, headers, at)


def _video(file: Path, end: datetime) -> Iterator[Message]:
    video = cv2.VideoCapture(str(file))
    length = timedelta(seconds=video.get(cv2.CAP_PROP_FRAME_COUNT) / (video.get(cv2.CAP_PROP_FPS) or 25.0))
    video.release()
    for _number, at, pixels in video_frames(file):
        done, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
        if done:
            yield frame_message(jpeg.tobytes(), _headers(file.stem, end - length + at))


def _headers(camera: str, at: datetime) -> dict[str, str]:
    name = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "-" for char in camera)
    return {
        "camera-id": f"camera-{name}"[:64],
        "captured-at": at.isoformat(timespec="milliseconds"),
        "latitude": "0",
        "longitude": "0",
    }
