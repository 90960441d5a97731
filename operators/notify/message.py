"""Message of an alert hit as text and fields, limited to the data that may leave the agency's network."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from platestream.operators.disproof import REASONS, Disproof
from platestream.operators.hit_words import (
    describe_confidence,
    describe_match,
    describe_opinion,
    describe_state,
    is_doubtful,
)
from platestream.operators.notify.rules import NotifyRules, Receiver, Shows
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.delivery import delivery_id
from platestream.schemas.fields import Vehicle, is_source
from platestream.schemas.ncic_codes import codes_of

BOXES = 16


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The message about one hit for one receiver.

    `content` describes one that is no notification of a hit, in its delivery. `body` is JSON; pictures are
    JPEG by name, and only included if the receiver may have them.
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
    content: str = ""

    @property
    def box(self) -> str:
        """The outbox that stores it."""
        return box(self.receiver, self.delivery_id)


class BatchNotice(Notice, frozen=True, kw_only=True):
    """The message about several records at once, which has an outbox of its own."""

    @property
    def box(self) -> str:
        """The outbox, in which nothing else is."""
        return str(self.delivery_id)


def box(receiver: str, delivery: UUID) -> str:
    """Return the outbox of a delivery.

    A receiver has several, so that an epoch stores only some of the waiting ones.
    """
    return f"{receiver}/{delivery.int % BOXES}"


def boxes(receiver: str) -> list[str]:
    """Return all outboxes of a receiver."""
    return [f"{receiver}/{number}" for number in range(BOXES)]


def notice(
    hit: AlertHit,
    receiver: Receiver,
    rules: NotifyRules,
    place: str,
    now: datetime,
    remark: str = "",
    disproof: Disproof | None = None,
) -> Notice:
    """Return the message of `hit` for `receiver`; `place` is the camera's name, `remark` a separate line.

    `disproof` is an earlier comparison that found the pair wrong.
    """
    shows = receiver.shows or rules.shows
    fields = _fields(hit, rules, place, shows, remark)
    if disproof is not None:
        fields["disproved"] = {"kind": disproof.kind, "at": disproof.at, "hit_id": disproof.hit_id}
        if shows != "link":
            fields["disproved"]["by"] = disproof.by
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
        text="\n".join(_lines(fields, rules.time_zone)),
        body=msgspec.json.encode({"schema": "notification/1", "delivery_id": ident, **fields}),
        pictures=pictures,
    )


def _fields(hit: AlertHit, rules: NotifyRules, place: str, shows: Shows, remark: str) -> dict[str, Any]:
    detection, entry = hit.detection, hit.entry
    local = detection.captured_at.astimezone(ZoneInfo(rules.time_zone))
    fields: dict[str, Any] = {
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
        fields |= {
            "plate": detection.plate,
            "state": detection.state,
            "confidence": round(detection.confidence, 3),
            "listed_plate": entry.plate,
            "listed_state": entry.state,
            "listed_vehicle": vehicle_words(entry.vehicle),
            "vehicle": vehicle_words(detection.vehicle),
            "listed_vehicle_codes": codes_of(entry.vehicle),
            "vehicle_codes": codes_of(detection.vehicle),
            "match": hit.match,
            "likelihood": hit.likelihood,
            "matched": hit.matched,
            "opinion": detection.opinion,
            "camera_plate": detection.camera_read.plate if detection.camera_read else "",
            "differences": hit.differences,
            "state_check": hit.state_check,
            "instructions": entry.instructions,
            "reason": entry.reason,
            "case_number": entry.case_number,
            "requested_by": entry.requested_by,
            "contact": entry.contact,
            "other": entry.other,
        }
    return fields


def _lines(fields: dict[str, Any], time_zone: str) -> Iterator[str]:
    yield f"ALPR ALERT HIT, priority {fields['priority']}: {fields['category']} ({fields['source']})"
    if earlier := fields.get("disproved"):
        local = earlier["at"].astimezone(ZoneInfo(time_zone))
        by = f" by {earlier['by']}" if "by" in earlier else ""
        yield (
            f"FOUND WRONG BEFORE, {local:%Y-%m-%d %H:%M}{by}: {REASONS[earlier['kind']]}. "
            "Plate and state match exactly."
        )
    if fields["remark"]:
        yield fields["remark"]
    if fields["historical"]:
        yield "HISTORICAL: captured before the entry was listed, no fresh alert."
    yield f"{fields['place'] or fields['camera_id']}, {fields['local_time']}"
    yield f"{fields['latitude']:.5f}, {fields['longitude']:.5f}"
    if "plate" in fields:
        yield from _plate_lines(fields)
    yield fields["link"]
    yield fields["notice"]


def _plate_lines(fields: dict[str, Any]) -> Iterator[str]:
    yield f"Plate as read: {fields['plate']} {fields['state'] or ''}".rstrip()
    listed = (fields["listed_plate"], fields["listed_state"] or "any state", fields["listed_vehicle"])
    yield f"Listed: {' '.join(listed)}".rstrip()
    match = fields["match"]
    yield f"{describe_match(match, fields['plate'], fields['listed_plate'])}; " + describe_state(
        fields["state"], fields["listed_state"]
    )
    yield describe_confidence(match, fields["confidence"], fields["likelihood"]).capitalize()
    if is_doubtful(fields["opinion"]):
        yield describe_opinion(fields["opinion"], fields["plate"], fields["camera_plate"])
    for one in fields["differences"]:
        yield f"Differs: character {one.position + 1} read {one.read}, listed {one.listed}"
    if fields["matched"]:
        yield f"Matched by another reading: {fields['matched']}"
    for name in ("instructions", "reason", "case_number", "other"):
        if fields[name]:
            yield f"{name.replace('_', ' ').capitalize()}: {fields[name]}"
    if contact := f"{fields['requested_by']} {fields['contact']}".strip():
        yield f"Contact: {contact}"


def vehicle_words(vehicle: Vehicle) -> str:
    """Return the known attributes of a vehicle in one line of text."""
    marks = (text for name, text in vehicle.other.items() if not is_source(name))
    words = (vehicle.colour, vehicle.make, vehicle.model, vehicle.body, *marks)
    return " ".join(word for word in words if word)
