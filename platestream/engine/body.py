"""Decoded request body in memory with a path, so that the engine can read it as a file without a disk."""

import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Protocol

from platestream.engine.errors import TOO_LARGE, EngineError

PIECE = 1 << 20


class Body:
    """Bytes in an anonymous file of this process, at most `limit`."""

    def __init__(self, limit: int) -> None:
        self._file = os.memfd_create("platestream-body")
        self._limit = limit
        self.size = 0

    def __enter__(self) -> "Body":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the memory."""
        os.close(self._file)

    @property
    def path(self) -> str:
        """The path that the engine opens; each opening reads from the start."""
        return f"/proc/self/fd/{self._file}"

    def write(self, data: bytes) -> None:
        """Append data. Raises EngineError if the body would exceed `limit`."""
        if self.size + len(data) > self._limit:
            raise EngineError(
                TOO_LARGE, f"the body is larger than the {self._limit} bytes that this engine takes"
            )
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self.size += len(data)

    def read(self, size: int, at: int = 0) -> bytes:
        """Return `size` bytes from offset `at`, or fewer at the end."""
        return os.pread(self._file, size, at)

    def rest(self, at: int, before: bytes = b"") -> "Body":
        """Return a body of `before` and the data from `at`; this body itself if that is the same."""
        if at == 0 and not before:
            return self
        other = Body(self._limit + len(before))
        other.write(before)
        while piece := self.read(PIECE, at):
            other.write(piece)
            at += len(piece)
        return other


class Decoder(Protocol):
    """A decoder of pieces; `finish` raises EngineError if the input was incomplete."""

    def decompress(self, data: bytes) -> Iterable[bytes]: ...
    def finish(self) -> None: ...


class DecodingWriter:
    """Writer into `body` through decoders, in the order given."""

    def __init__(self, body: Body, decoders: Sequence[Decoder]) -> None:
        self._body = body
        self._decoders = decoders

    def write(self, data: bytes) -> None:
        """Decode and append piece by piece, so that a body that is too large is stopped early."""
        self._through(data, self._decoders)

    def _through(self, data: bytes, decoders: Sequence[Decoder]) -> None:
        if not decoders:
            self._body.write(data)
            return
        for piece in decoders[0].decompress(data):
            self._through(piece, decoders[1:])

    def finish(self) -> None:
        """Raise EngineError if the body was cut off."""
        for decoder in self._decoders:
            decoder.finish()
