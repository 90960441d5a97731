"""One read against one entry: whether they meet, as what, how likely, and how far below better ones."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import msgspec

from operators.matching.limits import applies
from schemas import plates
from schemas.alert_hit import AlertHit, Difference, MatchClass, StateCheck, hit_id
from schemas.confusions import LIKELY, UNSEEN
from schemas.detection import Alternative, Detection
from schemas.fields import Vehicle
from schemas.hotlist import KNOWN_CHARACTERS, OWN_SOURCE, HotListEntry

CONTRADICTED = 10  # what a contradicting state adds to a rank
SAME_WORDS = {"gray": "grey", "silver": "grey", "gold": "beige", "tan": "beige"}


@dataclass(frozen=True, slots=True)
class Rules:
    """Which reads alert. All defaults come from the curve in docs/matching.md.

    `budget`: look-alikes that may differ beyond O and 0; `alternatives`: readings that are looked up, too,
    the reader being at least `least_alternative` sure of them; `least_confidence`: of a read as a whole; one
    below it alerts nobody and is only stored; `agency` is whom the flow alerts.
    """

    budget: int = 1
    alternatives: int = 3
    least_alternative: float = 0.01
    least_confidence: float = 0.0
    agency: str = OWN_SOURCE

    def others(self, read: Detection) -> list[Alternative]:
        """Other readings of the plate that count, best first."""
        first = read.alternatives[: self.alternatives]
        return [one for one in first if one.confidence >= self.least_alternative]


RULES = Rules()


class Match(msgspec.Struct, frozen=True):
    """How a read and an entry meet; the lowest `rank` is the best."""

    kind: MatchClass
    rank: int
    likelihood: float | None
    matched: str = ""
    differences: tuple[Difference, ...] = ()


def match_entry(read: Detection, entry: HotListEntry, rules: Rules = RULES) -> AlertHit | None:
    """The hit that `read` is of `entry`, or None. Of several ways to match it is the best."""
    if read.confidence < rules.least_confidence or not applies(read, entry, rules.agency):
        return None
    ways = _by_pattern(read, entry) if entry.is_pattern else _by_plate(read, entry, rules)
    best = min(ways, key=lambda way: (way.rank, -(way.likelihood or 0)), default=None)
    if best is None:
        return None
    state = check_state(read.state, entry.state)
    return AlertHit(
        hit_id=hit_id(read.detection_id, entry.entry_id),
        match=best.kind,
        rank=best.rank + (CONTRADICTED if state == "contradicts" else 0),
        likelihood=best.likelihood,
        matched=best.matched,
        differences=best.differences,
        state_check=state,
        historical=entry.listed_at is not None and read.captured_at < entry.listed_at,
        detection=read,
        entry=entry,
    )


def check_state(read: str | None, listed: str | None) -> StateCheck:
    """State of issue as read against the entry's; unknown when either is."""
    if read is None or listed is None:
        return "unknown"
    return "same" if read == listed else "contradicts"


def _by_plate(read: Detection, entry: HotListEntry, rules: Rules) -> Iterator[Match]:
    """As read, with look-alikes; or another reading, to the letter: never both, which matches too much."""
    budget = rules.budget if entry.look_alikes is None else entry.look_alikes
    differ = plates.differences(read.plate, entry.plate)
    if differ is not None and not differ:
        yield Match("exact", 0, 1.0)
    elif differ is not None and len(differ) <= budget:
        places = tuple(Difference(place, read.plate[place], entry.plate[place]) for place in differ)
        likely = prod(LIKELY.get((one.listed, one.read), UNSEEN) for one in places)
        yield Match("look_alike", 1 if len(differ) == 1 else 3, likely, differences=places)
    if budget:
        wanted = plates.equate(entry.plate)
        for other in rules.others(read):
            if plates.equate(other.plate) == wanted:
                yield Match("alternative", 2, other.confidence, matched=other.plate)


def _by_pattern(read: Detection, entry: HotListEntry) -> Iterator[Match]:
    """The plate as read, to the letter. What the vehicle is said to be must not contradict; where it is all
    that the entry says, it must be said of the read, too."""
    described = len(entry.known) < KNOWN_CHARACTERS
    if plate_pattern(entry.plate).fullmatch(plates.equate(read.plate)) and fits(
        read.vehicle, entry.vehicle, must_be_said=described
    ):
        yield Match("description", 5, None) if described else Match("partial", 4, None)


@lru_cache(maxsize=8192)
def plate_pattern(pattern: str) -> re.Pattern[str]:
    """A partial plate as an expression over plates with O written 0."""
    wild = {"?": ".", "*": ".*"}
    return re.compile("".join(wild.get(char, char) for char in plates.equate(pattern)))


def fits(read: Vehicle, listed: Vehicle, *, must_be_said: bool) -> bool:
    """Every feature that the entry lists agrees with the read's; one that the read does not say agrees unless
    it must be said."""
    pairs = [
        (read.make, listed.make),
        (read.model, listed.model),
        (read.colour, listed.colour),
        (read.body, listed.body),
        *((read.other.get(name), value) for name, value in listed.other.items()),
    ]
    wanted = [(said, listed) for said, listed in pairs if listed is not None]
    return all(not must_be_said if said is None else _word(said) == _word(value) for said, value in wanted)


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", text.casefold())
    return SAME_WORDS.get(word, word)
