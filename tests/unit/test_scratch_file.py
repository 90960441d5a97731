"""Temporary files have no name and no readable content."""

import os
import random
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pytest

from platestream.runtime.scratch_file import memory_file, scratch_file

MARK = b"CANARY7" * 9


def unnamed(folder: Path) -> list[bytes]:
    """The content of this process's open files without a name in a folder."""
    descriptors = [Path(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [one.read_bytes() for one in descriptors if one.is_file() and str(folder) in os.readlink(one)]


def test_what_is_written_is_read_and_is_not_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_file() as file:
        file.write(MARK)
        file.flush()
        assert list(tmp_path.iterdir()) == []
        on_disk = b"".join(unnamed(tmp_path))
        assert len(on_disk) == len(MARK)
        assert b"CANARY7" not in on_disk
        file.seek(7)
        assert file.read() == MARK[7:]
    with scratch_file() as file, scratch_file() as other:
        for one in (file, other):
            one.write(MARK)
            one.flush()
        first, second = unnamed(tmp_path)
        assert first != second, "each file has a key of its own"


def test_any_place_is_read_and_written_as_in_a_plain_file() -> None:
    chance, plain = random.Random(11), bytearray()
    with scratch_file() as file:
        for _ in range(400):
            at = chance.randrange(len(plain) + 1)
            content = chance.randbytes(chance.choice((1, 15, 16, 17, 400)))
            file.seek(at)
            if chance.random() < 0.5:
                file.write(content)
                plain[at : at + len(content)] = content
            else:
                assert file.read(len(content)) == plain[at : at + len(content)]
        file.seek(0)
        assert file.read() == plain


def test_an_archive_can_lie_in_it() -> None:
    with scratch_file() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.txt", MARK * 10_000)
        assert zipfile.ZipFile(file).read("a.txt") == MARK * 10_000


def test_a_file_in_memory_is_read_by_a_process_that_inherits_it_and_by_no_other() -> None:
    with memory_file(b"name:word") as file:
        path = f"/proc/self/fd/{file}"
        assert os.fstat(file).st_mode & 0o077 == 0
        printed = subprocess.run(["cat", path], pass_fds=(file,), capture_output=True, check=True).stdout
        assert printed == b"name:word"
        assert subprocess.run(["cat", path], capture_output=True, check=False).returncode != 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
