"""Change of the master key: crash-safe, and no destroyed key comes back."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from platestream.keys.hold_keys import HoldKey, HoldKeys
from platestream.keys.key_folder import MASTER, KeyFolder, being_rewrapped
from platestream.keys.master import KeysError, MasterFile
from platestream.keys.token import TokenUri, parse
from platestream.operations.master_key import rewrap
from platestream.runtime.faults import Faults
from platestream.settings import SettingsError, load_settings

NOW = datetime(2026, 11, 29, 3, 41, tzinfo=UTC)
HOUR = timedelta(hours=1)
URI = "pkcs11:token=The%20agency;object=platestream?module-path=/lib/x.so&pin-source=file:/run/secrets/pin"


class Folder:
    """Keys of three hours under `old`, and a text of each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "keys"
        self.old, self.new = MasterFile(self.path / MASTER, lambda: True), MasterFile(folder / "new.key")
        self.new.secret.write_bytes(os.urandom(32))
        self.sealed = [
            self.under(self.old).seal("frames", NOW - hours * HOUR, b"picture") for hours in range(3)
        ]

    def under(self, master: MasterFile) -> KeyFolder:
        return KeyFolder(self.path, master, now=lambda: NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_everything_opens_under_the_new_master_key_and_nothing_under_the_old(folder: Folder) -> None:
    assert rewrap(folder.path, folder.old, folder.new) == (3, 0, ())
    for one in folder.sealed:
        assert folder.under(folder.new).open("frames", one) == b"picture"
        with pytest.raises(KeysError, match="not wrapped by"):
            folder.under(folder.old).open("frames", one)
    assert {path.stat().st_mode & 0o077 for path in folder.path.iterdir()} == {0}


def test_keys_of_evidence_are_wrapped_again_too(folder: Folder) -> None:
    hold, missing = uuid4(), uuid4()
    before = HoldKey.new({"read": b"1" * 32})
    HoldKeys(folder.under(folder.old)).put(hold, before)
    HoldKeys(folder.under(folder.old)).put(missing, before)
    assert rewrap(folder.path, folder.old, folder.new) == (5, 0, ())
    keys = HoldKeys(folder.under(folder.new))
    found = keys.get(hold)
    assert found is not None
    assert (found.fingerprint, found.pieces) == (before.fingerprint, before.pieces)
    keys.destroy([missing])
    assert set(keys.ages()) == {hold}
    assert rewrap(folder.path, folder.old, folder.new) == (0, 4, ())


def test_no_master_key_is_made_beside_keys_of_evidence(folder: Folder) -> None:
    keys = folder.under(folder.old)
    HoldKeys(keys).put(uuid4(), HoldKey.new({}))
    keys.destroy(NOW + HOUR, Faults())
    folder.old.secret.unlink()
    with pytest.raises(KeysError, match="No such file"):
        KeyFolder(folder.path, now=lambda: NOW).seal("frames", NOW, b"picture")


def test_the_key_under_the_old_master_key_is_overwritten_on_the_disk(folder: Folder) -> None:
    (path, *_rest) = folder.path.glob("*T*.key")
    before = path.read_bytes()
    with path.open("rb") as opened:
        rewrap(folder.path, folder.old, folder.new)
        assert opened.read() != before


@pytest.mark.parametrize("written", [False, True])
def test_a_run_that_is_killed_is_continued_and_leaves_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    replaced: list[Path] = []
    replace = Path.replace

    def kill(path: Path, target: Path) -> Path:
        if replaced and not written:
            raise KeyboardInterrupt
        replaced.append(target)
        done = replace(path, target)
        if len(replaced) > 1:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            rewrap(folder.path, folder.old, folder.new)
    done = len(replaced)
    assert rewrap(folder.path, folder.old, folder.new) == (3 - done, done, ())
    for one in folder.sealed:
        assert folder.under(folder.new).open("frames", one) == b"picture"
    assert not list(folder.path.glob(".*"))


def test_a_key_that_is_destroyed_takes_the_copy_of_a_killed_run_with_it(folder: Folder) -> None:
    (path, *_rest) = sorted(folder.path.glob("*T*.key"))
    left = being_rewrapped(path)
    left.write_bytes(b"wrapped again")
    folder.under(folder.old).destroy(NOW - HOUR, Faults())
    assert not left.exists()
    assert rewrap(folder.path, folder.old, folder.new) == (2, 0, ())


def test_a_key_that_nobody_can_read_is_named_and_the_others_are_wrapped(folder: Folder) -> None:
    (path, *_rest) = sorted(folder.path.glob("*T*.key"))
    path.write_bytes(os.urandom(40))
    assert rewrap(folder.path, folder.old, folder.new) == (2, 0, (path,))


def test_a_new_master_key_that_cannot_be_used_changes_nothing(folder: Folder) -> None:
    folder.new.secret.unlink()
    with pytest.raises(KeysError, match="No such file"):
        rewrap(folder.path, folder.old, folder.new)
    assert folder.under(folder.old).open("frames", folder.sealed[0]) == b"picture"


def test_a_uri_names_a_key_of_a_token() -> None:
    expected = TokenUri("The agency", "platestream", Path("/lib/x.so"), Path("/run/secrets/pin"))
    assert parse(URI) == expected
    assert parse(URI.replace("file:/run", "file:///run")) == expected
    assert parse(URI.replace("file:/run", "/run")) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "/keys/master.key",
        "pkcs11:token=agency",
        URI.replace("pin-source=file:/run/secrets/pin", "pin-value=4321"),
        URI.replace("object=platestream", "object="),
        URI + "&pin-value=4321",
    ],
)
def test_a_uri_that_is_wrong_or_holds_the_pin_is_refused_and_not_shown(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATESTREAM_MASTER_KEY", uri)
    with pytest.raises(SettingsError, match="it must have the form pkcs11:token=LABEL;object=LABEL") as found:
        load_settings()
    assert "4321" not in str(found.value)


def test_one_master_key_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATESTREAM_MASTER_KEY", URI)
    monkeypatch.setenv("PLATESTREAM_MASTER_KEY_FILE", "/keys/master.key")
    with pytest.raises(SettingsError, match="only one can be set"):
        load_settings()
