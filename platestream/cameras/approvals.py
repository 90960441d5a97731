"""Cameras of a gateway whose frames are not read for want of an approval, and their approval in one step
(order, section D.5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from platestream.access import registry
from platestream.access.door import Door
from platestream.cameras.config import Camera
from platestream.operators.approvals import Approvals, Unapproved
from platestream.schemas.deployment import SAID, Rule
from platestream.schemas.registry import RegistryRecord


@dataclass(frozen=True)
class UnreadCamera:
    """A camera of the gateway whose frames are not read, and the rule that they break."""

    name: str
    rule: Rule

    def __str__(self) -> str:
        return f"camera {self.name}: its frames are not read, because {SAID[self.rule]}"


def unread(
    cameras: Mapping[str, Camera], known: Iterable[RegistryRecord], mode: Unapproved, now: datetime
) -> list[UnreadCamera]:
    """Return the cameras whose frames are not read now, by the registry's records `known`.

    With the mode `watch` all frames are read.
    """
    if mode == "watch":
        return []
    approvals = Approvals(mode, known)
    judged = (
        (name, approvals.rule(name, now, one.latitude, one.longitude)[0]) for name, one in cameras.items()
    )
    return [UnreadCamera(name, rule) for name, rule in judged if rule is not None]


def stopped_by(
    door: Door, cameras: Mapping[str, Camera], record: RegistryRecord, now: datetime
) -> list[UnreadCamera]:
    """Return the cameras whose frames are read now, and would not be read any more with `record`.

    Raises RulesError and DatabaseError.
    """
    mode, known = door.rules.profile.cameras.unapproved, registry.records(door.streams)
    before = {one.name for one in unread(cameras, known, mode, now)}
    after = unread(cameras, [*(one for one in known if one.key != record.key), record], mode, now)
    return [one for one in after if one.name not in before]


def approve_all(
    door: Door, cameras: Mapping[str, Camera], approved_by: str, approved_at: datetime, now: datetime
) -> list[RegistryRecord]:
    """Register and approve each camera of the gateway that is not approved where it is; return the records.

    A registered camera retains its name and results. Raises as `registry.put`.
    """
    known, mode = registry.records(door.streams), door.rules.profile.cameras.unapproved
    registered = {one.id: one for one in known if one.kind == "camera"}
    waiting = {one.name for one in unread(cameras, known, mode, now)}
    written = []
    for name, camera in cameras.items():
        if name in waiting or name not in registered:
            before = registered.get(name)
            record = RegistryRecord(
                kind="camera",
                id=name,
                name=before.name if before else name,
                latitude=camera.latitude,
                longitude=camera.longitude,
                approved_by=approved_by,
                approved_at=approved_at,
                moves=before.moves if before else False,
                results=before.results if before else "",
            )
            written.append(registry.put(door, record, now))
    return written
