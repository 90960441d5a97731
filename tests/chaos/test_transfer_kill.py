"""kill -9 of the job that sends evidence, amid transfers by SFTP: in the end each package is there once."""

import json
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from docs.generators.catalogue import example
from platestream.edges.clickhouse_client import AUDITOR, INGEST, connect
from platestream.evidence import package
from platestream.evidence.systems import FOLDER
from platestream.ledger import store as ledger
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.settings import embedded_dsn, system_account
from tests.support.chaos import KILLS
from tests.support.openssh import sftp_server
from tests.support.up import System, founding

READ = Detection.from_json(bytes(example("detection").accepted))
SEED, BYTES, CASE = 3107, 30_000_000, "26-001234"
"""A picture of so many bytes takes long enough to send that a kill comes amid it."""

pytestmark = [pytest.mark.chaos, pytest.mark.nightly, pytest.mark.timeout(900 + 90 * KILLS)]


def put_read(system: System) -> None:
    shown = {
        "detection_id": uuid4(),
        "plate": "HELD001",
        "captured_at": datetime.now(UTC) - timedelta(hours=1),
    }
    picture = b"\xff\xd8" + random.Random(SEED).randbytes(BYTES)
    read = msgspec.structs.replace(READ, **shown, picture=picture)
    client = connect(embedded_dsn(system.data), INGEST)
    for table in (tables.DETECTIONS, tables.IMAGES):
        rows, columns = list(table.rows(read)), list(table.columns)
        client.insert(f"platestream.{table.name}", rows, column_names=columns)
    client.close()


def done(system: System, *arguments: str) -> str:
    ran = system.run(*arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_kills_amid_transfers_leave_each_package_once_with_its_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, chance = System.of(tmp_path / "system"), random.Random(SEED)
    package.new_key(tmp_path / "agency.pem")
    with sftp_server(tmp_path / "ssh") as server:
        host = ("--host-key", str(server.folder / "host.pub"))
        for step in (
            ("migrate",),
            *founding(system_account()),
            ("registry", "evidence-system", "vault", "--place", server.place, *host),
        ):
            done(system, *step)
        home = system.data / FOLDER / "vault"
        home.mkdir(parents=True)
        (home / "ssh_key").write_bytes(server.key.read_bytes())
        (home / "ssh_key").chmod(0o600)
        put_read(system)
        documented = ("--case", CASE, "--authority", "Det. Begay", "--schedule", "felony")
        hold = done(system, "evidence", "hold", "HELD001", *documented).split()[1].rstrip(":")
        key = {"PLATESTREAM_EVIDENCE_KEY_FILE": str(tmp_path / "agency.pem")}
        monkeypatch.setattr(System, "environment", {**system.environment, **key})
        names = [done(system, "evidence", "export", hold, "--system", "vault").split(":")[0] for _ in "12"]
        first, second = (server.out / name for name in names)

        def part(path: Path) -> Callable[[], bool]:
            return lambda: path.with_name(f"{path.name}.part").exists()

        moments = [part(first), first.exists, part(second), second.exists]
        for number in range(KILLS):
            moment = moments[0] if not number else chance.choice(moments)
            job = system.begin("evidence", "follow", "--once")
            while job.poll() is None and not moment():
                time.sleep(0.002)
            time.sleep(chance.random() * 0.05)  # not always at the same byte
            job.send_signal(signal.SIGKILL)
            job.communicate(timeout=60)
        found: dict[str, dict[str, str]] = {}
        for _attempt in range(3):
            done(system, "evidence", "follow", "--once")
            lines = done(system, "evidence", "transfers", "--json").splitlines()
            found = {one["file"]: one for one in map(json.loads, lines)}
            if {one["state"] for one in found.values()} == {"received"}:
                break
        assert {one["state"] for one in found.values()} == {"received"}
        assert sorted(one.name for one in server.out.iterdir()) == sorted(names)
        for name, one in found.items():
            assert sha256((server.out / name).read_bytes()).hexdigest() == one["sha256"]
    client = connect(embedded_dsn(system.data), AUDITOR)
    assert len(ledger.read(client, "evidence", "receipt")) == len(names)
    assert ledger.verify(client) == []
    client.close()
