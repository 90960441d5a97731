"""Partial plates and descriptions, of which there are a thousand: those that a plate may fit, by bit masks.

A plate that fits none costs two look-ups, by its last three characters and its first two, and sometimes a
third, whatever the number of patterns. What comes out may still not match (what stands between two `*` is
only looked at by the judge), but nothing that matches is left out.
"""

from collections.abc import Iterator
from operator import attrgetter

from schemas.hotlist import HotListEntry
from schemas.plates import CHARACTERS, LONGEST, equate

Table = dict[str, int]


class Masks(dict[str, int]):
    """A few characters of a plate -> the patterns that accept them; made when first asked for."""

    def __init__(self, tables: list[Table], every: int, step: int) -> None:
        self._tables, self._every, self._step = tables, every, step

    def __missing__(self, text: str) -> int:
        mask = self._every
        for table, char in zip(self._tables, text[:: self._step], strict=False):
            mask &= table[char]
        self[text] = mask
        return mask


class PatternIndex:
    """Entries by slot; a mask has the bit of each slot whose pattern accepts."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._entries: list[HotListEntry | None] = []
        self._free: list[int] = []
        self._build()

    def __len__(self) -> int:
        return len(self._slots)

    def add(self, entry: HotListEntry) -> None:
        """Put an entry in, or its newest version in its place."""
        slot = self._slots.get(entry.entry_id)
        if slot is None:
            slot = self._free.pop() if self._free else len(self._entries)
            self._slots[entry.entry_id] = slot
            self._entries[slot : slot + 1] = [entry]
        else:
            self._entries[slot] = entry
        self._stale = True

    def remove(self, entry_id: str) -> None:
        """Take it out; one that is not there is no matter."""
        slot = self._slots.pop(entry_id, None)
        if slot is not None:
            self._entries[slot] = None
            self._free.append(slot)
            self._stale = True

    def masks(self) -> tuple[Masks, Masks, Masks]:
        """For `plate[-3:]`, `plate[:2]` and `plate[2:4]`: a plate of which these have no bit in common fits
        no pattern. The first two mostly tell."""
        if self._stale:
            self._build()
        return self._masks

    def mask(self, plate: str) -> int:
        """The slots whose pattern `plate` may fit; 0 for nearly all plates."""
        last, first, middle = self.masks()
        return last[plate[-3:]] & first[plate[:2]] & middle[plate[2:4]] & self._lengths[len(plate)]

    def candidates(self, plate: str) -> list[HotListEntry]:
        """Entries whose pattern `plate` may fit, by id."""
        if not (mask := self.mask(plate)):
            return []
        found = [entry for slot in _bits(mask) if (entry := self._entries[slot]) is not None]
        return sorted(found, key=attrgetter("entry_id"))

    def _build(self) -> None:
        """Tables by position, from the start and from the end: serials end in digits, which tell best."""
        patterns = {
            1 << slot: equate(entry.plate)
            for slot in self._slots.values()
            if (entry := self._entries[slot]) is not None
        }
        starts = _tables({bit: text.partition("*")[0] for bit, text in patterns.items()})
        ends = _tables({bit: text.rpartition("*")[2][::-1] for bit, text in patterns.items()})
        every = sum(patterns)
        self._masks = Masks(ends, every, -1), Masks(starts, every, 1), Masks(starts[2:], every, 1)
        self._lengths = [0] * (LONGEST + 1)
        for bit, text in patterns.items():
            least = len(text) - text.count("*")
            for length in range(least, (LONGEST if "*" in text else min(least, LONGEST)) + 1):
                self._lengths[length] |= bit
        self._stale = False


def _tables(anchored: dict[int, str]) -> list[Table]:
    """For each position: character -> patterns that accept it; beyond what is anchored all is accepted."""
    tables = []
    for place in range(LONGEST):
        free, known = 0, dict.fromkeys(CHARACTERS, 0)
        for bit, text in anchored.items():
            char = text[place] if place < len(text) else "?"
            if char == "?":
                free |= bit
            else:
                known[char] |= bit
        tables.append({char: free | known[equate(char)] for char in CHARACTERS})
    return tables


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
