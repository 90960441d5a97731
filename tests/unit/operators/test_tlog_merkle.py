"""Trees, proofs and tiles, beside a tree that is built from nothing by the definition in RFC 6962."""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platestream.merkle import tiles
from platestream.merkle import tree as merkle
from platestream.merkle.tiles import Growth, Tile

MOST = 300
LEAVES = [f"entry {number}".encode() for number in range(MOST + 1)]


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree, those of entries first."""
    for level in (tiles.ENTRIES, *range(8)):
        held = size if level == tiles.ENTRIES else size >> tiles.HEIGHT * level
        for number in range(-(-held // tiles.WIDTH)):
            yield tiles.tile_of(level, number, size)


@cache
def defined(low: int, high: int) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if low == high:
        return sha256(b"").digest()
    if high - low == 1:
        return sha256(b"\x00" + LEAVES[low]).digest()
    k = 1
    while 2 * k < high - low:
        k *= 2
    return sha256(b"\x01" + defined(low, low + k) + defined(low + k, high)).digest()


def node(level: int, index: int) -> bytes:
    return defined(index << level, (index + 1) << level)


def grown(size: int, files: dict[Tile, bytes], start: int = 0) -> Growth:
    growth = Growth(start, files.__getitem__)
    for entry in LEAVES[start:size]:
        files.update(growth.add(entry))
    files.update(growth.edge())
    return growth


def test_the_known_answers_of_certificate_transparency() -> None:
    """The vectors that Go's and Google's implementations carry: eight leaves, roots of trees of 1 to 8."""
    leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    hashes = [merkle.leaf_hash(bytes.fromhex(one)) for one in leaves]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    def of(level: int, index: int) -> bytes:
        return merkle.complete(hashes[index << level : (index + 1) << level])

    assert [merkle.root(size, of).hex() for size in range(1, 9)] == roots
    assert merkle.root(0, of).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_every_size_up_to_300_has_the_root_that_is_defined() -> None:
    files: dict[Tile, bytes] = {}
    for size in range(MOST + 1):
        growth = grown(size, files, max(size - 1, 0))
        assert growth.root() == defined(0, size), size
        assert merkle.root(size, tiles.reader(size, files.__getitem__)) == defined(0, size)


def test_every_entry_of_every_size_is_proven_and_no_other() -> None:
    for size in range(1, MOST + 1, 1):
        head = defined(0, size)
        for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
            proof = merkle.inclusion(index, size, node)
            leaf = merkle.leaf_hash(LEAVES[index])
            assert merkle.includes(index, size, leaf, proof, head), (index, size)
            assert not merkle.includes(index, size, merkle.leaf_hash(b"other"), proof, head)
            assert not merkle.includes(index, size, leaf, [*proof, head], head)
            assert not merkle.includes(index, size, leaf, proof[:-1], head) or not proof
            assert not merkle.includes(index ^ 1, size, leaf, proof, head)


def test_every_size_goes_on_from_every_other() -> None:
    for size in [*range(0, 70), 127, 128, 129, 255, 256, 257, 299, 300]:
        for old in range(size + 1):
            proof = merkle.consistency(old, size, node)
            before, after = defined(0, old), defined(0, size)
            assert merkle.consistent(old, size, before, after, proof), (old, size)
            if 0 < old < size:
                assert not merkle.consistent(old, size, after, after, proof)
                assert not merkle.consistent(old, size, before, before, proof)
                assert not merkle.consistent(old, size, before, after, [*proof, after])


@given(st.data())
def test_no_bit_of_a_proof_or_a_head_can_be_another(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    old = data.draw(st.integers(1, size - 1))
    flip = data.draw(st.integers(0, 255))

    def other(one: bytes) -> bytes:
        return (int.from_bytes(one) ^ (1 << flip)).to_bytes(32)

    path, leaf = merkle.inclusion(old, size, node), merkle.leaf_hash(LEAVES[old])
    at = data.draw(st.integers(0, len(path) - 1))
    assert not merkle.includes(
        old, size, leaf, [*path[:at], other(path[at]), *path[at + 1 :]], defined(0, size)
    )
    assert not merkle.includes(old, size, other(leaf), path, defined(0, size))
    assert not merkle.includes(old, size, leaf, path, other(defined(0, size)))
    proof = merkle.consistency(old, size, node)
    at = data.draw(st.integers(0, len(proof) - 1))
    before, after = defined(0, old), defined(0, size)
    assert not merkle.consistent(old, size, before, after, [*proof[:at], other(proof[at]), *proof[at + 1 :]])
    assert not merkle.consistent(old, size, other(before), after, proof)
    assert not merkle.consistent(old, size, before, other(after), proof)


@given(st.lists(st.integers(0, MOST), min_size=1, max_size=6).map(sorted))
def test_a_tree_that_grew_in_steps_has_the_files_of_one_that_was_built_at_once(steps: list[int]) -> None:
    files: dict[Tile, bytes] = {}
    start = 0
    for step in steps:
        grown(step, files, start)
        start = step
    once: dict[Tile, bytes] = {}
    grown(start, once)
    assert {tile: files[tile] for tile in tiles_of(start)} == {tile: once[tile] for tile in tiles_of(start)}


def test_two_levels_of_tiles_and_their_bundles() -> None:
    """70,000 entries: the tile of the second level is full, and one of the third begins."""
    files: dict[Tile, bytes] = {}
    growth = Growth(0, files.__getitem__)
    for number in range(70_000):
        files.update(growth.add(number.to_bytes(4)))
    files.update(growth.edge())
    assert set(files) == set(tiles_of(70_000))
    read = tiles.reader(70_000, files.__getitem__)
    assert growth.root() == merkle.root(70_000, read)
    for index in (0, 65_535, 65_536, 69_999):
        proof = merkle.inclusion(index, 70_000, read)
        assert merkle.includes(index, 70_000, merkle.leaf_hash(index.to_bytes(4)), proof, growth.root())
    again = Growth(70_000, files.__getitem__)
    assert again.root() == growth.root()
    result = list(tiles.entries(files[Tile(tiles.ENTRIES, 70_000 // 256, 70_000 % 256)]))
    assert result[-1] == (69_999).to_bytes(4)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(3, 5, 17), "tile/3/005.p/17"),
        (Tile(tiles.ENTRIES, 1000, 1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_a_tile_or_bundle_that_is_cut_off_is_refused() -> None:
    files: dict[Tile, bytes] = {}
    grown(5, files)
    for tile in list(files):
        with pytest.raises(ValueError, match=r"cut off|tile/"):
            Growth(5, {**files, tile: files[tile][:-1]}.__getitem__)
