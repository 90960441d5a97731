"""Partial plates and descriptions, of which there are a thousand: those that a plate may fit, by bit masks.

A plate that fits none costs some look-ups, whatever the number of patterns. What comes out may still not
match (`*` in the middle is only looked at in full by the judge), but nothing that matches is left out.
"""

from collections.abc import Iterator
from itertools import chain

from schemas.hotlist import WILD, HotListEntry
from schemas.plates import LONGEST, equate

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
ENDS = 2  # characters before the end that are looked at, too


class PatternIndex:
    """Entries by slot; a mask has the bit of each slot whose pattern accepts."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._entries: list[HotListEntry | None] = []
        self._free: list[int] = []
        self._tables: list[dict[str, int]] = []
        self._lengths: list[int] = []
        self._stale = True

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

    def candidates(self, plate: str) -> list[HotListEntry]:
        """Entries whose pattern `plate` may fit, by id."""
        if not self._slots:
            return []
        if self._stale:
            self._build()
        mask = self._lengths[len(plate)]
        for table, char in zip(self._tables, chain(plate[: -ENDS - 1 : -1], plate), strict=False):
            mask &= table[char]
            if not mask:
                return []
        found = [entry for slot in _bits(mask) if (entry := self._entries[slot]) is not None]
        return sorted(found, key=lambda entry: entry.entry_id)

    def _build(self) -> None:
        """Tables from the end first: serials end in digits, which tell plates apart best."""
        anything = [0] * (ENDS + LONGEST)
        known: list[dict[str, int]] = [{} for _position in anything]
        self._lengths = [0] * (LONGEST + 1)
        for slot in self._slots.values():
            entry = self._entries[slot]
            assert entry is not None
            bit = 1 << slot
            pattern = equate(entry.plate)
            for place, char in enumerate(_anchored(pattern)):
                if char == "?":
                    anything[place] |= bit
                else:
                    known[place][char] = known[place].get(char, 0) | bit
            least = len(pattern) - pattern.count("*")
            most = LONGEST if "*" in pattern else least
            for length in range(least, min(most, LONGEST) + 1):
                self._lengths[length] |= bit
        self._tables = [
            {char: free | fixed.get(equate(char), 0) for char in CHARACTERS}
            for free, fixed in zip(anything, known, strict=True)
        ]
        self._stale = False


def _anchored(pattern: str) -> str:
    """The characters that a pattern knows: the last ones from the end, then all from the start; else `?`."""
    starred = WILD.search(pattern.replace("?", "-")) is not None
    head, tail = pattern.partition("*")[0], pattern.rpartition("*")[2]
    ends = tail[::-1][:ENDS] if starred or len(pattern) >= ENDS else ""
    return ends.ljust(ENDS, "?") + head[:LONGEST].ljust(LONGEST, "?")


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
