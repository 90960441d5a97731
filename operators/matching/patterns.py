"""Index of partial plates and descriptions (about a thousand), by bit masks.

A plate that matches none costs two look-ups, by its last three and first two characters, and sometimes a
third, for any number of patterns. A candidate may still not match, because text between two `*` is only
checked by the judge, but no match is left out.
"""

from collections.abc import Iterator
from operator import attrgetter

from platestream.schemas.hotlist import HotListEntry
from platestream.schemas.plates import CHARACTERS, LONGEST, equate

Table = dict[str, int]


class Masks(dict[str, int]):
    """Map from some characters of a plate to the patterns that accept them, filled on first access."""

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
        """Add or replace an entry."""
        slot = self._slots.get(entry.entry_id)
        if slot is None:
            slot = self._free.pop() if self._free else len(self._entries)
            self._slots[entry.entry_id] = slot
            self._entries[slot : slot + 1] = [entry]
        else:
            self._entries[slot] = entry
        self._stale = True

    def remove(self, entry_id: str) -> None:
        """Remove an entry if it is there."""
        slot = self._slots.pop(entry_id, None)
        if slot is not None:
            self._entries[slot] = None
            self._free.append(slot)
            self._stale = True

    def masks(self) -> tuple[Masks, Masks, Masks]:
        """Return the masks for `plate[-3:]`, `plate[:2]` and `plate[2:4]`.

        A plate whose masks have no bit in common matches no pattern. The first two are mostly enough.
        """
        if self._stale:
            self._build()
        return self._masks

    def mask(self, plate: str) -> int:
        """Return the slots whose pattern `plate` may match; 0 for nearly all plates."""
        last, first, middle = self.masks()
        return last[plate[-3:]] & first[plate[:2]] & middle[plate[2:4]] & self._lengths[len(plate)]

    def candidates(self, plate: str) -> list[HotListEntry]:
        """Return the entries whose pattern `plate` may match, by id."""
        if not (mask := self.mask(plate)):
            return []
        found = [entry for slot in _bits(mask) if (entry := self._entries[slot]) is not None]
        return sorted(found, key=attrgetter("entry_id"))

    def _build(self) -> None:
        """Build tables by position, from the start and from the end.

        Serials end in digits, which discriminate best.
        """
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
    """Return a table for each position: character -> patterns that accept it.

    Beyond the anchored part all patterns accept.
    """
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
