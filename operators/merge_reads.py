"""Combination of the reads of one vehicle in several frames, character by character.

A frame's read is a distribution over strings: the plate, its alternatives, and the rest for "none of these".
Frames vote on the length, and for each length on the character at each place. Strings outside of a frame's
distribution still get a share of its "none of these", because a wrong frame is mostly wrong in one place. Two
frames that each lost another character therefore give the complete plate, and one bad frame cannot outvote
good ones. Frames of one vehicle share light, angle and dirt, and so their errors: the evidence of n frames
counts as that of the square root of n independent ones.
"""

from collections.abc import Hashable, Iterator
from math import exp, log
from typing import TypeVar

import msgspec

from platestream.schemas.reading import PlateRead, Reading

Key = TypeVar("Key", bound=Hashable)

LEFT = 0.1
"""Share of a frame's probability for "none of these" that each length or character gets."""
LEAST = 0.005
"""Least probability of "none of these", because no frame is completely certain."""


class Merged(msgspec.Struct):
    """The sum of the frames' evidence: logarithms relative to the share of unnamed strings."""

    frames: int = 0
    none: float = 0.0
    lengths: dict[int, float] = {}
    places: dict[int, list[dict[str, float]]] = {}

    def add(self, read: PlateRead) -> None:
        """Add the read of one frame."""
        spread = {read.plate: read.confidence}
        for other in read.alternatives:
            spread[other.plate] = spread.get(other.plate, 0.0) + other.confidence
        none = max(1.0 - sum(spread.values()), LEAST)
        rest = log(LEFT * none)
        self.frames += 1
        self.none += log(none)
        for length, strings in _summed((len(text), share) for text, share in spread.items()).items():
            self.lengths[length] = self.lengths.get(length, 0.0) + log(strings + LEFT * none) - rest
            places = self.places.setdefault(length, [{} for _ in range(length)])
            for place, votes in enumerate(places):
                letters = _summed((t[place], share) for t, share in spread.items() if len(t) == length)
                for letter, share in letters.items():
                    votes[letter] = votes.get(letter, 0.0) + log(share + LEFT * none) - rest

    def ranked(self, most: int = 10) -> list[Reading]:
        """Return the likeliest strings with their probabilities (0 to 1), best first.

        There are none without a frame.
        """
        if not self.frames:
            return []
        damped = self.frames**-0.5
        scores = {text: score * damped for length in self.lengths for text, score in self._strings(length)}
        order = sorted(scores, key=lambda text: (-scores[text], text))
        shares = [exp(scores[text] - scores[order[0]]) for text in order]
        known = 1.0 - exp(self.none * damped)
        return [
            Reading(text, known * share / sum(shares))
            for text, share in zip(order[:most], shares, strict=False)
        ]

    def _strings(self, length: int) -> Iterator[tuple[str, float]]:
        """Yield the best string of a length and those that differ in one place, with their evidence."""
        places = self.places[length]
        best = [max(votes, key=lambda letter: (votes[letter], letter)) for votes in places]
        total = self.lengths[length] + sum(v[c] for v, c in zip(places, best, strict=True))
        yield "".join(best), total
        for place, votes in enumerate(places):
            for letter, evidence in votes.items():
                if letter != best[place]:
                    text = "".join([*best[:place], letter, *best[place + 1 :]])
                    yield text, total - votes[best[place]] + evidence


def _summed(pairs: Iterator[tuple[Key, float]]) -> dict[Key, float]:
    out: dict[Key, float] = {}
    for key, share in pairs:
        out[key] = out.get(key, 0.0) + share
    return out
