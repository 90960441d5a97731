"""Protocols by which the gateway polls a camera; each opens a stream of its pictures.

A new protocol has its kind and its schemes in `platestream.cameras.kinds`, and its function here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo

from platestream.cameras.capture import Capture
from platestream.cameras.sources.http import HttpCamera
from platestream.cameras.sources.video import Due, rtsp


@dataclass(frozen=True)
class Stream:
    """Parameters of a stream.

    `credentials` is `user:password` or empty. `every` is the time between two pictures of a camera that sends
    one for each request, `silent` the longest time without a picture, both in seconds. `largest` is the size
    limit of a picture in bytes. A picture is left out where `due`, with the seconds that it waited in
    buffers, is false; the stream ends where `stop` is true. `zone` is that of times which the camera sends
    without one.
    """

    url: str
    credentials: str
    every: float
    silent: float
    largest: int
    due: Due = lambda _waited: True
    stop: Callable[[], bool] = lambda: False
    zone: tzinfo = UTC


def _rtsp(of: Stream) -> Iterator[Capture]:
    return rtsp(of.url, of.credentials, of.silent, of.due, of.stop)


def _mjpeg(of: Stream) -> Iterator[Capture]:
    return (one for one in _client(of).mjpeg(of.stop, of.zone) if of.due(0.0))


def _snapshots(of: Stream) -> Iterator[Capture]:
    return _client(of).snapshots(of.every, of.stop, of.zone)


def _client(of: Stream) -> HttpCamera:
    return HttpCamera(of.url, of.credentials, of.silent, of.largest)


PROTOCOLS: dict[str, Callable[[Stream], Iterator[Capture]]] = {
    "rtsp": _rtsp,
    "mjpeg": _mjpeg,
    "snapshot": _snapshots,
}
