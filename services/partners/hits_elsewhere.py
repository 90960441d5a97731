"""Hits between agencies: what one tells of a read that met an entry of the other, and what the other makes of
it.

At the agency that listed the vehicle it is an alert hit like any other (order, section G.1): its own entry,
and a read of another agency's camera. It is told by the same rules, verified by the same steps and kept as
long. Only the pictures stay there, where they are looked at by an inquiry of their own.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import msgspec

from operators.matching.judge import match_entry
from schemas.alert_hit import AlertHit
from schemas.detection import NAMESPACE, Detection
from schemas.fields import Box, Vehicle
from schemas.hotlist import HotListEntry
from schemas.message import RefusedError
from schemas.partner import Read
from schemas.partner_lists import HitElsewhere

OLDEST = timedelta(hours=1)
"""A hit that could not be told for so long is given up: it is no alert any more."""
AHEAD = timedelta(minutes=5)
"""How far a camera's clock there may be ahead of ours."""
MOST = 10
LONGEST_CAMERA = 64
"""Of a camera's name here, its agency's before it; what is longer is cut off."""
WORDS = ("make", "model", "colour", "body")


def to_tell(hit: AlertHit, own: str, offer_id: UUID) -> HitElsewhere:
    """What the agency whose entry it is hears of a hit: the read, and no picture. `own` is our short name."""
    seen = hit.detection
    vehicle: dict[str, Any] = {f"vehicle_{name}": (getattr(seen.vehicle, name) or "")[:64] for name in WORDS}
    read = Read(
        detection_id=seen.detection_id,
        captured_at=seen.captured_at,
        camera_id=seen.camera_id,
        latitude=seen.latitude,
        longitude=seen.longitude,
        plate=seen.plate,
        confidence=seen.confidence,
        state=seen.state or "",
        frames=min(seen.frames, 100_000),
        agreeing=min(seen.agreeing, 100_000),
        **vehicle,
    )
    return HitElsewhere(
        agency=own,
        offer_id=offer_id,
        read=read,
        alternatives=seen.alternatives[:MOST],
        vehicle_other={name[:64]: text for name, text in islice(seen.vehicle.other.items(), MOST)},
    )


def met(told: HitElsewhere, agency: str, entry: HotListEntry, now: datetime) -> AlertHit:
    """The alert hit here: `agency` saw a vehicle that our `entry` looks for. Whether it does is judged here
    again, by the read. Raises RefusedError.
    """
    seen = _detection(told, agency)
    if not now - OLDEST <= seen.captured_at <= now + AHEAD:
        raise RefusedError("partners", "the read is older than an hour, or of a time to come: it is no alert")
    hit = match_entry(seen, entry)
    if hit is None:
        raise RefusedError("partners", "the read does not match the entry that was offered")
    if hit.historical:
        raise RefusedError("partners", "the read is of before the entry was listed: ask for it by an inquiry")
    return msgspec.structs.replace(hit, hit_id=hit_id(told, agency, entry.entry_id), agency=agency)


def camera_there(agency: str, camera_id: str) -> str:
    """What `agency` itself calls the camera of a hit; empty where its name was cut off here.

    >>> camera_there("county", "county/main-n")
    'main-n'
    """
    return "" if len(camera_id) >= LONGEST_CAMERA else camera_id.removeprefix(f"{agency}/")


def hit_id(told: HitElsewhere, agency: str, entry_id: str) -> UUID:
    """The same read and entry make the same hit, and never one of our own cameras."""
    return uuid5(NAMESPACE, f"hit/{agency}/{told.read.detection_id}/{entry_id}")


def _detection(told: HitElsewhere, agency: str) -> Detection:
    """With the agency before the camera's name, and without a picture."""
    read = told.read
    vehicle = Vehicle(
        **{name: getattr(read, f"vehicle_{name}") or None for name in WORDS}, other=told.vehicle_other
    )
    return Detection(
        detection_id=read.detection_id,
        camera_id=f"{agency}/{read.camera_id}"[:LONGEST_CAMERA],
        captured_at=read.captured_at,
        best_at=read.captured_at,
        latitude=read.latitude,
        longitude=read.longitude,
        plate=read.plate,
        confidence=read.confidence,
        state=read.state or None,
        alternatives=told.alternatives,
        box=Box(0, 0, 1, 1),
        frames=max(1, read.frames),
        agreeing=read.agreeing,
        models=(),
        vehicle=vehicle,
        crop=b"",
        picture=b"",
    )
