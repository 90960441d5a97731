"""The records by name, with an accepted and a refused example each; docs and tests both read them."""

from pathlib import Path
from typing import Any

import msgspec

from schemas.alert_hit import AlertHit
from schemas.dead_letter import DeadLetter
from schemas.delivery import Delivery
from schemas.detection import Detection
from schemas.fields import Record
from schemas.frame import FrameHeaders
from schemas.hit_action import HitAction
from schemas.hotlist import HotListEntry
from schemas.inquiry import SealedInquiry
from schemas.registry import RegistryRecord

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
}


class Example(msgspec.Struct, frozen=True):
    """`because` is part of what refusing `refused` says."""

    accepted: msgspec.Raw
    refused: msgspec.Raw
    because: str


def example(name: str) -> Example:
    """The example of a record."""
    path = Path(__file__).parent / "examples" / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=Example)


def json_schema(name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of a record; of a frame, its headers, whose values are text."""
    schema = msgspec.json.schema(RECORDS[name])
    if name == "frame":
        headers = schema["$defs"]["FrameHeaders"]["properties"]
        for header in headers.values():
            if header.pop("type") == "number":
                low, high = header.pop("minimum"), header.pop("maximum")
                header["description"] += f", a decimal number from {low:g} to {high:g}"
            header["type"] = "string"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **schema}
