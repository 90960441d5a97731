"""Catalog of the records by name, each with an accepted and a rejected example, for documents and tests."""

from pathlib import Path
from typing import Any

import msgspec

from platestream.schemas.alert_hit import AlertHit
from platestream.schemas.claim import Claim
from platestream.schemas.dead_letter import DeadLetter
from platestream.schemas.delivery import Delivery
from platestream.schemas.detection import Detection
from platestream.schemas.fields import Record
from platestream.schemas.frame import FrameHeaders
from platestream.schemas.hit_action import HitAction
from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.in_view import VehicleInView
from platestream.schemas.inquiry import SealedInquiry
from platestream.schemas.presence import Presence
from platestream.schemas.registry import RegistryRecord

ROOT = Path(__file__).parents[2]
RECORDS: dict[str, type[Record] | type[FrameHeaders]] = {
    "frame": FrameHeaders,
    "detection": Detection,
    "hotlist_entry": HotListEntry,
    "alert_hit": AlertHit,
    "hit_action": HitAction,
    "delivery": Delivery,
    "sealed_inquiry": SealedInquiry,
    "registry_record": RegistryRecord,
    "dead_letter": DeadLetter,
    "presence": Presence,
    "in_view": VehicleInView,
    "claim": Claim,
}


class Example(msgspec.Struct, frozen=True):
    """An accepted and a rejected message; `because` is part of the error that rejects `refused`."""

    accepted: msgspec.Raw
    refused: msgspec.Raw
    because: str


def example(name: str) -> Example:
    """Return the example of the record `name`."""
    path = ROOT / "schemas" / "examples" / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=Example)


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a record.

    For a frame it describes the headers, whose values are text.
    """
    schema = msgspec.json.schema(RECORDS[name])
    if name == "frame":
        headers = schema["$defs"]["FrameHeaders"]["properties"]
        for header in headers.values():
            if header.pop("type") == "number":
                low, high = header.pop("minimum"), header.pop("maximum")
                header["description"] += f", a decimal number from {low:g} to {high:g}"
            header["type"] = "string"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **schema}
