"""An alert hit in words and fields: no more of it than may leave the agency's network."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from operators.notify.rules import NotifyRules, Receiver, Shows
from schemas.alert_hit import AlertHit
from schemas.delivery import delivery_id
from schemas.fields import Vehicle

BOXES = 16


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What one receiver is told of one hit. `origin` is the hit's place on its topic, for a dead letter.

    `body` is JSON; pictures are JPEG by name, and only where the receiver may have them.
    """

    delivery_id: UUID
    hit_id: UUID
    receiver: str
    agency: str
    priority: int
    captured_at: datetime
    taken_at: datetime
    subject: str
    text: str
    body: bytes
    pictures: dict[str, bytes] = {}

    @property
    def box(self) -> str:
        """The outbox that keeps it."""
        return box(self.receiver, self.delivery_id)


def box(receiver: str, delivery: UUID) -> str:
    """The outbox of a delivery: a receiver has several, so that an epoch stores a part of what waits."""
    return f"{receiver}/{delivery.int % BOXES}"


def boxes(receiver: str) -> list[str]:
    """All outboxes of a receiver."""
    return [f"{receiver}/{number}" for number in range(BOXES)]


def notice(
    hit: AlertHit, receiver: Receiver, rules: NotifyRules, place: str, now: datetime, remark: str = ""
) -> Notice:
    """The message of `hit` for `receiver`; `place` is the camera's name, `remark` a line of its own."""
    shows = receiver.shows or rules.shows
    fields = _fields(hit, rules, place, shows, remark)
    detection = hit.detection
    there = {"plate": detection.crop, "vehicle": detection.picture} if shows == "picture" else {}
    pictures = {name: jpeg for name, jpeg in there.items() if jpeg}
    ident = delivery_id(hit.hit_id, receiver.name)
    return Notice(
        delivery_id=ident,
        hit_id=hit.hit_id,
        receiver=receiver.name,
        agency=receiver.agency,
        priority=fields["priority"],
        captured_at=detection.captured_at,
        taken_at=now,
        subject=f"ALPR alert hit, priority {fields['priority']}: {fields['category']}",
        text="\n".join(_lines(fields)),
        body=msgspec.json.encode({"schema": "notification/1", "delivery_id": ident, **fields}),
        pictures=pictures,
    )


def _fields(hit: AlertHit, rules: NotifyRules, place: str, shows: Shows, remark: str) -> dict[str, Any]:
    detection, entry = hit.detection, hit.entry
    local = detection.captured_at.astimezone(ZoneInfo(rules.time_zone))
    told: dict[str, Any] = {
        "hit_id": hit.hit_id,
        "priority": rules.priority(entry.category),
        "category": entry.category,
        "source": entry.source,
        "captured_at": detection.captured_at,
        "local_time": f"{local:%Y-%m-%d %H:%M:%S %Z}",
        "camera_id": detection.camera_id,
        "place": place,
        "latitude": detection.latitude,
        "longitude": detection.longitude,
        "historical": hit.historical,
        "remark": remark,
        "link": rules.link.format(hit_id=hit.hit_id),
        "notice": hit.notice,
    }
    if shows != "link":
        told |= {
            "plate": detection.plate,
            "state": detection.state,
            "confidence": round(detection.confidence, 3),
            "listed_plate": entry.plate,
            "listed_state": entry.state,
            "listed_vehicle": _vehicle(entry.vehicle),
            "vehicle": _vehicle(detection.vehicle),
            "match": hit.match,
            "matched": hit.matched,
            "differences": hit.differences,
            "state_check": hit.state_check,
            "instructions": entry.instructions,
            "reason": entry.reason,
            "case_number": entry.case_number,
            "requested_by": entry.requested_by,
            "contact": entry.contact,
            "other": entry.other,
        }
    return told


def _lines(told: dict[str, Any]) -> Iterator[str]:
    yield f"ALPR ALERT HIT, priority {told['priority']}: {told['category']} ({told['source']})"
    if told["remark"]:
        yield told["remark"]
    if told["historical"]:
        yield "HISTORICAL: captured before the entry was listed, no fresh alert."
    yield f"{told['place'] or told['camera_id']}, {told['local_time']}"
    yield f"{told['latitude']:.5f}, {told['longitude']:.5f}"
    if "plate" in told:
        yield from _plate_lines(told)
    yield told["link"]
    yield told["notice"]


def _plate_lines(told: dict[str, Any]) -> Iterator[str]:
    state = told["state"] or "state not read"
    yield f"Plate as read: {told['plate']} {state} ({told['confidence']:.2f})"
    listed = (told["listed_plate"], told["listed_state"] or "any state", told["listed_vehicle"])
    yield f"Listed: {' '.join(listed)}".rstrip()
    yield f"Match: {told['match']}; state of issue: {told['state_check']}"
    for one in told["differences"]:
        yield f"Differs: character {one.position + 1} read {one.read}, listed {one.listed}"
    if told["matched"]:
        yield f"Matched by another reading: {told['matched']}"
    for name in ("instructions", "reason", "case_number", "other"):
        if told[name]:
            yield f"{name.replace('_', ' ').capitalize()}: {told[name]}"
    if contact := f"{told['requested_by']} {told['contact']}".strip():
        yield f"Contact: {contact}"


def _vehicle(vehicle: Vehicle) -> str:
    words = (vehicle.colour, vehicle.make, vehicle.model, vehicle.body, *vehicle.other.values())
    return " ".join(word for word in words if word)
