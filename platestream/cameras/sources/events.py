"""Attached event stream of a camera: reads as text, each with its pictures behind it."""

import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo

from platestream.cameras.pushes.push import Format, Part, Push
from platestream.schemas.camera_read import CameraRead
from platestream.schemas.message import RefusedError

REMEMBERED = 256
"""Vehicles whose last read is known, because a camera repeats it while the vehicle is in view."""

Event = Push | tuple[bytes, RefusedError] | None
"""A push, the body of one that cannot be used with the reason, or None for a heartbeat."""


def events(parts: Iterable[tuple[Mapping[str, str], bytes]], form: Format, zone: tzinfo) -> Iterator[Event]:
    """Yield the events of a stream. A picture belongs to the event before it, and is waited for until the
    next part, which is at the latest the heartbeat.
    """
    text, pictures = b"", []
    for headers, body in parts:
        part = Part("", headers.get("content-type", "").partition(";")[0].strip().lower(), body)
        if part.is_picture:
            pictures.append(part)
            continue
        if text:
            yield from parsed([Part(data=text), *pictures], form, zone)
        text, pictures = b"", []
        if body.strip() in (b"", b"Heartbeat"):
            yield None
        else:
            text = body
    if text:
        yield from parsed([Part(data=text), *pictures], form, zone)


def parsed(parts: list[Part], form: Format, zone: tzinfo) -> Iterator[Event]:
    """Yield the events of one message: its pushes, or None for a heartbeat, and what cannot be used."""
    body = bytes(parts[0].data)
    try:
        found = form.parse(parts, zone)
    except RefusedError as error:
        yield body, error
        return
    if not found:
        yield None
    yield from found
    yield from ((body, RefusedError("push", one.fault)) for one in found if one.fault)


class NewReads:
    """The last read of each vehicle that a camera follows; it is new again after `seconds`, because some
    cameras give the numbers of vehicles again.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._last: OrderedDict[str, tuple[str, float | None, float]] = OrderedDict()

    def of(self, push: Push) -> Push:
        """Return a push without the reads that repeat the one before of their vehicle."""
        return replace(push, reads=tuple(one for one in push.reads if self._is_new(one)))

    def _is_new(self, read: CameraRead) -> bool:
        if not read.track:
            return True
        now = time.monotonic()
        plate, confidence, at = self._last.get(read.track, ("", None, -math.inf))
        if (plate, confidence) == (read.plate, read.confidence) and now - at < self._seconds:
            return False
        self._last[read.track] = (read.plate, read.confidence, now)
        self._last.move_to_end(read.track)
        while len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return True
