"""Exports that are sent to evidence systems: a folder and a real OpenSSH server, honest and otherwise."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from platestream.edges.clickhouse_client import AUDITOR
from platestream.evidence import dispatch, package, systems
from platestream.evidence.channels.channel import ChannelError
from platestream.evidence.channels.folder import MARK, FolderChannel
from platestream.evidence.channels.sftp import SftpChannel
from platestream.evidence.purge import purge_released
from platestream.evidence.systems import FOLDER
from platestream.evidence.transfer_job import PATIENCE
from platestream.keys.age_file import is_encrypted
from platestream.ledger import store as ledger
from platestream.runtime.faults import Faults
from platestream.schemas import topics
from platestream.schemas.message import RefusedError
from platestream.schemas.registry import RegistryRecord
from tests.support.age_keys import key_pair
from tests.support.database import Database
from tests.support.evidence import age
from tests.support.evidence_sent import Office
from tests.support.openssh import SftpServer, make_key, sftp_server
from tests.support.small_disk import fill, small_disk


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "ssh") as made:
        yield made


def test_a_folder_gets_the_package_and_its_receipt_is_in_the_ledger(office: Office) -> None:
    office.register(str(office.share()))
    name = office.export()
    assert office.states == ["waiting"]
    office.run()
    (view,) = office.views
    arrived = (office.folder / "share" / name).read_bytes()
    assert (view.state, view.sha256, view.bytes) == ("received", sha256(arrived).hexdigest(), len(arrived))
    assert view.receipt is not None
    assert (view.receipt.proof, view.receipt.place) == ("sha256", str(office.folder / "share"))
    assert package.verify(package.read(office.folder / "share" / name))[1] == []
    assert sorted(one.name for one in (office.folder / "share").iterdir()) == [MARK, name]
    assert office.outbox() == [], "nothing of it remains here"
    office.run()
    assert len(office.receipts()) == 1
    assert ledger.verify(office.database.client(AUDITOR)) == []
    assert "HELD001" not in office.receipts()[0]


def test_sftp_gets_the_package_under_one_name_and_it_is_read_back(office: Office, server: SftpServer) -> None:
    out = office.remote(server)
    name = office.export()
    office.run()
    (view,) = office.views
    assert (view.state, view.fault) == ("received", "")
    assert view.receipt is not None
    assert view.receipt.proof == "sha256"
    assert [one.name for one in out.iterdir()] == [name]
    assert (out / name).stat().st_mode & 0o777 == 0o640
    assert sha256((out / name).read_bytes()).hexdigest() == view.sha256


def test_a_package_for_a_system_with_a_key_is_read_by_its_holder_alone(
    office: Office, server: SftpServer, tmp_path: Path
) -> None:
    key = key_pair(tmp_path / "vault.txt")
    out = office.remote(server, recipient=key.recipient.text)
    name = office.export()
    assert name.endswith(".zip.age")
    assert is_encrypted(office.data / FOLDER / "outbox" / name), "on this machine, too"
    office.run()
    (view,) = office.views
    arrived = (out / name).read_bytes()
    assert (view.state, view.sha256, view.bytes) == ("received", sha256(arrived).hexdigest(), len(arrived))
    with pytest.raises(package.PackageError, match="is encrypted"):
        package.read(out / name)
    assert package.verify(package.read(out / name, key.identities))[1] == []
    assert office.outbox() == []
    (done, _hash) = ledger.read(office.database.client(AUDITOR), "evidence", "export")[0]
    assert json.loads(done.record)["encrypted_to"] == key.recipient.text


def test_a_share_that_is_not_mounted_gets_nothing(office: Office) -> None:
    place = office.share()
    office.register(str(place))
    (place / MARK).unlink()
    office.export()
    office.run()
    assert office.states == ["failing"]
    assert "is it mounted?" in office.said[-1]
    assert list(place.iterdir()) == []
    (place / MARK).write_text("vault")
    office.run()
    assert office.states == ["received"]


@pytest.mark.nightly
def test_an_interrupted_transfer_goes_on_under_the_same_name(office: Office, server: SftpServer) -> None:
    out = office.remote(server)
    name = office.export()
    whole = (office.data / FOLDER / "outbox" / name).read_bytes()
    (out / f"{name}.part").write_bytes(whole[:100_000])
    office.run()
    assert office.states == ["received"]
    assert [one.name for one in out.iterdir()] == [name]
    assert (out / name).read_bytes() == whole


@pytest.mark.nightly
def test_what_is_left_of_another_file_is_replaced(office: Office, server: SftpServer) -> None:
    out = office.remote(server)
    name = office.export()
    (out / f"{name}.part").write_bytes(b"another begin")
    office.run()
    assert office.states == ["failing"]
    assert "it is sent from the begin" in office.said[-1]
    office.run()
    assert office.states == ["received"]
    assert [one.name for one in out.iterdir()] == [name]


def test_a_crash_after_the_name_was_given_sends_nothing_twice(
    office: Office, server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = office.remote(server)
    name = office.export()
    sent: list[str] = []
    rename, put = SftpChannel.rename, SftpChannel.put

    def crash(channel: SftpChannel, old: str, new: str) -> None:
        rename(channel, old, new)
        raise KeyboardInterrupt

    def count(channel: SftpChannel, source: Path, new: str, *, resume: bool) -> None:
        sent.append(new)
        put(channel, source, new, resume=resume)

    monkeypatch.setattr(SftpChannel, "put", count)
    monkeypatch.setattr(SftpChannel, "rename", crash)
    with pytest.raises(KeyboardInterrupt):
        office.run()
    monkeypatch.setattr(SftpChannel, "rename", rename)
    office.job = office.start()
    office.run()
    assert office.states == ["received"]
    assert (sent, [one.name for one in out.iterdir()]) == ([f"{name}.part"], [name])


def test_another_host_key_gets_nothing(office: Office, server: SftpServer, tmp_path: Path) -> None:
    make_key(tmp_path / "another")
    host = " ".join((tmp_path / "another.pub").read_text().split()[:2])
    out = office.remote(server, host_key=host)
    office.export()
    office.run()
    assert office.states == ["failing"]
    assert "Host key verification failed" in office.said[-1]
    assert list(out.iterdir()) == []


@pytest.mark.nightly
def test_a_server_that_is_down_is_tried_again_and_becomes_a_dead_letter(
    office: Office, server: SftpServer
) -> None:
    office.remote(server)
    name = office.export()
    server.stop()
    office.run()
    office.run(timedelta(seconds=1))
    assert office.states == ["failing"]
    assert len(office.said) == 1, "not before its time"
    office.run(PATIENCE)
    assert office.states == ["refused"]
    letters = [topics.DEAD_LETTERS.decode(one) for one in office.lee.streams.read_to_end(topics.DEAD_LETTERS)]
    assert [(one.topic, one.reason, one.value) for one in letters] == [("evidence/vault", "transfer", None)]
    server.start()
    office.run()
    assert office.states == ["refused"], "nobody tries it by itself"
    dispatch.send_again(office.cam, name)
    office.run()
    assert office.states == ["received"]


@pytest.mark.parametrize("lie", ["altered", "shorter"])
def test_a_place_that_gives_back_another_file_is_a_finding_and_no_receipt(
    office: Office, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    place = office.share()
    office.register(str(place))
    name = office.export()
    rename = FolderChannel.rename

    def lying(channel: FolderChannel, old: str, new: str) -> None:
        content = bytearray((place / old).read_bytes())
        content[len(content) // 2] ^= 1
        (place / old).write_bytes(content if lie == "altered" else content[:-1])
        rename(channel, old, new)

    monkeypatch.setattr(FolderChannel, "rename", lying)
    office.run()
    assert office.states == ["refused"]
    assert office.receipts() == []
    (refusal,) = office.refusals("evidence_receipt")
    assert "there" in refusal
    assert office.check(timedelta(days=2)).faults == (f"exports without a receipt: {name}",)
    assert (place / name).is_file(), "a person looks into it; nothing is replaced"


def test_another_file_of_this_name_is_never_replaced(office: Office, server: SftpServer) -> None:
    out = office.remote(server)
    name = office.export()
    (out / name).write_text("somebody's")
    office.run()
    assert office.states == ["refused"]
    assert (out / name).read_text() == "somebody's"


@pytest.mark.nightly
def test_a_server_that_gives_nothing_back_proves_the_size_and_says_so(
    office: Office, server: SftpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.remote(server, gives_back=False)
    office.export()
    office.run()
    (view,) = office.views
    assert view.receipt is not None
    assert view.receipt.proof == "size"


@pytest.mark.nightly
def test_a_full_disk_keeps_no_part_and_is_tried_again(office: Office, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        (disk / MARK).write_text("vault")
        office.register(str(disk))
        name = office.export()
        filler = fill(disk, 100_000)
        office.run()
        assert office.states == ["failing"]
        assert "No space left" in office.said[-1]
        assert sorted(one.name for one in disk.iterdir()) == [MARK, "filler"]
        filler.unlink()
        office.run()
        assert office.states == ["received"]
        assert sorted(one.name for one in disk.iterdir()) == [MARK, name]


def test_a_package_that_is_not_here_any_more_is_said(office: Office) -> None:
    office.register(str(office.share()))
    name = office.export()
    (office.data / FOLDER / "outbox" / name).unlink()
    office.run()
    assert office.states == ["refused"]
    assert office.said[-1].endswith("export the hold again")


def test_packages_without_an_export_on_record_go(office: Office) -> None:
    office.register(str(office.share()))
    name = office.export()
    stray = office.data / FOLDER / "outbox" / "evidence-stray.zip"
    stray.write_bytes(b"never recorded")
    office.run(timedelta(0))
    assert stray.exists()
    os.utime(stray, (0, 0))
    office.run()
    assert not stray.exists()
    assert (office.folder / "share" / name).exists()


@pytest.mark.parametrize("encrypted", [False, True])
def test_the_package_of_purged_evidence_is_not_sent(office: Office, encrypted: bool, tmp_path: Path) -> None:
    key = key_pair(tmp_path / "vault.txt").recipient.text if encrypted else ""
    office.register(str(office.share()), recipient=key)
    name = office.export()
    age(office.database, timedelta(days=366 * 30))
    door = office.lee.system_job("retention")
    assert len(purge_released(door, Faults())) == 1
    assert office.outbox() == []
    office.run()
    assert not (office.folder / "share" / name).exists()
    assert office.outbox() == []


WRONG: dict[str, Callable[[Path], dict[str, object]]] = {
    "no absolute path": lambda _path: {"transfer_place": "here"},
    "no host key": lambda _path: {"transfer_place": "sftp://a@host/in"},
    "two lines": lambda _path: {
        "transfer_place": "sftp://a@host/in", "host_key": "ssh-ed25519 AAAA\n* ssh-ed25519 BBBB"
    },
    "an option": lambda _path: {"transfer_place": "sftp://-oProxyCommand=x@host/in", "host_key": "ssh-rsa A"},
    "a folder with a host key": lambda path: {"transfer_place": str(path), "host_key": "ssh-ed25519 AAAA"},
    "no bucket": lambda _path: {"transfer_place": "s3://host"},
    "a way out of the bucket": lambda _path: {"transfer_place": "s3://host/bucket/../another"},
    "a bucket with a host key": lambda _path: {"transfer_place": "s3://host/bucket", "host_key": "ssh-rsa A"},
    "a bucket that gives nothing back": lambda _path: {
        "transfer_place": "s3://host/bucket", "gives_back": False
    },
    "no key": lambda path: {"transfer_place": str(path), "receipt_minutes": 5, "receipt_key": "AAAA"},
    "no key to encrypt to": lambda path: {"transfer_place": str(path), "recipient": "age1vault"},
    "a key without a time": lambda path: {"transfer_place": str(path), "receipt_key": "AAAA"},
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_an_evidence_system_that_nothing_could_be_sent_to_is_refused(
    office: Office, tmp_path: Path, wrong: str
) -> None:
    fields = WRONG[wrong](tmp_path)
    with pytest.raises(RefusedError):
        office.register(str(fields.pop("transfer_place")), **fields)
    assert len(office.refusals("registry_evidence_system")) == 1


def test_a_name_leads_to_no_other_folder(office: Office, tmp_path: Path) -> None:
    for name in ("../x", "outbox", "a b"):
        record = RegistryRecord(kind="evidence_system", id=name, name=name, transfer_place=str(tmp_path))
        with pytest.raises(RefusedError):
            systems.register(office.lee, record, datetime.now(UTC))


def test_a_link_in_the_folder_leads_to_no_other_file(office: Office) -> None:
    place = office.share()
    office.register(str(place))
    name = office.export()
    target = office.folder / "target"
    target.write_text("precious")
    (place / f"{name}.part").symlink_to(target)
    office.run()
    assert office.states == ["failing"]
    assert target.read_text() == "precious"
    with pytest.raises(ChannelError):
        FolderChannel(place, "vault").size(f"{name}.part")


def test_no_secret_and_no_plate_is_in_what_is_said(office: Office) -> None:
    office.register(str(office.share()))
    office.export()
    office.run()
    shown = json.dumps([msgspec.to_builtins(one) for one in office.views], default=str)
    assert "HELD001" not in shown + " ".join(office.said)
