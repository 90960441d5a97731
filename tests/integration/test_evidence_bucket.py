"""Exports that are sent to a bucket with object lock, of a real S3 server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import botocore.auth
import msgspec
import pytest
from botocore.exceptions import ClientError

from platestream.edges.clickhouse_client import AUDITOR, CUSTODIAN
from platestream.evidence import dispatch, package
from platestream.evidence import hold as holding
from platestream.evidence.channels.s3 import CREDENTIALS, S3Channel
from platestream.evidence.custody import history
from platestream.evidence.receipts import SUFFIX, ReceiptFile
from platestream.evidence.systems import FOLDER
from platestream.ledger import store as ledger
from platestream.schemas.message import RefusedError
from tests.support.database import Database
from tests.support.evidence_sent import CASE, Office
from tests.support.nightly import nightly
from tests.support.seaweed import KEY, SECRET, Bucket, Seaweed, certificate, seaweed

_names = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    with seaweed(tmp_path_factory.mktemp("s3") / "server") as made:
        yield made


@pytest.fixture
def bucket(server: Seaweed) -> Bucket:
    return Bucket(server, f"in-{next(_names)}")


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    made = Office(database, tmp_path)
    sign_in(made, SECRET)
    return made


def sign_in(office: Office, secret: str) -> Path:
    file = office.data / FOLDER / "vault" / CREDENTIALS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {secret}\n")
    file.chmod(0o600)
    return file


def register(office: Office, bucket: Bucket, place: str = "", **fields: object) -> None:
    office.register(place or bucket.place, server_ca=bucket.server.ca.read_text(), **fields)


def due(office: Office) -> datetime:
    (hold,) = history(office.database.client(CUSTODIAN), office.lee.rules.profile).present
    return hold.due


def test_the_receipt_names_hash_version_and_the_date_until_which_it_is_locked(
    office: Office, bucket: Bucket, tmp_path: Path
) -> None:
    register(office, bucket)
    name = office.export()
    office.run()
    (view,) = office.views
    (there,) = bucket.versions()
    content = bucket.get(name, there["VersionId"])
    assert (view.state, view.sha256, view.bytes) == ("received", sha256(content).hexdigest(), len(content))
    assert view.receipt is not None
    assert (view.receipt.proof, view.receipt.version) == ("sha256", there["VersionId"])
    assert view.receipt.locked_until is not None
    assert timedelta(0) <= view.receipt.locked_until - due(office) <= timedelta(seconds=2)
    assert view.receipt.version in office.receipts()[0]
    (tmp_path / "back.zip").write_bytes(content)
    assert package.verify(package.read(tmp_path / "back.zip"))[1] == []
    assert office.outbox() == []
    assert ledger.verify(office.database.client(AUDITOR)) == []
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete(name, VersionId=view.receipt.version)
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete(name, VersionId=view.receipt.version, BypassGovernanceRetention=True)


def test_a_crash_after_the_object_is_there_makes_no_second_version(
    office: Office, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(office, bucket)
    office.export()
    put = S3Channel._put

    def crash(channel: S3Channel, one: object, key: str, until: datetime) -> None:
        put(channel, one, key, until)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(S3Channel, "_put", crash)
    with pytest.raises(KeyboardInterrupt):
        office.run()
    monkeypatch.setattr(S3Channel, "_put", put)
    office.job = office.start()
    office.run()
    assert office.states == ["received"]
    assert len(bucket.versions()) == 1


def test_two_jobs_that_send_at_once_make_one_version(
    office: Office, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a restore of a machine from its image: the other is not seen by the lock on the outbox."""
    register(office, bucket)
    name = office.export()
    whole = (office.data / FOLDER / "outbox" / name).read_bytes()
    put = S3Channel._put

    def second(channel: S3Channel, one: object, key: str, until: datetime) -> None:
        bucket.put(name, whole)
        put(channel, one, key, until)  # type: ignore[arg-type]

    monkeypatch.setattr(S3Channel, "_put", second)
    office.run()
    (view,) = office.views
    (there,) = bucket.versions()
    assert view.receipt is not None
    assert (view.state, view.receipt.version) == ("received", there["VersionId"])
    with pytest.raises(ClientError, match="AccessDenied"):  # it came without a lock, and got one
        bucket.delete(name, VersionId=there["VersionId"])


class Cut:
    """A connection to the server that breaks once, after so many bytes of the package."""

    def __init__(self, port: int, after: int) -> None:
        self.target, self.left, self.broken = port, after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _address = self.listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._copy, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._copy, args=(there, here, False), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(16_384):
                if counts and not self.broken:
                    self.left -= len(piece)
                    if self.left < 0:
                        self.broken += 1
                        break
                target.sendall(piece)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.mark.nightly
def test_a_transfer_that_breaks_off_leaves_nothing_and_starts_again(office: Office, bucket: Bucket) -> None:
    cut = Cut(bucket.server.port, 10**9)
    register(office, bucket, bucket.place.replace(str(bucket.server.port), str(cut.port)))
    office.export()
    cut.left = 200_000
    office.run()
    assert (office.states, cut.broken, bucket.versions()) == (["failing"], 1, [])
    assert "cannot be reached" in office.said[-1]
    office.run()
    assert office.states == ["received"]
    assert len(bucket.versions()) == 1
    cut.listener.close()


