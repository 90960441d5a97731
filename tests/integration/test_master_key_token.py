"""Master key in a token of SoftHSM: it wraps the hourly keys, and each way of failing has a clear error."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from platestream.keys.key_folder import MASTER, KeyFolder
from platestream.keys.master import KeysError, MasterFile, WrongMasterError
from platestream.keys.token import MAGIC, MasterToken, parse, token_at
from platestream.operations.doctor.context import CheckContext
from platestream.operations.doctor.keys import keys as check_keys
from platestream.operations.master_key import rewrap
from platestream.settings import load_settings, open_keys
from tests.support.softhsm import PIN, SoftHsm, softhsm

__all__ = ["softhsm"]

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 29, 3, 30, tzinfo=UTC)


def token(uri: str) -> MasterToken:
    return token_at(parse(uri))


@pytest.fixture
def keys(tmp_path: Path, softhsm: SoftHsm) -> KeyFolder:
    return KeyFolder(tmp_path / "keys", token(softhsm.uri()), now=lambda: NOW)


def again(keys: KeyFolder) -> KeyFolder:
    """The same folder, as another process opens it."""
    return KeyFolder(keys.folder, keys.master, now=lambda: NOW)


def test_hourly_keys_are_wrapped_in_the_token_and_no_master_key_is_on_the_disk(keys: KeyFolder) -> None:
    sealed = keys.seal("frames", NOW, b"picture")
    assert again(keys).open("frames", sealed) == b"picture"
    (path,) = keys.folder.glob("*.key")
    assert path.read_bytes().startswith(MAGIC)
    assert len(path.read_bytes()) == len(MAGIC) + 12 + 32 + 16


def test_another_process_opens_by_the_setting(keys: KeyFolder, softhsm: SoftHsm) -> None:
    sealed = keys.seal("frames", NOW, b"picture")
    program = (
        "import sys; from platestream.settings import load_settings, open_keys;"
        "print(open_keys(load_settings()).open('frames', bytes.fromhex(sys.argv[1])))"
    )
    named = {"PLATESTREAM_KEYS": str(keys.folder), "PLATESTREAM_MASTER_KEY": softhsm.uri()}
    command = [sys.executable, "-c", program, sealed.hex()]
    done = subprocess.run(
        command, env=os.environ | named, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "b'picture'\n"


def test_another_key_of_the_token_opens_nothing(keys: KeyFolder, softhsm: SoftHsm, tmp_path: Path) -> None:
    sealed = keys.seal("frames", NOW, b"picture")
    for other in (softhsm.uri(key="second"), softhsm.uri(token="another")):
        with pytest.raises(KeysError, match="damaged, or not wrapped by the key"):
            KeyFolder(keys.folder, token(other), now=lambda: NOW).open("frames", sealed)
    file = tmp_path / MASTER
    file.write_bytes(bytes(32))
    with pytest.raises(KeysError, match="not wrapped by"):
        KeyFolder(keys.folder, MasterFile(file), now=lambda: NOW).open("frames", sealed)


@pytest.mark.parametrize("at", [0, 5, 20, 50])
def test_an_altered_key_is_not_unwrapped(keys: KeyFolder, at: int) -> None:
    wrapped = bytearray(keys.master.wrap(bytes(32)))
    wrapped[at] ^= 1
    with pytest.raises(WrongMasterError):
        keys.master.unwrap(bytes(wrapped))
    for length in range(len(wrapped)):
        with pytest.raises(WrongMasterError):
            keys.master.unwrap(bytes(wrapped)[:length])


def test_a_wrong_pin_is_tried_once_and_shown_nowhere(softhsm: SoftHsm, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("99999-wrong")
    # A process of its own: in this one the token is open.
    program = (
        "import sys; from pathlib import Path; from platestream.keys.token import parse, token_at\n"
        "master = token_at(parse(sys.argv[1]))\n"
        "for _one in range(2):\n"
        "    try: master.wrap(bytes(32))\n"
        "    except OSError as error: print(error)\n"
        f"    Path(sys.argv[2]).write_text({PIN!r})\n"
    )
    command = [sys.executable, "-c", program, softhsm.uri(pin=pin), str(pin)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    refused = "the key platestream of the token agency: PinIncorrect"
    assert done.stdout.splitlines() == [refused, refused]
    assert "99999" not in done.stdout + done.stderr


def test_what_is_missing_is_named(softhsm: SoftHsm, tmp_path: Path) -> None:
    for uri, message in (
        (softhsm.uri(token="none"), "libsofthsm2.so has no token none"),
        (softhsm.uri(key="none"), "the key none of the token agency: NoSuchKey"),
        (softhsm.uri(module=Path("/none.so")), "cannot open shared object file"),
        (softhsm.uri(pin=tmp_path / "absent"), "absent: No such file"),
    ):
        with pytest.raises(KeysError, match=message):
            token(uri).wrap(bytes(32))


def test_a_key_that_can_leave_the_token_is_refused(softhsm: SoftHsm) -> None:
    with pytest.raises(KeysError, match="can be extracted"):
        token(softhsm.uri(key="extractable")).wrap(bytes(32))


def test_a_token_that_is_removed_stops_what_needs_it_only(softhsm: SoftHsm, tmp_path: Path) -> None:
    clock = [NOW - HOUR]
    keys = KeyFolder(tmp_path / "keys", token(softhsm.uri(token="removed")), now=lambda: clock[0])
    sealed = keys.seal("frames", NOW - HOUR, b"picture")
    softhsm.delete("removed")
    assert keys.open("frames", sealed) == b"picture", "this key was in memory"
    clock[0] = NOW
    with pytest.raises(KeysError, match="token removed"):
        keys.seal("frames", NOW, b"picture")
    with pytest.raises(KeysError, match="token removed"):
        again(keys).open("frames", sealed)
    assert len(keys.hours()) == 1


FORKS = """
import os, sys
from pathlib import Path
from platestream.keys.key_folder import KeyFolder
from platestream.keys.token import parse, token_at
folder, master = Path(sys.argv[1]), token_at(parse(sys.argv[2]))
sealed = KeyFolder(folder, master).seal("frames", None, b"picture")
child = os.fork()
opened = KeyFolder(folder, master).open("frames", sealed) == b"picture"
if child == 0:
    os._exit(0 if opened else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert KeyFolder(folder, master).open("frames", sealed) == b"picture"
"""


def test_a_forked_process_signs_in_by_itself(softhsm: SoftHsm, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORKS, str(tmp_path / "keys"), softhsm.uri()]
    subprocess.run(command, check=True, timeout=120)


def test_threads_share_the_session(keys: KeyFolder) -> None:
    opened: list[bytes] = []

    def wrap_many() -> None:
        opened.extend(keys.master.unwrap(keys.master.wrap(bytes([one]) * 32)) for one in range(50))

    threads = [threading.Thread(target=wrap_many) for _one in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert sorted(opened) == sorted(bytes([number]) * 32 for number in range(50) for _one in threads)


def test_the_master_key_moves_from_file_to_token_to_another_key_and_back(
    keys: KeyFolder, softhsm: SoftHsm, tmp_path: Path
) -> None:
    folder, file = tmp_path / "moved", MasterFile(tmp_path / "moved" / MASTER, may_make=lambda: True)
    sealed = [
        KeyFolder(folder, file, now=lambda: NOW).seal("frames", NOW - n * HOUR, b"picture") for n in range(3)
    ]
    masters = [file, keys.master, token(softhsm.uri(key="second")), token(softhsm.uri(token="another")), file]
    for old, new in pairwise(masters):
        assert rewrap(folder, old, new) == (3, 0, ())
        for one in sealed:
            assert KeyFolder(folder, new, now=lambda: NOW).open("frames", one) == b"picture"
        assert rewrap(folder, old, new) == (0, 3, ())


def test_doctor_names_the_token_and_a_pin_that_others_can_read(
    softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    pin.chmod(0o600)
    monkeypatch.setenv("PLATESTREAM_DATA", str(tmp_path))
    monkeypatch.setenv("PLATESTREAM_MASTER_KEY", softhsm.uri(pin=pin))
    open_keys(load_settings()).seal("frames", None, b"picture")
    found = check_keys(CheckContext({}))
    assert (found.state, found.found) == (
        "right",
        "1 hour have a key, wrapped by the key platestream of the token agency.",
    )
    pin.chmod(0o644)
    found = check_keys(CheckContext({}))
    assert (found.state, found.do) == ("wrong", f"chmod go= {pin}")
