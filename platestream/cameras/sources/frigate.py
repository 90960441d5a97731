"""Reads of one camera of Frigate from its MQTT broker, each with the picture that Frigate has of it.

A message is acknowledged when its frames are in the spool. Frigate publishes with QoS 0 unless its setting
`mqtt.qos` says 1; such messages are lost while nothing is connected.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import quote

import httpx
from msgspec.structs import replace

from platestream.cameras.pushes.formats import FORMATS
from platestream.cameras.pushes.frigate import is_watching, source_of
from platestream.cameras.pushes.push import Part, Push
from platestream.cameras.sources.events import Event, NewReads, parsed
from platestream.cameras.sources.mqtt import Broker, Received, messages
from platestream.schemas.message import RefusedError

TOPICS = ("events", "tracked_object_update", "stats", "available")
PICTURE_SECONDS = 5.0
OFFLINE = "Frigate reports that it has stopped"


@dataclass(frozen=True)
class FrigateCamera:
    """A camera of Frigate; `pictures` is the address of Frigate's API, and empty where none are fetched."""

    broker: Broker
    client: str
    source: str
    pictures: str
    largest: int
    zone: tzinfo


@dataclass(frozen=True)
class Batch:
    """The events of one message, and a fault that Frigate reports; `done` is called after they are stored."""

    events: tuple[Event, ...]
    done: Callable[[], None]
    fault: str = ""


def batches(camera: FrigateCamera, stop: Callable[[], bool]) -> Iterator[Batch]:
    """Yield what the broker sends about a camera. Raises CameraError."""
    new = NewReads()
    topics = [f"{camera.broker.topic}/{name}" for name in TOPICS]
    with httpx.Client(timeout=PICTURE_SECONDS, trust_env=False) as client:
        for message in messages(camera.broker, camera.client, topics, stop):
            if message is None:
                continue
            name = message.topic.rpartition("/")[2]
            if name == "available":
                fault = OFFLINE if message.body == b"offline" else ""
                yield Batch((), message.acknowledge, fault)
                continue
            try:
                events = _events(camera, message, name, new, client)
            except RefusedError as error:
                events = ((message.body, error),)
            yield Batch(events, message.acknowledge)


def _events(
    camera: FrigateCamera, message: Received, name: str, new: NewReads, client: httpx.Client
) -> tuple[Event, ...]:
    if name == "stats":
        return (None,) if is_watching(message.body, camera.source) else ()
    if source_of(message.body) != camera.source:
        return ()
    found = parsed([Part(data=message.body)], FORMATS["frigate"], camera.zone)
    return tuple(
        _pictured(one, camera, client)
        for one in found
        if not isinstance(one, Push) or not one.reads or new.of(one).reads
    )


def _pictured(event: Event, camera: FrigateCamera, client: httpx.Client) -> Event:
    """Return a push with the picture that Frigate has of its vehicle, unchanged if there is none."""
    if not camera.pictures or not isinstance(event, Push) or not event.reads or not event.reads[0].track:
        return event
    track = quote(event.reads[0].track, safe="")
    address = f"{camera.pictures.rstrip('/')}/api/events/{track}/snapshot.jpg"
    try:
        with client.stream("GET", address, params={"bbox": "0", "timestamp": "0", "crop": "0"}) as answer:
            image = bytearray()
            for part in answer.iter_bytes():
                image += part
                if len(image) > camera.largest:
                    return event
        return replace_pictures(event, bytes(image)) if answer.status_code == 200 else event
    except (httpx.HTTPError, httpx.InvalidURL):
        return event


def replace_pictures(push: Push, image: bytes) -> Push:
    """Return a push with one picture, and without the plate's box, which is of another frame."""
    reads = tuple(replace(one, box=None, vehicle_box=None) for one in push.reads)
    return Push(reads, (image,), push.at, push.fault, push.place, push.number)
