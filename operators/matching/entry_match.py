"""Match of one read with one entry: class, likelihood and rank."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import msgspec

from platestream.operators.matching.limits import applies
from platestream.schemas import plates
from platestream.schemas.alert_hit import AlertHit, Difference, MatchClass, StateCheck, hit_id
from platestream.schemas.confusions import LIKELY, UNMEASURED
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.fields import COARSE_TYPES, Vehicle
from platestream.schemas.hotlist import KNOWN_CHARACTERS, OWN_SOURCE, HotListEntry
from platestream.schemas.profile import CameraReads

_LOOKS: tuple[tuple[MatchClass, int], ...] = (("exact", 0), ("look_alike", 1), ("look_alike", 3))
"""Class and rank by the number of characters that differ beyond O and 0."""
CONTRADICTED = 10  # added to the rank if the state contradicts
SAME_WORDS = {"gray": "grey", "silver": "grey", "gold": "beige", "tan": "beige"}


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules of alerting. All defaults come from the curve in benchmarks/notes/matching.md.

    `budget`: look-alikes that may differ beyond O and 0. `alternatives`: number of other readings that are
    matched, too, with a confidence of at least `least_alternative`. `least_confidence`: of the read as a
    whole; one below it alerts nobody and is only stored. `agency`: the agency that the flow alerts.
    `camera_reads` and `unseen`: reads of cameras that alert (`platestream.schemas.profile.Alerts`).
    """

    budget: int = 1
    alternatives: int = 3
    least_alternative: float = 0.01
    least_confidence: float = 0.0
    agency: str = OWN_SOURCE
    camera_reads: CameraReads = "either"
    unseen: bool = False

    def others(self, read: Detection) -> list[Alternative]:
        """Return the other readings of the plate that count: the camera's, then the reader's, best first."""
        first = read.alternatives[: self.alternatives]
        counted = [one for one in first if one.confidence >= self.least_alternative]
        return [*self.of_camera(read), *counted] if read.camera_read is not None else counted

    def of_camera(self, read: Detection) -> list[Alternative]:
        """Return the camera's reading if it differs from the reader's and may alert."""
        one = read.camera_read
        if one is None or read.opinion != "disagree" or self.camera_reads != "either":
            return []
        return [Alternative(one.plate, one.confidence or 0.0)]

    def may_alert(self, read: Detection) -> bool:
        """Return whether a read may alert, by its confidence and by who read it."""
        if read.confidence < self.least_confidence:
            return False
        if not read.opinion:  # nearly all reads
            return True
        match read.opinion:
            case "unseen":
                return self.unseen
            case "camera_only":
                return self.camera_reads == "either"
            case "disagree" | "reader_only":
                return self.camera_reads != "agree"
        return True


RULES = Rules()


class Match(msgspec.Struct, frozen=True):
    """One way in which a read and an entry match; the lowest `rank` is the best."""

    kind: MatchClass
    rank: int
    likelihood: float | None
    matched: str = ""
    differences: tuple[Difference, ...] = ()


def match_entry(read: Detection, entry: HotListEntry, rules: Rules = RULES) -> AlertHit | None:
    """Return the hit of `read` on `entry`, by the best of several ways to match, or None."""
    if not rules.may_alert(read) or not applies(read, entry, rules.agency):
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
        historical=entry.listed_at is not None and read.last_at < entry.listed_at,
        detection=read,
        entry=entry,
    )


def check_state(read: str | None, listed: str | None) -> StateCheck:
    """Compare the state of issue with the entry's; unknown if either is."""
    if read is None or listed is None:
        return "unknown"
    return "same" if read == listed else "contradicts"


def _by_plate(read: Detection, entry: HotListEntry, rules: Rules) -> Iterator[Match]:
    """Yield matches by the plate with look-alikes, or by another reading exactly.

    Both together would match too much.
    """
    budget = rules.budget if entry.look_alikes is None else entry.look_alikes
    differ = plates.differences(read.plate, entry.plate)
    if differ is not None and len(differ) <= budget:
        pairs = enumerate(zip(read.plate, entry.plate, strict=True))
        places = tuple(Difference(place, one, other) for place, (one, other) in pairs if one != other)
        misread = ((entry.plate[place], read.plate[place]) for place in differ)
        likely = prod((LIKELY.get(pair, UNMEASURED) for pair in misread), start=1.0)
        kind, rank = _LOOKS[min(len(differ), 2)]
        yield Match(kind, rank, likely, differences=places)
    wanted = plates.equate(entry.plate)
    for other in rules.others(read) if budget else rules.of_camera(read):
        if plates.equate(other.plate) == wanted:
            yield Match("alternative", 2, other.confidence, matched=other.plate)


def _by_pattern(read: Detection, entry: HotListEntry) -> Iterator[Match]:
    """Yield matches of the exact plate with a pattern.

    The features of the vehicle must not contradict. If the entry has no other criterion, the read must have
    them.
    """
    described = len(entry.known) < KNOWN_CHARACTERS
    if plate_pattern(entry.plate).fullmatch(plates.equate(read.plate)) and description_fits(
        read.vehicle, entry.vehicle, must_be_said=described
    ):
        yield Match("description", 5, None) if described else Match("partial", 4, None)


@lru_cache(maxsize=8192)
def plate_pattern(pattern: str) -> re.Pattern[str]:
    """Return a partial plate as a regular expression for plates with O written as 0."""
    wild = {"?": ".", "*": ".*"}
    return re.compile("".join(wild.get(char, char) for char in plates.equate(pattern)))


def description_fits(read: Vehicle, listed: Vehicle, *, must_be_said: bool) -> bool:
    """Return whether every listed feature agrees with the read's.

    A feature that the read does not have, or has by a coarser word, agrees unless `must_be_said`.
    """
    pairs = [
        (read.make, listed.make),
        (read.model, listed.model),
        (read.colour, listed.colour),
        (read.body, listed.body),
        *((read.other.get(name), value) for name, value in listed.other.items()),
    ]
    wanted = [(read_value, listed) for read_value, listed in pairs if listed is not None]
    return all(
        not must_be_said
        if read_value is None or _word(value) in COARSE_TYPES.get(_word(read_value), ())
        else _word(read_value) == _word(value)
        for read_value, value in wanted
    )


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", text.casefold())
    return SAME_WORDS.get(word, word)
