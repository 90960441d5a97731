"""Merkle trees of RFC 6962 (and RFC 9162): hashes, inclusion and consistency proofs, and their verification.

A tree is read through `Node`: the hash of the complete subtree over leaves `index * 2**level` to `(index + 1)
* 2**level`. Hashes are 32 bytes of SHA-256; a leaf is hashed with the prefix 0x00 and a node with 0x01, so
that neither can be taken for the other.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
EMPTY = sha256(b"").digest()
SIZE = 32
LONGEST = 63
"""Hashes of a proof at most; sizes are below 2**63."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry of the log."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees side by side."""
    return sha256(b"\x01" + left + right).digest()


def complete(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of a subtree over 1, 2, 4, 8 … hashes of one level."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def root(size: int, node: Node) -> bytes:
    """Return the head's hash: over the first `size` leaves."""
    return _over(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` (RFC 6962, 2.1.1). Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"entry {index} is not in a tree of {size}")
    low, high = 0, size
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _below(high - low)
        if index < middle:
            path.append(_over(middle, high, node))
            high = middle
        else:
            path.append(_over(low, middle, node))
            low = middle
    return path[::-1]


def consistency(old: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of `old` is a prefix of that of `size` (RFC 6962, 2.1.2).

    Raises ValueError.
    """
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {old} is no beginning of one of {size}")
    if old in (0, size):
        return []
    low, high, whole = 0, size, True
    path: list[bytes] = []
    while old != high:
        middle = low + _below(high - low)
        if old <= middle:
            path.append(_over(middle, high, node))
            high = middle
        else:
            path.append(_over(low, middle, node))
            low, whole = middle, False
    if not whole:
        path.append(_over(low, high, node))
    return path[::-1]


def includes(index: int, size: int, leaf: bytes, proof: Sequence[bytes], head: bytes) -> bool:
    """Return whether `proof` shows the leaf with hash `leaf` at `index` under `head` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(one, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, one)
        at, last = at >> 1, last >> 1
    return last == 0 and found == head


def consistent(old: int, size: int, old_head: bytes, head: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether `proof` shows that the tree of `old` is a prefix of the other (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= size:
        return False
    if old == 0:
        return not proof and old_head == EMPTY and (size > 0 or head == EMPTY)
    if old == size:
        return not proof and old_head == head
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_head)
    if not path:
        return False
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(one, before), node_hash(one, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, one)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_head and after == head


def _over(low: int, high: int, node: Node) -> bytes:
    """Return the hash of leaves `low` to `high`.

    `low` is a multiple of the largest power of 2 up to their number.
    """
    count = high - low
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, low >> level)
    middle = low + _below(count)
    return node_hash(_over(low, middle, node), _over(middle, high, node))


def _below(count: int) -> int:
    """Return the largest power of 2 that is smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1
