"""Hourly keys: what is sealed opens for its purpose only, and never after its key was destroyed."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.keys.envelope import HourKey, SealError, is_sealed, named_key
from platestream.keys.key_folder import (
    MASTER,
    UNSEALED,
    KeyDestroyedError,
    KeyFolder,
    begin,
    hour_of,
)
from platestream.keys.master import KeysError, MasterFile
from platestream.runtime.faults import Faults

NOW = datetime(2026, 11, 29, 3, 41, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def keys_of(folder: Path, now: datetime = NOW) -> KeyFolder:
    return KeyFolder(folder, now=lambda: now)


@given(content=st.binary(max_size=300), purpose=st.text(max_size=20))
def test_what_was_sealed_opens_and_shows_nothing(content: bytes, purpose: str) -> None:
    key = HourKey(495_000, bytes(range(32)))
    sealed = key.seal(purpose, content)
    assert is_sealed(sealed)
    assert len(content) < 12 or content not in sealed
    assert key.unseal(purpose, sealed) == content
    assert key.seal(purpose, content) == sealed, "a repetition must have the same bytes"


@given(content=st.binary(min_size=1, max_size=80), place=st.integers(min_value=4), bit=st.integers(0, 7))
def test_an_altered_byte_is_found(content: bytes, place: int, bit: int) -> None:
    key = HourKey(495_000, bytes(range(32)))
    sealed = bytearray(key.seal("frames", content))
    sealed[4 + place % (len(sealed) - 4)] ^= 1 << bit
    with pytest.raises(SealError):
        key.unseal("frames", bytes(sealed))


def test_a_text_of_one_topic_does_not_open_as_that_of_another(folder: Path) -> None:
    keys = keys_of(folder)
    sealed = keys.seal("frames_quarantine", NOW, b"picture")
    with pytest.raises(SealError, match="not of frames"):
        keys.open("frames", sealed)


def test_a_text_that_is_cut_off_is_an_error_of_its_own(folder: Path) -> None:
    keys = keys_of(folder)
    sealed = keys.seal("frames", NOW, b"picture")
    for length in range(4, len(sealed)):
        with pytest.raises(SealError):
            keys.open("frames", sealed[:length])


def test_another_process_reads_what_this_one_wrote(folder: Path) -> None:
    sealed = keys_of(folder).seal("frames", NOW, b"picture")
    assert keys_of(folder).open("frames", sealed) == b"picture"


def test_what_an_older_release_wrote_is_read_as_it_is(folder: Path) -> None:
    assert keys_of(folder).open("frames", b"\xff\xd8\xffpicture") == b"\xff\xd8\xffpicture"
    assert not folder.exists()


@pytest.mark.parametrize("start", [b"{", b"[", b"\xff\xd8", b"\x89PNG", b"RIFF", b"\x90", b"\xdc", b"\x80"])
def test_nothing_that_older_releases_wrote_begins_like_an_encrypted_text(start: bytes) -> None:
    assert not is_sealed(start + b"PSK" + bytes(60))


def test_each_hour_of_capture_has_its_own_key(folder: Path) -> None:
    keys = keys_of(folder)
    named = {
        named_key(keys.seal("frames", at, b"picture"))
        for at in (NOW, NOW - timedelta(minutes=41), NOW - HOUR, NOW - 30 * HOUR)
    }
    assert [begin(hour) for hour, _key in sorted(named)] == keys.hours()
    assert len(named) == 3


def test_a_device_with_a_wrong_clock_makes_no_keys_of_other_times(folder: Path) -> None:
    keys = keys_of(folder)
    ahead = keys.seal("frames", NOW + timedelta(days=400), b"picture")
    long_ago = keys.seal("frames", datetime(1999, 1, 1, tzinfo=UTC), b"picture")
    assert begin(named_key(ahead)[0]) == datetime(2026, 11, 29, 4, tzinfo=UTC), "an hour ahead at most"
    assert begin(named_key(long_ago)[0]) == datetime(2026, 10, 29, 3, tzinfo=UTC)


def test_a_destroyed_key_opens_nothing_again_and_is_not_made_anew_by_a_late_writer(folder: Path) -> None:
    old, other = keys_of(folder), keys_of(folder)
    sealed = old.seal("frames", NOW - HOUR, b"picture")
    later = old.seal("frames", NOW, b"later")
    (gone,) = keys_of(folder).destroy(NOW, Faults())
    assert gone.hour == datetime(2026, 11, 29, 2, tzinfo=UTC)
    assert gone.fingerprint.startswith(named_key(sealed)[1])
    with pytest.raises(KeyDestroyedError, match="2026-11-29 02:00 UTC"):
        other.open("frames", sealed)
    assert keys_of(folder).open("frames", later) == b"later"
    other.seal("frames", NOW - HOUR, b"late")
    with pytest.raises(KeyDestroyedError):
        keys_of(folder).open("frames", sealed)


def test_a_running_process_forgets_a_destroyed_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = keys_of(folder)
    sealed = running.seal("frames", NOW, b"picture")
    keys_of(folder).destroy(NOW + HOUR, Faults())
    assert running.open("frames", sealed) == b"picture"
    monkeypatch.setattr("platestream.keys.key_folder._REREAD_SECONDS", 0.0)
    with pytest.raises(KeyDestroyedError):
        running.open("frames", sealed)


def test_a_destroyed_key_is_reported_until_its_receipt_is_written(folder: Path) -> None:
    keys = keys_of(folder)
    keys.seal("frames", NOW - 2 * HOUR, b"picture")
    (first,) = keys.destroy(NOW, Faults())
    keys.seal("frames", NOW - HOUR, b"picture")
    both = keys_of(folder).destroy(NOW, Faults())
    assert both[0] == first, "the job was killed before its receipt"
    assert len(both) == 2
    keys_of(folder).report()
    assert keys_of(folder).destroy(NOW, Faults()) == []
    assert keys_of(folder).hours() == []


@pytest.mark.parametrize("overwritten", [False, True])
def test_a_run_that_is_killed_while_it_destroys_a_key_reports_it_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, overwritten: bool
) -> None:
    keys = keys_of(folder)
    sealed = keys.seal("frames", NOW - HOUR, b"picture")
    (named,) = keys.fingerprints()

    def kill(path: Path) -> None:
        if overwritten:
            path.write_bytes(os.urandom(path.stat().st_size))
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("platestream.keys.key_folder.erase", kill)
        with pytest.raises(KeyboardInterrupt):
            keys_of(folder).destroy(NOW, Faults())
    if overwritten:
        with pytest.raises(KeyDestroyedError):
            keys_of(folder).open("frames", sealed)
    assert [one.fingerprint for one in keys_of(folder).destroy(NOW, Faults())] == [named]
    assert keys_of(folder).hours() == []


def test_an_hour_that_is_not_over_keeps_its_key(folder: Path) -> None:
    keys = keys_of(folder)
    keys.seal("frames", NOW, b"picture")
    assert keys.destroy(NOW, Faults()) == []
    assert keys.destroy(NOW.replace(minute=59, second=59), Faults()) == []
    assert len(keys.destroy(NOW.replace(hour=4, minute=0), Faults())) == 1


def test_a_missing_key_of_a_young_hour_is_no_destroyed_one(folder: Path) -> None:
    keys = keys_of(folder)
    sealed = keys.seal("frames", NOW, b"picture")
    (path,) = folder.glob("*T*.key")
    path.unlink()
    with pytest.raises(KeysError, match="has no key of 2026-11-29 03:00 UTC"):
        keys_of(folder).open("frames", sealed)


def test_without_the_master_key_the_folder_is_of_no_use(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "usb"
    elsewhere.mkdir()
    master = elsewhere / MASTER
    master.write_bytes(os.urandom(32))
    keys = KeyFolder(folder, MasterFile(master), now=lambda: NOW)
    sealed = keys.seal("frames", NOW, b"picture")
    assert not (folder / MASTER).exists()
    with pytest.raises(KeysError, match="master key"):
        keys_of(folder).open("frames", sealed)
    master.write_bytes(os.urandom(32))
    with pytest.raises(KeysError, match="not wrapped by"):
        KeyFolder(folder, MasterFile(master), now=lambda: NOW).open("frames", sealed)
    master.write_bytes(b"short")
    with pytest.raises(KeysError, match="32 bytes"):
        KeyFolder(folder, MasterFile(master), now=lambda: NOW).open("frames", sealed)


def test_a_named_master_key_is_never_made(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="No such file"):
        KeyFolder(folder, MasterFile(tmp_path / "absent"), now=lambda: NOW).seal("frames", NOW, b"picture")


def test_a_key_that_cannot_be_read_is_destroyed_all_the_same(folder: Path) -> None:
    keys_of(folder).seal("frames", NOW, b"picture")
    (folder / MASTER).write_bytes(os.urandom(32))
    (gone,) = keys_of(folder).destroy(NOW + HOUR, Faults())
    assert gone.fingerprint == ""
    assert keys_of(folder).hours() == []


def test_many_threads_and_processes_agree_on_one_key(folder: Path) -> None:
    sealed: list[bytes] = []
    together = threading.Barrier(8)

    def write() -> None:
        keys = keys_of(folder)
        together.wait(60)
        sealed.append(keys.seal("frames", NOW, b"picture"))

    threads = [threading.Thread(target=write) for _one in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(sealed) == 8
    assert len(set(sealed)) == 1
    assert sorted(path.name for path in folder.glob("*.key")) == ["2026-11-29T03.key", MASTER]


def test_only_the_owner_can_read_the_keys(folder: Path) -> None:
    keys_of(folder).seal("frames", NOW, b"picture")
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}


def test_without_keys_nothing_is_encrypted_and_an_encrypted_text_says_what_is_missing(folder: Path) -> None:
    assert UNSEALED.seal("frames", NOW, b"picture") == b"picture"
    sealed = keys_of(folder).seal("frames", NOW, b"picture")
    with pytest.raises(KeysError, match="PLATESTREAM_KEYS"):
        UNSEALED.open("frames", sealed)


@given(st.integers(0, 2_500_000).map(lambda minutes: NOW - minutes * timedelta(minutes=1)))
def test_an_hour_begins_when_its_number_says(at: datetime) -> None:
    assert begin(hour_of(at)) <= at < begin(hour_of(at)) + HOUR
