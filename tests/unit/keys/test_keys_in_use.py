"""The master key is changed where no process uses the keys, and none begins to meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from platestream.keys.in_use import KeysInUseError, alone
from platestream.keys.key_folder import KeyFolder

SEALS = """
import sys
from pathlib import Path
from platestream.keys.key_folder import KeyFolder
try:
    KeyFolder(Path(sys.argv[1])).seal("frames", None, b"picture")
except OSError as error:
    sys.exit(str(error))
print("sealed", flush=True)
sys.stdin.read()
"""


@contextmanager
def a_process_with_keys(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SEALS, str(folder)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_used_a_key_is_named_until_it_has_ended(tmp_path: Path) -> None:
    with a_process_with_keys(tmp_path / "keys") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sealed\n"
        with (
            pytest.raises(KeysInUseError, match=f"in use by process {process.pid} "),
            alone(tmp_path / "keys"),
        ):
            pass
        process.kill()
        process.wait()
        with alone(tmp_path / "keys"):
            pass


def test_a_process_that_starts_meanwhile_is_told_to_start_again(tmp_path: Path) -> None:
    KeyFolder(tmp_path / "keys").seal("frames", None, b"picture")
    with alone(tmp_path / "keys"), a_process_with_keys(tmp_path / "keys") as process:
        _out, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "is changed just now: start again after that" in said
    with a_process_with_keys(tmp_path / "keys") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "sealed\n"


def test_the_process_that_changes_it_may_use_keys_before_and_meanwhile(
    tmp_path: Path,
) -> None:
    keys = KeyFolder(tmp_path / "keys")
    sealed = keys.seal("frames", None, b"picture")
    (tmp_path / "other").symlink_to(tmp_path / "keys")
    with alone(tmp_path / "other"):
        assert KeyFolder(tmp_path / "keys").open("frames", sealed) == b"picture"
