"""Many records of one vehicle held as evidence: the hold, the check of all that is held, and its package."""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access.door import Door
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.evidence.export import export
from platestream.evidence.hold import Terms, hold
from platestream.evidence.package import verify
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run as check
from platestream.policy.table import CHECKS
from platestream.schemas.pluralize import pluralize
from platestream.settings import Settings

PLATE = "LEAD123"
CASE = Terms(case_number="26-001234", authority="benchmark of evidence", schedule="felony")
_DETECTIONS = """
INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate, state, ingested_at)
SELECT generateUUIDv4(), at, concat('cam-', toString(number % 20)), {plate:String}, 'AZ', at
FROM (SELECT number, {first:DateTime64(3, 'UTC')} + toIntervalSecond(number) AS at
    FROM numbers({count:UInt64}))
"""
# As large as a picture of a plate is.
_PICTURES = """
INSERT INTO platestream.images (detection_id, captured_at, camera_id, kind, sha256, jpeg, ingested_at)
SELECT detection_id, captured_at, camera_id, 'crop', SHA256(jpeg), jpeg, captured_at
FROM (SELECT *, concat(toString(detection_id), randomString({size:UInt64})) AS jpeg
    FROM platestream.detections)
"""


def run(records: int, picture_bytes: int) -> dict[str, Any]:
    """Seconds of each, in a database that is made for it: `records` detections with a picture each."""
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as folder:
        settings = Settings(clickhouse=f"chdb://{folder}/platestream", data=Path(folder) / "data")
        owner = connect(settings.clickhouse, OWNER)
        try:
            migrate.apply(owner)
            first = datetime.now(UTC) - timedelta(days=2)
            told = {"plate": PLATE, "first": first, "count": records}
            owner.command(_DETECTIONS, parameters=told)
            owner.command(_PICTURES, parameters={"size": picture_bytes})
            with Door.open(settings, "bench") as door:
                return _timed(door)
        finally:
            owner.close()


def _timed(door: Door) -> dict[str, Any]:
    took: dict[str, float] = {}

    def timed(name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        done = call()
        took[name] = round(time.perf_counter() - began, 2)
        return done

    held = timed("hold", lambda: hold(door, CASE, pattern=PLATE))
    live = CheckData.of(door, datetime.now(UTC))
    checks = [one for one in CHECKS if one.name == "evidence"]
    (found,) = timed("check", lambda: list(check(live, checks)))
    key = Ed25519PrivateKey.generate()
    package = timed(
        "export", lambda: export(door, held.hold_id, key, datetime.now(UTC), receiver="benchmark")
    )
    faults = timed("verify", lambda: verify(package)[1])
    return {
        "held": pluralize(len(held.detections), "record"),
        "pictures": len(held.pictures),
        "check": found.figure,
        "faults": [*found.faults, *faults],
        "seconds": took,
    }
