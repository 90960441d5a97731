"""Tiles of C2SP `tlog-tiles`: the tree and its entries as files that are written once, 256 hashes each.

`tile/L/N` holds hashes of level `8 * L`, `tile/entries/N` the entries under `tile/0/N`, each with its length
before it (2 bytes, big-endian). A tile that is not full is `…/N.p/W`, W hashes wide.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from operators.tlog import merkle

HEIGHT, WIDTH = 8, 256
ENTRIES: Literal[-1] = -1
"""The level of bundles of entries."""


class Tile(NamedTuple):
    """Which tile; `width` 256 is a full one."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Below the log's address."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{numbered(self.number)}{partial}"


Read = Callable[[Tile], bytes]


def numbered(number: int) -> str:
    """`x001/x234/067`: three digits a folder, so that none holds more than a thousand."""
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def tile_of(level: int, number: int, size: int) -> Tile:
    """The tile as it is in a tree of `size`. Raises ValueError where it holds nothing there."""
    held = size if level == ENTRIES else size >> HEIGHT * level
    width = min(held - number * WIDTH, WIDTH)
    if width <= 0:
        raise ValueError(f"tile {level}/{number} holds nothing in a tree of {size}")
    return Tile(level, number, width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree, those of entries first."""
    for level in (ENTRIES, *range(8)):
        held = size if level == ENTRIES else size >> HEIGHT * level
        for number in range(-(-held // WIDTH)):
            yield tile_of(level, number, size)


def reader(size: int, read: Read) -> merkle.Node:
    """The nodes of a tree of `size`; `read` gives a tile's bytes. What it gives is not checked here.

    Raises ValueError for a tile that is not of its length.
    """
    kept: dict[Tile, bytes] = {}

    def node(level: int, index: int) -> bytes:
        high, inside = divmod(level, HEIGHT)
        first = index << inside
        tile = tile_of(high, first // WIDTH, size)
        if tile not in kept:
            kept[tile] = _whole(tile, read(tile))
        hashes = split(kept[tile])
        at = first % WIDTH
        return merkle.complete(hashes[at : at + (1 << inside)])

    return node


def split(tile: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [tile[at : at + merkle.SIZE] for at in range(0, len(tile), merkle.SIZE)]


def entries(bundle: bytes) -> Iterator[bytes]:
    """The entries of a bundle. Raises ValueError where it is cut off."""
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2])
        if at + 2 + length > len(bundle):
            raise ValueError("a bundle of entries is cut off")
        yield bundle[at + 2 : at + 2 + length]
        at += 2 + length


class Growth:
    """A tree that grows: gives tiles as they become full, and at the end those that are not.

    It begins at a tree of `size`, of which only the tiles at its right edge are read. Raises ValueError for
    one that is not of its length.
    """

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self._bundle = bytearray()
        self._levels: list[list[bytes]] = []
        self._changed: set[int] = set()
        if width := size % WIDTH:
            self._bundle += read(Tile(ENTRIES, size // WIDTH, width))
            if sum(1 for _entry in entries(bytes(self._bundle))) != width:
                raise ValueError(f"{Tile(ENTRIES, size // WIDTH, width).path}: not {width} entries")
        for level in range(-(-size.bit_length() // HEIGHT)):
            held = size >> HEIGHT * level
            edge = Tile(level, held // WIDTH, held % WIDTH)
            self._levels.append(split(_whole(edge, read(edge))) if edge.width else [])

    def add(self, entry: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Put an entry behind the last; the tiles that it fills. Must be read to its end."""
        self._bundle += len(entry).to_bytes(2) + entry
        self.size += 1
        yield from self._append(0, merkle.leaf_hash(entry))
        if self.size % WIDTH == 0:
            yield Tile(ENTRIES, self.size // WIDTH - 1), bytes(self._bundle)
            self._bundle.clear()

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """The tiles that are not full and have changed, with which the tree is whole."""
        if self._changed and self._bundle:
            yield Tile(ENTRIES, self.size // WIDTH, self.size % WIDTH), bytes(self._bundle)
        for level in sorted(self._changed):
            held = self.size >> HEIGHT * level
            if held % WIDTH:
                yield Tile(level, held // WIDTH, held % WIDTH), b"".join(self._levels[level])

    def root(self) -> bytes:
        """The head's hash."""
        return merkle.root(self.size, self._node)

    def _append(self, level: int, found: bytes) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._levels):
            self._levels.append([])
        row = self._levels[level]
        row.append(found)
        self._changed.add(level)
        if len(row) == WIDTH:
            number = (self.size >> HEIGHT * level) // WIDTH - 1
            yield Tile(level, number), b"".join(row)
            above = merkle.complete(row)
            row.clear()
            yield from self._append(level + 1, above)

    def _node(self, level: int, index: int) -> bytes:
        """Of the subtrees that the head is made of: all are at the right edge."""
        high, inside = divmod(level, HEIGHT)
        at = (index << inside) % WIDTH
        return merkle.complete(self._levels[high][at : at + (1 << inside)])


def _whole(tile: Tile, found: bytes) -> bytes:
    if len(found) != tile.width * merkle.SIZE:
        raise ValueError(f"{tile.path}: {len(found)} bytes, and not {tile.width * merkle.SIZE}")
    return found
