"""Attached event stream of a camera: reads as text, each with its pictures behind it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo

from platestream.cameras.pushes.push import Format, Part, Push
from platestream.schemas.message import RefusedError

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
