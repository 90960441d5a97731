import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from platestream.engine import compression
from platestream.engine.errors import EngineError

# As ClickHouse's JDBC driver 0.11.1 accepts it, which computes the checksum itself.
KNOWN = bytes.fromhex("af275049b207be89c341c7641de55441820f000000050000005068656c6c6f")


def test_a_block_is_written_as_clickhouse_writes_it() -> None:
    assert compression.encode_block(b"hello") == KNOWN


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def whole(data: bytes) -> bytes:
    blocks = compression.BlockDecoder()
    found = b"".join(blocks.decompress(data))
    blocks.finish()
    return found


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_blocks_come_back_whole_from_pieces_of_any_size(data: bytes, size: int) -> None:
    blocks = compression.BlockDecoder()
    found = b"".join(
        one for piece in cut(compression.encode_blocks(data), size) for one in blocks.decompress(piece)
    )
    blocks.finish()
    assert found == data


@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_changed_byte_is_noticed(data: bytes, chosen: st.DataObject) -> None:
    packed = bytearray(compression.encode_block(data))
    at = chosen.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= chosen.draw(st.integers(1, 255))
    with pytest.raises(EngineError):
        whole(bytes(packed))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", zstd.compress),
        ("lz4", lz4.frame.compress),
    ],
)
@given(frames=st.lists(st.binary(max_size=1000), max_size=4), size=st.integers(1, 300))
def test_frames_one_after_the_other_are_one_body(
    encoding: str, pack: Callable[[bytes], bytes], frames: list[bytes], size: int
) -> None:
    decoder = compression.FrameDecoder(encoding)
    packed = b"".join(pack(frame) for frame in frames)
    found = [one for piece in cut(packed, size) for one in decoder.decompress(piece)]
    assert b"".join(found) == b"".join(frames)
    decoder.finish()


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4"])
def test_a_body_that_ends_within_a_frame_is_refused(encoding: str) -> None:
    packed = {"gzip": gzip.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}[encoding](b"x" * 1000)
    decoder = compression.FrameDecoder(encoding)
    assert len(b"".join(decoder.decompress(packed[:-1]))) <= 1000
    with pytest.raises(EngineError, match="ends within"):
        decoder.finish()


def test_an_unknown_method_is_named() -> None:
    body = compression.HEADER.pack(0x99, compression.HEADER.size + 1, 1) + b"x"
    with pytest.raises(EngineError, match="0x99"):
        whole(compression.CHECKSUM.pack(*compression.checksum(body)) + body)
