"""Compression of bodies by HTTP's Content-Encoding, or by ClickHouse's blocks (`compress=1`, `decompress=1`).

A block is a CityHash128 checksum of the rest, a method, two little-endian lengths (of method, lengths and
data together; of the decompressed data) and the data, in LZ4, ZSTD or uncompressed.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import lz4.block
import lz4.frame
from backports import zstd
from clickhouse_cityhash.cityhash import CityHash128

from platestream.engine.errors import BAD_ARGUMENTS, CANNOT_DECOMPRESS, EngineError

LZ4, ZSTD, NONE = 0x82, 0x90, 0x02
CHECKSUM = struct.Struct("<QQ")
HEADER = struct.Struct("<BII")
LARGEST_BLOCK = 32 << 20  # bytes, packed and unpacked; clients make blocks of one MiB
PIECE = 1 << 20


class Decompressor(Protocol):
    """Decompressor of one frame or member; those of zlib, zstd and lz4 have the same interface."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, most: int, /) -> bytes: ...


_FRAMES: dict[str, Callable[[], Decompressor]] = {
    "gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "x-gzip": lambda: zlib.decompressobj(zlib.MAX_WBITS | 16),
    "deflate": lambda: zlib.decompressobj(zlib.MAX_WBITS),
    "zstd": zstd.ZstdDecompressor,
    "lz4": lz4.frame.LZ4FrameDecompressor,
}


class FrameDecoder:
    """Decoder of a body with this Content-Encoding: consecutive frames, in pieces of any size."""

    def __init__(self, encoding: str) -> None:
        if encoding not in _FRAMES:
            known = ", ".join(_FRAMES)
            raise EngineError(BAD_ARGUMENTS, f"Content-Encoding {encoding} is not known here: {known}")
        self._encoding = encoding
        self._frame = _FRAMES[encoding]()
        self._begun = False

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Yield the decoded data in pieces of PIECE bytes, because a few bytes may decompress to gigabytes.

        Raises EngineError if the data is not in this encoding.
        """
        try:
            while data:
                if self._frame.eof:
                    self._frame = _FRAMES[self._encoding]()
                self._begun = True
                found = self._frame.decompress(data, PIECE)
                while found:
                    yield found
                    found = (
                        b"" if self._frame.eof else self._frame.decompress(_unused_input(self._frame), PIECE)
                    )
                data = (self._frame.unused_data or b"") if self._frame.eof else b""
        except (zlib.error, zstd.ZstdError, RuntimeError, EOFError) as error:
            raise EngineError(CANNOT_DECOMPRESS, f"the body is not {self._encoding}: {error}", 400) from None

    def finish(self) -> None:
        """Raise EngineError if a body ends within a frame."""
        if self._begun and not self._frame.eof:
            raise EngineError(CANNOT_DECOMPRESS, f"the body ends within a frame of {self._encoding}", 400)


class BlockDecoder:
    """Decoder of ClickHouse's blocks from pieces of any size; `finish` checks the last one."""

    def __init__(self) -> None:
        self._held = bytearray()

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Yield the data of each block that is complete by now."""
        self._held += data
        yield from self._checked_block()

    def finish(self) -> None:
        """Raise EngineError if a body ends within a block."""
        if self._held:
            raise EngineError(CANNOT_DECOMPRESS, "the body ends within a compressed block", 400)

    def _checked_block(self) -> Iterator[bytes]:
        start = CHECKSUM.size
        while len(self._held) >= start + HEADER.size:
            method, packed, size = HEADER.unpack_from(self._held, start)
            if packed < HEADER.size or max(packed, size) > LARGEST_BLOCK:
                raise EngineError(CANNOT_DECOMPRESS, "the body is not made of compressed blocks", 400)
            if len(self._held) < start + packed:
                return
            block = bytes(self._held[start : start + packed])
            if CHECKSUM.unpack_from(self._held) != checksum(block):
                raise EngineError(
                    40, "checksum of a compressed block does not match: it was damaged on the way", 400
                )
            del self._held[: start + packed]
            yield _unpack(method, block[HEADER.size :], size)


def _unused_input(frame: Decompressor) -> bytes:
    """Return the input that zlib has not consumed; the other decompressors keep it themselves."""
    return getattr(frame, "unconsumed_tail", b"")


def checksum(block: bytes) -> tuple[int, int]:
    """Return the checksum of method, lengths and data, as ClickHouse writes it in front of them."""
    value = CityHash128(block)
    return value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF


def encode_blocks(data: bytes) -> bytes:
    """Return `data` as LZ4 blocks of PIECE bytes."""
    return b"".join(encode_block(data[at : at + PIECE]) for at in range(0, len(data), PIECE))


def encode_block(data: bytes) -> bytes:
    """Return one LZ4 block."""
    packed = lz4.block.compress(data, store_size=False)
    body = HEADER.pack(LZ4, len(packed) + HEADER.size, len(data)) + packed
    return bytes(CHECKSUM.pack(*checksum(body)) + body)


def _unpack_zstd(data: bytes, size: int) -> bytes:
    """Return the decompressed data, checked against the block's size and not the frame's."""
    frame = zstd.ZstdDecompressor()
    found = frame.decompress(data, size + 1)
    if len(found) != size or not (frame.eof or not size):
        raise zstd.ZstdError("not of the size that its block says")
    return found


def _unpack(method: int, data: bytes, size: int) -> bytes:
    try:
        if method == LZ4:
            return bytes(lz4.block.decompress(data, uncompressed_size=size))
        if method == ZSTD:
            return _unpack_zstd(data, size)
    except (lz4.block.LZ4BlockError, zstd.ZstdError) as error:
        raise EngineError(CANNOT_DECOMPRESS, f"a compressed block cannot be read: {error}", 400) from None
    if method == NONE:
        return data
    raise EngineError(
        CANNOT_DECOMPRESS, f"compression method {method:#x} is not known here: LZ4, ZSTD or none", 400
    )
