"""Tiles of C2SP `tlog-tiles`: the tree and its entries as files that are written once, 256 hashes each.

`tile/L/N` has hashes of level `8 * L`, `tile/entries/N` the entries under `tile/0/N`, each preceded by its
length (2 bytes, big-endian). A partial tile is `…/N.p/W`, W hashes wide.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from platestream.merkle import tree as merkle

HEIGHT, WIDTH = 8, 256
ENTRIES: Literal[-1] = -1
"""The level of bundles of entries."""


class Tile(NamedTuple):
    """Coordinates of a tile; a full one has `width` 256."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's address."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = f".p/{self.width}" if self.width < WIDTH else ""
        return f"tile/{level}/{numbered(self.number)}{partial}"


Read = Callable[[Tile], bytes]


def numbered(number: int) -> str:
    """Return `x001/x234/067`: three digits for each folder, so that none has more than a thousand items."""
    digits = f"{number:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def tile_of(level: int, number: int, size: int) -> Tile:
    """Return the tile in a tree of `size`. Raises ValueError if it is empty there."""
    held = size if level == ENTRIES else size >> HEIGHT * level
    width = min(held - number * WIDTH, WIDTH)
    if width <= 0:
        raise ValueError(f"tile {level}/{number} holds nothing in a tree of {size}")
    return Tile(level, number, width)


def reader(size: int, read: Read) -> merkle.Node:
    """Return the nodes of a tree of `size`; `read` returns a tile's bytes, which are not verified here.

    Raises ValueError for a tile of the wrong length.
    """
    cache: dict[Tile, bytes] = {}

    def node(level: int, index: int) -> bytes:
        high, inside = divmod(level, HEIGHT)
        first = index << inside
        tile = tile_of(high, first // WIDTH, size)
        if tile not in cache:
            cache[tile] = _complete(tile, read(tile))
        hashes = split(cache[tile])
        at = first % WIDTH
        return merkle.complete(hashes[at : at + (1 << inside)])

    return node


def split(tile: bytes) -> list[bytes]:
    """Return a tile's hashes."""
    return [tile[at : at + merkle.SIZE] for at in range(0, len(tile), merkle.SIZE)]


def entries(bundle: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle. Raises ValueError if it is truncated."""
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2])
        if at + 2 + length > len(bundle):
            raise ValueError("a bundle of entries is cut off")
        yield bundle[at + 2 : at + 2 + length]
        at += 2 + length


class Growth:
    """A growing tree that yields tiles when they are full, and at the end the partial ones.

    It begins with a tree of `size`, of which only the tiles at its right edge are read. Raises ValueError for
    a tile of the wrong length.
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
            self._levels.append(split(_complete(edge, read(edge))) if edge.width else [])

    def add(self, entry: bytes) -> Iterator[tuple[Tile, bytes]]:
        """Append an entry and yield the tiles that it fills. The iterator must be exhausted."""
        self._bundle += len(entry).to_bytes(2) + entry
        self.size += 1
        yield from self._append(0, merkle.leaf_hash(entry))
        if self.size % WIDTH == 0:
            yield Tile(ENTRIES, self.size // WIDTH - 1), bytes(self._bundle)
            self._bundle.clear()

    def edge(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the changed partial tiles that complete the tree."""
        if self._changed and self._bundle:
            yield Tile(ENTRIES, self.size // WIDTH, self.size % WIDTH), bytes(self._bundle)
        for level in sorted(self._changed):
            held = self.size >> HEIGHT * level
            if held % WIDTH:
                yield Tile(level, held // WIDTH, held % WIDTH), b"".join(self._levels[level])

    def root(self) -> bytes:
        """Return the head's hash."""
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
        """Return the hash of a subtree of the head; all are at the right edge."""
        high, inside = divmod(level, HEIGHT)
        at = (index << inside) % WIDTH
        return merkle.complete(self._levels[high][at : at + (1 << inside)])


def _complete(tile: Tile, content: bytes) -> bytes:
    if len(content) != tile.width * merkle.SIZE:
        raise ValueError(f"{tile.path}: {len(content)} bytes, and not {tile.width * merkle.SIZE}")
    return content
