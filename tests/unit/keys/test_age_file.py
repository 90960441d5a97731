"""Encrypted files open for their recipients only, complete or not at all; age reads ours, and we read its."""

import errno
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import pytest

from platestream.keys.age_file import AgeFileError, decrypted, encrypting, is_encrypted
from platestream.keys.recipients import Recipient
from tests.support.age_keys import NEEDS_AGE, KeyPair, key_pair, run, ssh_key_pair

PLAIN = random.Random(7).randbytes(300_000)


@pytest.fixture
def pair(tmp_path: Path) -> KeyPair:
    return key_pair(tmp_path / "identity.txt")


def encrypted(file: Path, *recipients: Recipient, content: bytes = PLAIN) -> Path:
    with file.open("wb") as target, encrypting(target, recipients) as stream:
        for at in range(0, len(content), 1000):
            stream.write(content[at : at + 1000])
    return file


def opened(file: Path, pair: KeyPair) -> bytes:
    with decrypted(file, pair.identities) as content:
        return content.read()


def test_each_recipient_reads_it_and_nobody_else(tmp_path: Path, pair: KeyPair) -> None:
    officer, stranger = ssh_key_pair(tmp_path / "officer"), key_pair(tmp_path / "stranger")
    file = encrypted(tmp_path / "a.age", pair.recipient, officer.recipient)
    assert is_encrypted(file)
    assert PLAIN[:64] not in file.read_bytes()
    assert opened(file, pair) == opened(file, officer) == PLAIN
    with pytest.raises(AgeFileError, match=r"a\.age is not encrypted to this identity"):
        opened(file, stranger)


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 65536, b"x" * 65537], ids=len)
def test_it_can_be_of_any_size(tmp_path: Path, pair: KeyPair, content: bytes) -> None:
    assert opened(encrypted(tmp_path / "a.age", pair.recipient, content=content), pair) == content


def test_what_was_decrypted_is_read_anywhere(tmp_path: Path, pair: KeyPair) -> None:
    with decrypted(encrypted(tmp_path / "a.age", pair.recipient), pair.identities) as content:
        for at in (0, 299_990, 17, 65_535, 262_143):
            content.seek(at)
            assert content.read(100) == PLAIN[at : at + 100]


@pytest.mark.parametrize("at", [30, 400, 70_000, -1])
def test_a_changed_byte_is_found_before_anything_is_read(tmp_path: Path, pair: KeyPair, at: int) -> None:
    file = encrypted(tmp_path / "a.age", pair.recipient)
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(AgeFileError, match="damaged"):
        opened(file, pair)


@pytest.mark.parametrize("left", [22, 150, 65_752, 200_000, -1])
def test_a_file_that_was_cut_off_is_not_opened(tmp_path: Path, pair: KeyPair, left: int) -> None:
    file = encrypted(tmp_path / "a.age", pair.recipient)
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(AgeFileError, match="damaged"):
        opened(file, pair)


def test_a_full_disk_is_reported_as_that(pair: KeyPair) -> None:
    with (
        open("/dev/full", "wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left") as raised,
    ):
        write(full, pair, [PLAIN] * 100)
    assert raised.value.errno == errno.ENOSPC


def test_a_failure_of_what_is_written_is_the_error_that_is_seen(tmp_path: Path, pair: KeyPair) -> None:
    def rows() -> Iterator[bytes]:
        yield PLAIN
        raise ValueError("the database went away")

    before = len(os.listdir("/proc/self/fd"))
    with (tmp_path / "a.age").open("wb") as file, pytest.raises(ValueError, match="the database went away"):
        write(file, pair, rows())
    assert len(os.listdir("/proc/self/fd")) == before


def write(file: IO[bytes], pair: KeyPair, parts: Iterable[bytes]) -> None:
    with encrypting(file, [pair.recipient]) as stream:
        for part in parts:
            stream.write(part)


@NEEDS_AGE
def test_age_reads_ours_and_we_read_those_of_age(tmp_path: Path, pair: KeyPair) -> None:
    officer = ssh_key_pair(tmp_path / "officer")
    ours = encrypted(tmp_path / "ours.age", pair.recipient, officer.recipient)
    for each in (pair, officer):
        run("age", "--decrypt", "--identity", str(each.file), "--output", str(tmp_path / "plain"), str(ours))
        assert (tmp_path / "plain").read_bytes() == PLAIN
    theirs = tmp_path / "theirs.age"
    to = [word for each in (pair, officer) for word in ("--recipient", each.recipient.text)]
    run("age", *to, "--output", str(theirs), str(tmp_path / "plain"))
    assert opened(theirs, pair) == opened(theirs, officer) == PLAIN
