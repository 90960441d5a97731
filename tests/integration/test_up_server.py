"""`platestream up` where topics are a broker's and tables a server's: it starts what is left to start.

The server is the engine in a process of its own, with the users file of a server; the clients are the same.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import SERVICES, Engine
from tests.support.kafka_broker import Kafka, free_port, wait_until
from tests.support.up import System, founding

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]


def accounts(folder: Path, engine: Engine) -> Path:
    """A DSN for each account, as deploy/make_secrets.py makes them."""
    folder.mkdir(mode=0o700)
    users = {"retention": "retention_job"}
    for job in SERVICES:
        name = f"platestream_{users.get(job, job)}"
        (folder / f"clickhouse_{job}").write_text(
            engine.dsn(job).replace(f"//{job}:", f"//{name}:").strip() + "\n"
        )
    return folder


def test_with_a_broker_and_a_server_a_picture_becomes_a_detection(
    own_kafka: Kafka, own_engine: Engine, tmp_path: Path
) -> None:
    own_engine.start()
    folder = accounts(tmp_path / "accounts", own_engine)
    system = System.of(tmp_path / "up", kafka=own_kafka.bootstrap, console=free_port())
    system.accounts = folder
    system.clickhouse = own_engine.dsn("smith")
    system.up()
    try:
        running = {one["name"]: one["state"] for one in system.status()["processes"]}
        assert "engine" not in running
        assert {"match", "audit", "retention", "cameras", "console"} <= running.keys()
        for command in founding("smith", "administrator", "supervisor", "analyst"):
            ran = system.run(*command)
            assert ran.returncode == 0, ran.stdout + ran.stderr
        system.photograph("KBD4821", "one")

        def found() -> list[Any]:
            ran = system.run("search", "KBD4821", "--reason", "test of the running system", "--json")
            return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]

        wait_until(lambda: len(found()) == 1, 120, "a detection", every=2)
        waiting = {one["topic"] for one in system.status()["waiting"]}
        assert {"frames", "detections"} <= waiting
        system.list_a_vehicle_that_passes("HJV2258")
    finally:
        system.run("down")
