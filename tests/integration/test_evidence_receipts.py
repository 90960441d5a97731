"""Receipts of evidence systems: stored as they were issued, and never made up."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platestream.access import signing_keys
from platestream.access.inquire import RefusedInquiry
from platestream.edges.clickhouse_client import AUDITOR, CUSTODIAN, DatabaseError
from platestream.evidence.receipts import SUFFIX, Receipt, ReceiptFile, read_sent
from platestream.ledger import records
from platestream.ledger import store as ledger
from tests.support.database import Database
from tests.support.evidence_sent import CASE, Office, host_key
from tests.support.nightly import nightly
from tests.support.openssh import SftpServer, sftp_server


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "ssh") as made:
        yield made


def write_receipt(place: Path, name: str, digest: str, key: Ed25519PrivateKey | None = None) -> None:
    made = ReceiptFile(name, digest, datetime.now(UTC), "PR-2026-77")
    signature = base64.b64encode(key.sign(made.signed)).decode() if key else ""
    made = msgspec.structs.replace(made, signature=signature)
    (place / f"{name}{SUFFIX}").write_bytes(msgspec.json.encode(made))


def test_the_evidence_system_s_signed_receipt_is_stored_though_it_took_the_file_away(
    office: Office, server: SftpServer
) -> None:
    key = Ed25519PrivateKey.generate()
    public = signing_keys.public_text(key.public_key())
    out = office.remote(server, receipt_minutes=240, receipt_key=public)
    name = office.export()
    office.run(timedelta(0))
    assert office.states == ["awaiting receipt"]
    digest = sha256((out / name).read_bytes()).hexdigest()
    (out / name).unlink()
    office.run(timedelta(0))
    assert (office.states, list(out.iterdir())) == (["awaiting receipt"], [])
    write_receipt(out, name, digest, key)
    office.run(timedelta(0))
    (view,) = office.views
    assert view.receipt is not None
    assert (view.state, view.receipt.proof, view.receipt.reference) == ("received", "receipt", "PR-2026-77")
    content = (out / f"{name}{SUFFIX}").read_bytes()
    assert view.receipt.receipt_sha256 == sha256(content).hexdigest()
    assert office.check(timedelta(days=2)).faults == ()
    other = signing_keys.public_text(Ed25519PrivateKey.generate().public_key())
    office.register(server.place, host_key=host_key(server), receipt_minutes=240, receipt_key=other)
    answer = office.check(timedelta(days=2))
    assert answer.faults == ()
    assert [gap.why for gap in answer.gaps] == [
        f"receipts from before their evidence system was changed: {name}"
    ]


@pytest.mark.parametrize(
    "forged",
    ["another key", *nightly("unsigned", "another hash", "another file", "no receipt")],
)
def test_a_receipt_that_somebody_wrote_by_hand_is_refused_and_on_record(office: Office, forged: str) -> None:
    place, key = office.share(), Ed25519PrivateKey.generate()
    public = signing_keys.public_text(key.public_key())
    office.register(str(place), receipt_minutes=60, receipt_key=public)
    name = office.export()
    (view,) = office.views
    signer = {"unsigned": None, "another key": Ed25519PrivateKey.generate()}.get(forged, key)
    write_receipt(place, name, "0" * 64 if forged == "another hash" else view.sha256, signer)
    receipt = place / f"{name}{SUFFIX}"
    if forged == "another file":
        receipt.write_text(receipt.read_text().replace(name, f"x{name}"))
    if forged == "no receipt":
        receipt.write_text('{"received": true}')
    office.run()
    assert office.states == ["refused"]
    assert (office.receipts(), len(office.refusals("evidence_receipt"))) == ([], 1)
    assert len(office.check(timedelta(days=2)).faults) == 1


def test_no_receipt_within_its_time_is_said_and_the_check_finds_it(office: Office) -> None:
    office.register(str(office.share()), receipt_minutes=60)
    name = office.export()
    office.run()
    office.run()
    assert office.said[-1] == "no receipt came within 60 minutes"
    assert office.check(timedelta(days=2)).faults == (f"exports without a receipt: {name}",)


def forged(office: Office, **fields: object) -> Receipt:
    (one,) = read_sent(office.database.client(AUDITOR))
    export = one.export
    made = Receipt(
        hold_id=export.hold_id, case_number=CASE, export=one.entry.hash, system="vault", place="/x",
        file=export.file, bytes=export.bytes, sha256=export.sha256, proof="sha256", received_at=office.now,
    )  # fmt: skip
    return msgspec.structs.replace(made, **fields)


def test_nobody_writes_a_receipt_into_the_ledger(office: Office) -> None:
    office.register(str(office.share()))
    office.export()
    with pytest.raises(RefusedInquiry, match="only the machine"):
        records.put(office.cam, "evidence_receipt", forged(office))
    with pytest.raises(RefusedInquiry, match="only the machine"):
        records.put(office.lee, "evidence_receipt", forged(office))
    client = office.cam.writer(CUSTODIAN)
    entry = ledger.following(client, "evidence", "receipt", "cam", forged(office))
    other = office.cam.enter("evidence_send", "x", effect=entry.hash)
    with pytest.raises(DatabaseError, match="refused"):
        ledger.append(client, other.inquiry_id, entry)
    assert office.receipts() == []


def test_even_the_job_writes_no_receipt_of_something_else_and_none_twice(office: Office) -> None:
    office.register(str(office.share()))
    office.export()
    job = office.lee.start_job("evidence", "evidence_send", "job")
    others = {"sha256": "0" * 64, "bytes": 1, "file": "x.zip", "export": "0" * 64, "hold_id": uuid4()}
    for name, other in others.items():
        with pytest.raises(DatabaseError, match="refused"):
            records.put(job, "evidence_receipt", forged(office, **{name: other}))
    records.put(job, "evidence_receipt", forged(office))
    with pytest.raises(DatabaseError, match="refused"):
        records.put(job, "evidence_receipt", forged(office, place="/y"))
    assert len(office.receipts()) == 1


@pytest.mark.parametrize("made_up", ["read back", "another key", *nightly("unsigned")])
def test_a_receipt_of_the_job_for_what_was_never_sent_is_found(office: Office, made_up: str) -> None:
    key = Ed25519PrivateKey.generate()
    public = signing_keys.public_text(key.public_key())
    office.register(str(office.share()), receipt_minutes=60, receipt_key=public)
    name = office.export()
    job = office.lee.start_job("evidence", "evidence_send", "job")
    fields: dict[str, object] = {"received_at": datetime.now(UTC)}
    if made_up != "read back":
        (one,) = read_sent(office.database.client(AUDITOR))
        issued = ReceiptFile(name, one.export.sha256, datetime.now(UTC), "PR-1")
        if made_up == "another key":
            signature = Ed25519PrivateKey.generate().sign(issued.signed)
            issued = msgspec.structs.replace(issued, signature=base64.b64encode(signature).decode())
        fields |= {"proof": "receipt", "issued": issued}
    records.put(job, "evidence_receipt", forged(office, **fields))
    assert office.check(timedelta(days=2)).faults == (
        f"receipts that their evidence system did not issue: {name}",
    )


def test_a_receipt_that_the_owner_of_the_database_wrote_is_found(office: Office) -> None:
    office.register(str(office.share()))
    office.export()
    client = office.database.client(AUDITOR)
    entry = ledger.following(client, "evidence", "receipt", "evidence", forged(office))
    office.database.entry(entry)
    (fault,) = office.check().faults
    assert fault.startswith("receipts that no act of the job wrote")


def test_the_clause_is_held_only_with_a_receipt_of_each_export_that_is_due(office: Office) -> None:
    answer = office.check()
    assert (answer.faults, len(answer.gaps)) == ((), 1)
    assert "no evidence system is registered" in answer.gaps[0].why
    office.register(str(office.share()))
    assert office.check().gaps[0].why == "no export to an evidence system is due"
    name = office.export()
    assert office.check().faults == ()
    assert office.check(timedelta(days=2)).faults == (f"exports without a receipt: {name}",)
    office.run()
    answer = office.check(timedelta(days=2))
    assert (answer.faults, answer.gaps, answer.figure) == ((), (), "1 export, 1 with a receipt")
    hold = office.hold()
    assert office.check(timedelta(days=2)).faults == ()
    assert office.check(timedelta(days=8)).faults == (f"holds without an export after 7 days: {hold}",)
