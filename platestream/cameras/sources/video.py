"""Video sources: RTSP through OpenCV's FFmpeg, and a file played as a camera."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import cv2
import numpy as np

from platestream.cameras.capture import CameraError, Capture
from platestream.cameras.sources.stream_clock import StreamClock
from platestream.runtime.clock import Clock, utc_now

Due = Callable[[float], bool]
"""Predicate that is true if a frame that waited so many seconds is wanted; others are not converted."""


def with_password(url: str, credentials: str) -> str:
    """Return the address with `user:password` in it, as FFmpeg expects it."""
    if not credentials:
        return url
    user, _colon, password = credentials.partition(":")
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))


def rtsp(
    url: str, credentials: str, silent: float, due: Due, stop: Callable[[], bool], now: Clock = utc_now
) -> Iterator[Capture]:
    """Yield frames as they arrive, with the times at which they arrived on this machine.

    Raises CameraError if the camera cannot be opened, ends, or sends no frame for `silent` seconds. OpenCV
    passes on the clock of the stream, but not the camera's time of day, so there is no `camera_time`.
    """
    limit = round(silent * 1000)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit]
    video = cv2.VideoCapture(
        with_password(url, credentials), cv2.CAP_FFMPEG, [*timeouts, cv2.CAP_PROP_N_THREADS, 1]
    )
    try:
        if not video.isOpened():
            raise CameraError("no video can be opened there")
        clock = StreamClock()
        while not stop():
            asked_at = time.monotonic()
            if not video.grab():
                raise CameraError(f"the stream ended, or sent no frame for {silent:.0f} s")
            waited = clock.delay(video.get(cv2.CAP_PROP_POS_MSEC) / 1000, asked_at, time.monotonic())
            if not due(waited):
                continue
            at = now() - timedelta(seconds=waited)
            whole, pixels = video.retrieve()
            if whole:
                yield Capture(at, pixels=np.asarray(pixels, np.uint8))
    finally:
        video.release()


def play_file(
    file: Path, repeat: bool, due: Due, stop: Callable[[], bool], now: Clock = utc_now
) -> Iterator[Capture]:
    """Yield the frames of a video file at its own speed, with `repeat` in a loop. Raises CameraError."""
    while not stop():
        video = cv2.VideoCapture(str(file))
        try:
            if not video.isOpened():
                raise CameraError(f"{file.name} is no video that can be opened")
            step = 1 / (video.get(cv2.CAP_PROP_FPS) or 25.0)
            began, number = time.monotonic(), 0
            while not stop() and video.grab():
                number += 1
                late = time.monotonic() - (began + number * step)
                time.sleep(max(0.0, -late))
                waited = max(0.0, late)
                if due(waited):
                    at = now() - timedelta(seconds=waited)
                    whole, pixels = video.retrieve()
                    if whole:
                        yield Capture(at, pixels=np.asarray(pixels, np.uint8))
        finally:
            video.release()
        if not number:
            raise CameraError(f"{file.name} holds no frame")
        if not repeat:
            return
