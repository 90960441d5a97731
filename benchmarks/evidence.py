"""Many records of one vehicle held as evidence: the hold, the check of all that is held, and its package."""

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access.door import Door
from platestream.clickhouse import migrate
from platestream.edges.clickhouse_client import OWNER, connect
from platestream.evidence.export import export
from platestream.evidence.hold import Terms, hold
from platestream.evidence.package import verify
from platestream.keys.key_folder import UNSEALED, Sealer
from platestream.keys.pieces import seal_picture
from platestream.policy.checks.context import CheckData
from platestream.policy.service import run as check
from platestream.policy.table import CHECKS
from platestream.schemas.pluralize import pluralize
from platestream.schemas.tables import IMAGES
from platestream.settings import Settings, open_keys

PLATE = "LEAD123"
CASE = Terms(case_number="26-001234", authority="benchmark of evidence", schedule="felony")
_DETECTIONS = """
INSERT INTO platestream.detections (detection_id, captured_at, camera_id, plate, state, ingested_at)
SELECT generateUUIDv4(), at, concat('cam-', toString(number % 20)), {plate:String}, 'AZ', at
FROM (SELECT number, {first:DateTime64(3, 'UTC')} + toIntervalSecond(number) AS at
    FROM numbers({count:UInt64}))
"""
_COLUMNS = [*IMAGES.columns, "ingested_at"]


def run(records: int, picture_bytes: int, *, encrypted: bool = True) -> dict[str, Any]:
    """Seconds of each, in a database that is made for it: `records` detections with a picture each, as large
    as a plate's and `encrypted` as the flow writes them.
    """
    with tempfile.TemporaryDirectory(prefix="platestream-bench-") as folder:
        settings = Settings(clickhouse=f"chdb://{folder}/platestream", data=Path(folder) / "data")
        owner = connect(settings.clickhouse, OWNER)
        try:
            migrate.apply(owner)
            first = datetime.now(UTC) - timedelta(days=2)
            fields = {"plate": PLATE, "first": first, "count": records}
            owner.command(_DETECTIONS, parameters=fields)
            keys = open_keys(settings) if encrypted else UNSEALED
            _put_pictures(owner, keys, picture_bytes)
            with Door.open(settings, "bench") as door:
                return _timed(door)
        finally:
            owner.close()


def _put_pictures(owner: Client, keys: Sealer, size: int) -> None:
    rows: list[tuple[Any, ...]] = []
    stored = "SELECT detection_id, captured_at, camera_id FROM platestream.detections"
    for detection_id, at, camera in owner.query(stored).result_rows:
        plain = os.urandom(size)
        jpeg = seal_picture(keys, detection_id, "crop", at, plain)
        hashes = sha256(jpeg).digest(), sha256(plain).digest()
        rows.append((detection_id, at, camera, "crop", *hashes, jpeg, at))
    owner.insert("platestream.images", rows, column_names=_COLUMNS)


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
