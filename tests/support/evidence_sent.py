"""An agency that sends evidence to an evidence system, a folder or a server."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from docs.generators.catalogue import example
from platestream.edges.clickhouse_client import AUDITOR
from platestream.evidence import dispatch, package, systems
from platestream.evidence import hold as holding
from platestream.evidence.channels.folder import MARK
from platestream.evidence.systems import FOLDER
from platestream.evidence.transfer_job import TransferJob
from platestream.ledger import store as ledger
from platestream.policy.checks.context import Answer, CheckData
from platestream.policy.checks.evidence_transfer import transferred
from platestream.schemas import tables
from platestream.schemas.detection import Detection
from platestream.schemas.registry import RegistryRecord
from tests.support.database import Database
from tests.support.door import door_of, person, staffed
from tests.support.openssh import SftpServer

READ = Detection.from_json(bytes(example("detection").accepted))
CASE = "26-001234"


def host_key(server: SftpServer) -> str:
    return " ".join((server.folder / "host.pub").read_text().split()[:2])


class Office:
    """An agency whose custodian Cam sends evidence; the job is started by the administrator Lee."""

    def __init__(self, database: Database, folder: Path) -> None:
        staffed(database, person("cam", "custodian", "analyst"), person("lee", "administrator", "custodian"))
        self.database, self.lee = database, door_of(database, "lee")
        self.cam = door_of(database, "cam")
        self.data = self.cam.settings.data
        package.new_key(folder / "agency.pem")
        self.cam.settings.evidence_key_file = folder / "agency.pem"
        self.folder = folder
        self.said: list[str] = []
        self.now = datetime.now(UTC)
        self.job = self.start()

    def start(self) -> TransferJob:
        return TransferJob(self.lee, lambda _file, what: self.said.append(what))

    def register(self, place: str, **fields: Any) -> None:
        record = RegistryRecord(
            kind="evidence_system", id="vault", name="Vault", transfer_place=place, **fields
        )
        systems.register(self.lee, record, datetime.now(UTC))

    def share(self) -> Path:
        place = self.folder / "share"
        place.mkdir()
        (place / MARK).write_text("vault\n")
        return place

    def remote(self, server: SftpServer, **fields: Any) -> Path:
        self.register(server.place, **{"host_key": host_key(server), **fields})
        home = self.data / FOLDER / "vault"
        home.mkdir(parents=True)
        (home / "ssh_key").write_bytes(server.key.read_bytes())
        (home / "ssh_key").chmod(0o600)
        return server.out

    def hold(self) -> UUID:
        read = msgspec.structs.replace(
            READ, detection_id=uuid4(), plate="HELD001", captured_at=datetime.now(UTC) - timedelta(hours=1),
            crop=b"HELD001" * 9, picture=b"\xff\xd8" + os.urandom(400_000),
        )  # fmt: skip
        self.database.put(tables.DETECTIONS, read)
        self.database.put(tables.IMAGES, read)
        terms = holding.Terms(case_number=CASE, authority="Det. Begay", schedule="felony")
        return holding.hold(self.cam, terms, pattern="HELD001", detections=(read.detection_id,)).hold_id

    def export(self) -> str:
        return dispatch.export_to(self.cam, self.hold(), "vault", self.now).file

    def run(self, after: timedelta = timedelta(hours=2)) -> None:
        self.now += after
        self.job.run_once(self.now)

    @property
    def views(self) -> list[dispatch.TransferView]:
        return dispatch.transfers(self.cam)

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.views]

    def outbox(self) -> list[str]:
        found = (self.data / FOLDER / "outbox").iterdir()
        return sorted(one.name for one in found if not one.name.startswith("."))

    def check(self, after: timedelta = timedelta(0)) -> Answer:
        rules = self.lee.rules
        live = CheckData(
            client=self.database.client(AUDITOR),
            topics=self.lee.streams,
            profile_name=rules.name,
            profile=rules.profile,
            now=datetime.now(UTC) + after,
        )
        return transferred(live)

    def receipts(self) -> list[str]:
        entries = ledger.read(self.database.client(AUDITOR), "evidence", "receipt")
        return [entry.record for entry, _hash in entries]

    def refusals(self, kind: str) -> list[str]:
        rows = self.database.rows(
            f"SELECT refusal FROM platestream.inquiry_log WHERE kind = '{kind}' AND outcome = 'refused'"
        )
        return [text for (text,) in rows]
