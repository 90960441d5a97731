"""The registry as the command line handles it: agencies and their MOUs, users and their training, cameras.

A record goes to the `registry` topic; audit_flow puts it where the gate reads it. On the embedded edge, where
no flow may be running, it is put there at once as well: the same row, which the flow later writes again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from connectors.changelog import newest, publish, read_to_end
from connectors.edge import Topics
from connectors.settings import Settings, open_topics
from schemas import tables, topics
from schemas.message import RefusedError
from schemas.registry import Kind, RegistryRecord
from services.rows import put_at_once


def listed(streams: Topics, kind: Kind) -> dict[str, RegistryRecord]:
    """The records of a kind now, by id, ended ones too."""
    records = (RegistryRecord.from_json(one.value) for one in newest(streams, topics.REGISTRY).values())
    return {one.id: one for one in sorted(records, key=lambda one: one.id) if one.kind == kind}


def put(settings: Settings, record: RegistryRecord) -> RegistryRecord:
    """Make `record` the newest of its id; as it was written. Raises RefusedError on a field that is wrong."""
    stamped = msgspec.structs.replace(record, changed_at=datetime.now(UTC).replace(microsecond=0))
    checked = RegistryRecord.from_json(stamped.to_json())
    streams = open_topics(settings)
    if missing := list(_missing(streams, checked)):
        raise RefusedError("registry", "; ".join(missing))
    publish(streams, topics.REGISTRY, [checked])
    put_at_once(settings, tables.REGISTRY, checked)
    return checked


def end(settings: Settings, kind: Kind, name: str) -> RegistryRecord:
    """From now on `name` counts no more; what it was stays on record. Raises RefusedError."""
    record = listed(open_topics(settings), kind).get(name)
    if record is None:
        raise RefusedError("registry", f"no {kind} {name}")
    return put(settings, msgspec.structs.replace(record, active=False))


def _missing(streams: Topics, record: RegistryRecord) -> Iterator[str]:
    if record.kind == "user" and record.agency not in listed(streams, "agency"):
        yield f"agency {record.agency} is not registered: add it first, or its users cannot look"


def release(settings: Settings, camera: str) -> int:
    """Write frames of `camera` that were kept apart to the topic of frames again; how many.

    What was released before comes to the same passes again. Raises RefusedError while nobody approved it.
    """
    streams = open_topics(settings)
    record = listed(streams, "camera").get(camera)
    if record is None or not record.active or not record.approved_by:
        raise RefusedError("registry", f"camera {camera} is not approved: its frames stay apart")
    frames = [
        topics.FRAMES_QUARANTINE.decode(message)
        for message in read_to_end(streams, topics.FRAMES_QUARANTINE)
        if message.key == camera.encode()
    ]
    for start in range(0, len(frames), 50):
        publish(streams, topics.FRAMES, frames[start : start + 50])
    return len(frames)
