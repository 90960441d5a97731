"""Files that only their recipients can read, in age's format, by `pyrage`. Memory is bounded in both
directions, and nothing decrypted reaches a disk.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

import pyrage

from platestream.keys.recipients import Identity, Recipient
from platestream.runtime.scratch_file import scratch_file

MAGIC = b"age-encryption.org/v1\n"


class AgeFileError(ValueError):
    """Error for an encrypted file that these identities do not open, or that is damaged."""


class _Target:
    """A file that remembers why it could not be written, because the library reports it as text only."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.fault = error
            raise

    def flush(self) -> None:
        self._file.flush()


def is_encrypted(path: Path) -> bool:
    """Return whether a file begins as age's files do. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


@contextmanager
def encrypting(file: IO[bytes], recipients: Sequence[Recipient]) -> Iterator[IO[bytes]]:
    """Yield a stream for writing whose bytes reach `file` encrypted to `recipients`, all of them when the
    block ends. It cannot seek. Raises OSError.
    """
    reading, writing = os.pipe()
    with open(writing, "wb") as stream, ThreadPoolExecutor(1, "encrypt") as thread:
        work = thread.submit(_encrypt, reading, file, recipients)
        try:
            yield stream
            stream.close()
        except BrokenPipeError:
            work.result()  # raises what ended the other side
            raise
        finally:
            with suppress(BrokenPipeError):
                stream.close()
        work.result()


def sealed_for(file: IO[bytes], recipients: Sequence[Recipient]) -> AbstractContextManager[IO[bytes]]:
    """Return `encrypting`, or the file itself where its owner chose no recipients."""
    return encrypting(file, recipients) if recipients else nullcontext(file)


def _encrypt(reading: int, file: IO[bytes], recipients: Sequence[Recipient]) -> None:
    target = _Target(file)
    with open(reading, "rb") as source:
        try:
            pyrage.encrypt_io(source, target, [one.key for one in recipients])
        except (pyrage.EncryptError, OSError):
            raise target.fault or OSError("the file could not be encrypted") from None


@contextmanager
def decrypted(path: Path, identities: Sequence[Identity]) -> Iterator[IO[bytes]]:
    """Yield a seekable file with the content of an encrypted file, complete and verified.

    It is a temporary file that is encrypted again, so TMPDIR needs as much room as the content. Raises
    AgeFileError and OSError.
    """
    with scratch_file() as scratch:
        target = _Target(scratch)
        try:
            with path.open("rb") as source:
                pyrage.decrypt_io(source, target, list(identities))
        except pyrage.DecryptError:
            raise AgeFileError(
                f"{path.name} is not encrypted to this identity, or its head is damaged"
            ) from None
        except OSError as error:
            if error.errno is not None or target.fault is not None:
                raise target.fault or error from None
            raise AgeFileError(f"{path.name} is damaged or not complete") from None
        scratch.seek(0)
        yield scratch
