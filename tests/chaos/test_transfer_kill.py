"""kill -9 of the job that sends evidence, amid a transfer by SFTP: in the end each package is there once."""

import json
import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from platestream.access.door import Door
from platestream.edges.clickhouse_client import AUDITOR, INGEST, connect
from platestream.evidence import package
from platestream.evidence.systems import FOLDER
from platestream.ledger import store as ledger
from platestream.schemas import tables
from platestream.schemas.acts import ROLES
from platestream.schemas.catalogue import example
from platestream.schemas.detection import Detection
from platestream.settings import system_account
from tests.support.chaos import KILLS
from tests.support.clock import NOW
from tests.support.kafka_broker import wait_until
from tests.support.openssh import sftp_server
from tests.support.up import System

READ = Detection.from_json(bytes(example("detection").accepted))
SEED, EXPORTS, BYTES = 3107, 3, 30_000_000

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900 + 90 * KILLS)]


def put(system: System) -> None:
    """A read whose picture takes a while to send."""
    read = msgspec.structs.replace(
        READ,
        detection_id=uuid4(),
        plate="HELD001",
        captured_at=datetime.now(UTC) - timedelta(hours=1),
        picture=b"\xff\xd8" + random.Random(SEED).randbytes(BYTES),
    )
    client = connect(system.settings.clickhouse, INGEST)
    for table in (tables.DETECTIONS, tables.IMAGES):
        client.insert(
            f"platestream.{table.name}", list(table.rows(read)), column_names=list(table.columns)
        )
    client.close()


def test_kills_amid_transfers_leave_each_package_once_with_its_receipt(tmp_path: Path) -> None:
    system = System.of(tmp_path / "system")
    me, roles = system_account(), [word for role in ROLES for word in ("--role", role)]
    trained = f"{NOW - timedelta(days=10):%Y-%m-%d}"
    package.new_key(tmp_path / "agency.pem")
    os.environ["PLATESTREAM_EVIDENCE_KEY_FILE"] = str(tmp_path / "agency.pem")