def test_an_object_that_was_replaced_is_no_evidence_and_a_finding(office: Office, bucket: Bucket) -> None:
    register(office, bucket, receipt_minutes=60)
    name = office.export()
    office.run(timedelta(0))
    assert office.states == ["awaiting receipt"]
    ((_name, digest),) = [(one.file, one.sha256) for one in office.views]
    bucket.put(name, b"another")
    made = ReceiptFile(name, digest, datetime.now(UTC), "PR-2026-77")
    bucket.put(f"{name}{SUFFIX}", msgspec.json.encode(made))
    office.run(timedelta(0))
    assert office.states == ["refused"]
    assert "was replaced or deleted there" in office.said[-1]
    assert any("exports without a receipt" in one for one in office.check(timedelta(days=2)).faults)
    assert len(office.refusals("evidence_receipt")) == 1


@pytest.mark.nightly
def test_the_evidence_system_s_own_receipt_is_stored_with_the_version(office: Office, bucket: Bucket) -> None:
    register(office, bucket, receipt_minutes=60)
    name = office.export()
    office.run(timedelta(0))
    (view,) = office.views
    made = ReceiptFile(name, view.sha256, datetime.now(UTC), "PR-2026-77")
    bucket.put(f"{name}{SUFFIX}", msgspec.json.encode(made))
    office.run(timedelta(0))
    (view,) = office.views
    (there,) = [one for one in bucket.versions() if one["Key"] == bucket.key(name)]
    assert view.receipt is not None
    assert (view.state, view.receipt.proof, view.receipt.reference) == ("received", "receipt", "PR-2026-77")
    assert (view.receipt.version, view.receipt.locked_until is None) == (there["VersionId"], False)


@pytest.mark.parametrize("how", ["another file", *nightly("another size", "a delete marker")])
def test_a_name_that_is_taken_gives_no_receipt(office: Office, bucket: Bucket, how: str) -> None:
    register(office, bucket)
    name = office.export()
    size = len((office.data / FOLDER / "outbox" / name).read_bytes())
    match how:
        case "another file":
            bucket.put(name, bytes(size))
        case "another size":
            bucket.put(name, b"somebody's")
        case _:
            version = bucket.put(name, b"somebody's")
            bucket.delete(name)
            bucket.delete(name, VersionId=version)
    office.run()
    assert office.states == ["refused"]
    assert office.receipts() == []


def test_a_hold_that_became_longer_than_its_lock_is_a_finding(office: Office, bucket: Bucket) -> None:
    register(office, bucket)
    office.export()
    office.run()
    assert office.check().faults == ()
    (hold,) = history(office.database.client(CUSTODIAN), office.lee.rules.profile).present
    terms = holding.Terms(
        case_number=CASE, authority="Det. Begay", schedule="", release_at=hold.due + timedelta(days=400)
    )
    holding.extend(office.cam, hold.hold_id, terms)
    assert any("end after the lock" in one for one in office.check().faults)
    dispatch.export_to(office.cam, hold.hold_id, "vault", office.now)
    office.run()
    assert office.check().faults == ()


def test_a_bucket_without_object_lock_is_refused_at_registration(office: Office, server: Seaweed) -> None:
    plain = Bucket(server, "in", "plain")
    with pytest.raises(RefusedError, match="no object lock"):
        register(office, plain)
    assert len(office.refusals("registry_evidence_system")) == 1


def test_another_authority_is_refused(office: Office, bucket: Bucket, tmp_path: Path) -> None:
    certificate(tmp_path)
    for authority in ((tmp_path / "cert.pem").read_text(), ""):
        with pytest.raises(RefusedError, match="not of the registered authority"):
            office.register(bucket.place, server_ca=authority)


def test_credentials_come_from_a_private_file_only(
    office: Office, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    file = sign_in(office, "another")
    with pytest.raises(RefusedError, match="refuses the secret key"):
        register(office, bucket)
    sign_in(office, SECRET).chmod(0o644)
    with pytest.raises(RefusedError, match="can be read by others"):
        register(office, bucket)
    file.write_text("no credentials")
    file.chmod(0o600)
    with pytest.raises(RefusedError, match="aws_access_key_id"):
        register(office, bucket)
    file.unlink()
    with pytest.raises(RefusedError, match="No such file"):
        register(office, bucket)


@pytest.mark.nightly
def test_credentials_that_were_withdrawn_are_tried_again(office: Office, bucket: Bucket) -> None:
    register(office, bucket)
    office.export()
    sign_in(office, "another")
    office.run()
    assert office.states == ["failing"]
    assert "refuses the secret key" in office.said[-1]
    assert SECRET not in str(office.views)
    sign_in(office, SECRET)
    office.run()
    assert office.states == ["received"]


@pytest.mark.nightly
def test_clocks_that_differ_are_named(
    office: Office, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(office, bucket)
    office.export()
    now = botocore.auth.get_current_datetime
    late = timedelta(hours=2)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now() - late)
    office.run()
    assert office.states == ["failing"]
    assert "the clocks of this machine and of the server differ" in office.said[-1]
    monkeypatch.undo()
    office.run()
    assert office.states == ["received"]
