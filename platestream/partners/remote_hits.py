"""Hits between agencies: the report of a read that matched another agency's entry, and the hit that it
becomes there.

At the agency that listed the vehicle it is an alert hit like any other (order, section G.1): its own entry,
and a read of another agency's camera. It is notified by the same rules, verified by the same steps and
retained as long. Only the pictures remain with the other agency, where viewing them is an inquiry of its own.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import msgspec

from platestream.operators.matching.entry_match import match_entry
from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.detection import NAMESPACE, Detection
from platestream.schemas.fields import Box, Vehicle
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.message import RefusedError
from platestream.schemas.partner import Read
from platestream.schemas.partner_lists import RemoteHit

OLDEST = timedelta(hours=1)
"""Age at which an unsent hit is dropped, because it is no alert any more."""
AHEAD = timedelta(minutes=5)
"""Time by which a partner's camera clock may be ahead of ours."""
MOST = 10
LONGEST_CAMERA = 64
"""Most characters of a camera's name here, with its agency before it; longer names are cut."""
WORDS = ("make", "model", "colour", "body")


def report_hit(hit: AlertHit, own: str, offer_id: UUID) -> RemoteHit:
    """Return the report of a hit to the agency of the entry: the read, without a picture. `own` is our short
    name.
    """
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
    return RemoteHit(
        agency=own,
        offer_id=offer_id,
        read=read,
        alternatives=seen.alternatives[:MOST],
        vehicle_other={name[:64]: text for name, text in islice(seen.vehicle.other.items(), MOST)},
    )


def receive_hit(report: RemoteHit, agency: str, entry: HotListEntry, now: datetime) -> AlertHit:
    """Return the alert hit here: `agency` saw a vehicle that our `entry` lists. The match is judged here
    again, by the read. Raises RefusedError.
    """
    seen = _detection(report, agency)
    if not now - OLDEST <= seen.captured_at <= now + AHEAD:
        raise RefusedError("partners", "the read is older than an hour, or of a time to come: it is no alert")
    hit = match_entry(seen, entry)
    if hit is None:
        raise RefusedError("partners", "the read does not match the entry that was offered")
    if hit.historical:
        raise RefusedError("partners", "the read is of before the entry was listed: ask for it by an inquiry")
    return msgspec.structs.replace(hit, hit_id=hit_id(report, agency, entry.entry_id), agency=agency)


def camera_there(agency: str, camera_id: str) -> str:
    """Return the name that `agency` itself uses for the camera of a hit; empty where it was cut off here.

    >>> camera_there("county", "county/main-n")
    'main-n'
    """
    return "" if len(camera_id) >= LONGEST_CAMERA else camera_id.removeprefix(f"{agency}/")


def hit_id(report: RemoteHit, agency: str, entry_id: str) -> UUID:
    """Return the id of a hit: the same read and entry give the same id, which no hit of our own cameras
    has.
    """
    return uuid5(NAMESPACE, f"hit/{agency}/{report.read.detection_id}/{entry_id}")


def _detection(report: RemoteHit, agency: str) -> Detection:
    """Return the read as a detection, with the agency before the camera's name, and without a picture."""
    read = report.read
    vehicle = Vehicle(
        **{name: getattr(read, f"vehicle_{name}") or None for name in WORDS}, other=report.vehicle_other
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
        alternatives=report.alternatives,
        box=Box(0, 0, 1, 1),
        frames=max(1, read.frames),
        agreeing=read.agreeing,
        models=(),
        vehicle=vehicle,
        crop=b"",
        picture=b"",
    )
