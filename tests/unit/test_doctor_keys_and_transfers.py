"""The doctor's checks of hourly keys and of transfers to evidence systems."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from platestream.evidence.outbox import Outbox, TransferState
from platestream.keys.key_folder import MASTER, KeyFolder
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.finding import NotCheckedError
from platestream.operations.doctor.keys import keys
from platestream.operations.doctor.transfers import transfers

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("PLATESTREAM_")]:
        monkeypatch.delenv(name)
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    monkeypatch.setenv("PLATESTREAM_DATA", str(made))
    return made


def here() -> CheckContext:
    return CheckContext({}, now=lambda: NOW)


def test_before_the_first_frame_there_is_no_key_to_look_at(folder: Path) -> None:
    with pytest.raises(NotCheckedError, match="no key was made yet"):
        keys(here())


def test_keys_on_the_disk_of_the_data_are_a_warning(folder: Path) -> None:
    KeyFolder(folder / "keys").seal("frames", None, b"picture")
    found = keys(here())
    assert found.state == "soon"
    assert "on the disk of the data" in found.found


def test_keys_on_another_disk_are_right(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disks = [one for one in map(Path, ("/dev/shm", "/var/tmp")) if one.is_dir()]
    others = [one for one in disks if one.stat().st_dev != folder.stat().st_dev]
    if not others:
        pytest.skip("this machine has one disk")
    elsewhere = others[0] / f"platestream-{os.getpid()}"
    monkeypatch.setenv("PLATESTREAM_KEYS", str(elsewhere))
    KeyFolder(elsewhere).seal("frames", None, b"picture")
    try:
        found = keys(here())
    finally:
        for path in elsewhere.iterdir():
            path.unlink()
        elsewhere.rmdir()
    assert found.state == "right"
    assert "1 hour" in found.found


def test_a_master_key_that_is_open_to_others_or_wrong_is_a_fault(folder: Path) -> None:
    KeyFolder(folder / "keys").seal("frames", None, b"picture")
    (folder / "keys" / MASTER).chmod(0o640)
    found = keys(here())
    assert (found.state, found.do) == ("wrong", f"chmod go= {folder / 'keys' / MASTER}")
    (folder / "keys" / MASTER).chmod(0o600)
    (folder / "keys" / MASTER).write_bytes(bytes(32))
    found = keys(here())
    assert found.state == "wrong"
    assert "not wrapped by" in found.found


def test_on_a_broker_without_keys_it_says_that_nothing_is_encrypted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_KAFKA", "localhost:9092")
    found = keys(here())
    assert found.state == "soon"
    assert "PLATESTREAM_KEYS" in found.do


def test_a_transfer_that_was_given_up_is_a_fault_and_one_that_fails_a_warning(folder: Path) -> None:
    with pytest.raises(NotCheckedError):
        list(transfers(here()))
    outbox = Outbox(folder)
    outbox.note("evidence-a.zip", TransferState(attempts=1))
    (found,) = transfers(here())
    assert (found.state, found.found) == ("right", "1 export on the way.")
    outbox.note("evidence-b.zip", TransferState(attempts=2, fault="vault.example.org: no route"))
    outbox.note("evidence-c.zip", TransferState(attempts=9, fault="the disk is full", given_up=True))
    wrong, soon = transfers(here())
    assert (wrong.state, wrong.do) == ("wrong", "platestream evidence send evidence-c.zip")
    assert "the disk is full" in wrong.found
    assert soon.state == "soon"
    assert "evidence-b.zip fails after 2 attempts: vault.example.org: no route" in soon.found
