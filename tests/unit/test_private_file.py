"""Files of the data folder that a killed process leaves whole."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from platestream.runtime.private_file import new_file, write_file

WRITER = """
import sys
from pathlib import Path
from platestream.runtime.private_file import write_file
while True:
    for letter in (b"a", b"b"):
        write_file(Path(sys.argv[1]), letter * 1_000_000)
        print("x", flush=True)
"""


def test_what_a_killed_writer_leaves_is_one_of_the_two(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            for _ in range(20):
                content = file.read_bytes()
                assert len(content) == 1_000_000
                assert len(set(content)) == 1
            writer.send_signal(signal.SIGKILL)
        assert len(set(file.read_bytes())) == 1
    assert file.stat().st_mode & 0o777 == 0o600


NEW = """
import sys
from pathlib import Path
from platestream.runtime.private_file import new_file
with new_file(Path(sys.argv[1])) as made:
    made.write(b"a" * 1_000_000)
    made.flush()
    print("x", flush=True)
    input()
"""


def test_a_killed_writer_of_a_new_file_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NEW, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_new_file_is_there_whole_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unnamed: bool
) -> None:
    if not unnamed:  # as on NFS
        opens = os.open

        def refuses(path: str, flags: int, *result: int, **named: int) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return opens(path, flags, *result, **named)

        monkeypatch.setattr(os, "open", refuses)
    file = tmp_path / "file"
    with new_file(file) as made:
        made.write(b"whole")
        assert not file.exists()
    with pytest.raises(FileExistsError), new_file(file) as made:
        made.write(b"other")
    with pytest.raises(RuntimeError), new_file(tmp_path / "broken") as made:
        raise RuntimeError
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"file": b"whole"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_its_owner_alone_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    old = os.umask(0)
    try:
        write_file(file, b"x")
    finally:
        os.umask(old)
    assert file.stat().st_mode & 0o777 == 0o600
