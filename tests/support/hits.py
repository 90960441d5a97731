"""Alert hits in a test's database."""

from typing import Any
from uuid import UUID

import msgspec

from docs.generators.catalogue import example
from platestream.schemas import tables
from platestream.schemas.alert_hit import AlertHit
from tests.support.database import Database

FOUND = AlertHit.from_json(bytes(example("alert_hit").accepted))


def put_hit(database: Database, number: int, source: str = "ncic", **changes: Any) -> str:
    now = database.value("SELECT now64(3)")
    seen = msgspec.structs.replace(FOUND.detection, captured_at=now, **changes.pop("seen", {}))
    entry = msgspec.structs.replace(FOUND.entry, source=source, **changes.pop("listed", {}))
    hit = msgspec.structs.replace(FOUND, hit_id=UUID(int=number), detection=seen, entry=entry, **changes)
    for table in (tables.ALERT_HITS, tables.HIT_FACTS):
        database.put(table, hit)
    database.put(tables.IMAGES, hit.detection)
    return str(hit.hit_id)
