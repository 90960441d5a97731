"""Temporary files without readable content on a disk: in memory, or under a key of this process."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

BLOCK = 16  # bytes of AES
BUFFER = 1 << 18
"""Bytes that are encrypted at once."""


@contextmanager
def memory_file(content: bytes = b"") -> Iterator[int]:
    """Yield the descriptor of a small file in memory, for its owner only. A process that inherits it opens it
    as `/proc/self/fd/N`. Raises OSError.
    """
    file = os.memfd_create("platestream")
    try:
        os.fchmod(file, 0o600)
        os.write(file, content)
        yield file
    finally:
        os.close(file)


def scratch_file() -> io.BufferedRandom:
    """Return a new empty temporary file for any content. Raises OSError."""
    return io.BufferedRandom(_Encrypted(), BUFFER)


class _Encrypted(io.RawIOBase):
    """A file whose bytes are AES-256-CTR on the disk.

    Nobody verifies them, so they are for data that this process verifies otherwise. A place that is written
    twice, such as the sizes in a ZIP archive, reveals the difference to somebody who copied both versions.
    """

    def __init__(self) -> None:
        super().__init__()
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed with this file
        self._key = os.urandom(32)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def write(self, data: Any) -> int:
        return self._file.write(self._crypt(data))

    def readinto(self, buffer: Any) -> int:
        before, read = self.tell(), self._file.readinto(buffer) or 0
        content = memoryview(buffer).cast("B")[:read]
        content[:] = self._crypt(content, before)
        return read

    def close(self) -> None:
        self._file.close()
        super().close()

    def _crypt(self, content: Any, at: int | None = None) -> bytes:
        """Encrypt or decrypt bytes of a position, the current one by default."""
        block, into = divmod(self.tell() if at is None else at, BLOCK)
        context = Cipher(AES(self._key), CTR(block.to_bytes(BLOCK, "big"))).encryptor()
        context.update(bytes(into))
        return context.update(content)
