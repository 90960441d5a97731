"""Message of reads as they come, for a system of the agency.

A message has no picture, no other reading and nothing of the hot list.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from platestream.operators.notify.message import BatchNotice, vehicle_words
from platestream.schemas.delivery import delivery_id
from platestream.schemas.detection import Detection
from platestream.schemas.ncic_codes import codes_of

PRIORITY = 5


def reads_notice(reads: Sequence[Detection], receiver: str, now: datetime) -> BatchNotice:
    """Return the message of one or more reads, with an id derived from the first."""
    first = reads[0]
    ident = delivery_id(first.detection_id, receiver)
    return BatchNotice(
        delivery_id=ident,
        hit_id=ident,
        receiver=receiver,
        agency="",
        priority=PRIORITY,
        captured_at=first.captured_at,
        taken_at=now,
        subject="",
        text="",
        body=msgspec.json.encode(
            {"schema": "reads/1", "delivery_id": ident, "reads": [_fields(one) for one in reads]}
        ),
        content=f"{len(reads)} reads",
    )


def _fields(read: Detection) -> dict[str, object]:
    return {
        "detection_id": read.detection_id,
        "camera_id": read.camera_id,
        "captured_at": read.captured_at,
        "latitude": read.latitude,
        "longitude": read.longitude,
        "plate": read.plate,
        "state": read.state,
        "confidence": round(read.confidence, 3),
        "state_confidence": round(read.state_confidence, 3),
        "opinion": read.opinion,
        "camera_plate": read.camera_read.plate if read.camera_read else "",
        "vehicle": vehicle_words(read.vehicle),
        "vehicle_codes": codes_of(read.vehicle),
    }
