"""The body of a request, decoded, in memory with a path: the engine reads a file that no disk sees."""

import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Protocol

from connectors.engine.errors import TOO_LARGE, EngineError

PIECE = 1 << 20


class Body:
    """Bytes in an anonymous file of this process, `limit` at most."""

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
        """Let go of the memory."""
        os.close(self._file)

    @property
    def path(self) -> str:
        """What the engine opens; each opening reads from the start."""
        return f"/proc/self/fd/{self._file}"

    def write(self, data: bytes) -> None:
        """Append. Raises EngineError where that would be more than `limit`."""
        if self.size + len(data) > self._limit:
            raise EngineError(
                TOO_LARGE, f"the body is larger than the {self._limit} bytes that this engine takes"
            )
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self.size += len(data)

    def read(self, size: int, at: int = 0) -> bytes:
        """`size` bytes from `at` on, fewer at the end."""
        return os.pread(self._file, size, at)

    def rest(self, at: int, before: bytes = b"") -> "Body":
        """A body of `before` and what is here from `at` on; this one where that is the same."""
        if at == 0 and not before:
            return self
        other = Body(self._limit + len(before))
        other.write(before)
        while piece := self.read(PIECE, at):
            other.write(piece)
            at += len(piece)
        return other


class Decoder(Protocol):
    """Takes pieces and gives pieces; `finish` raises EngineError where the last was not the end."""

    def decompress(self, data: bytes) -> Iterable[bytes]: ...
    def finish(self) -> None: ...


class Decoded:
    """Writes pieces into `body` through decoders, the first of them first."""

    def __init__(self, body: Body, decoders: Sequence[Decoder]) -> None:
        self._body = body
        self._decoders = decoders

    def write(self, data: bytes) -> None:
        """Decode and append, a piece after the other, so that a body that is too large ends early."""
        self._through(data, self._decoders)

    def _through(self, data: bytes, decoders: Sequence[Decoder]) -> None:
        if not decoders:
            self._body.write(data)
            return
        for piece in decoders[0].decompress(data):
            self._through(piece, decoders[1:])

    def finish(self) -> None:
        """Raises EngineError for a body that was cut off."""
        for decoder in self._decoders:
            decoder.finish()
