"""How many listed vehicles are found, and how many others alert, by match class and budget.

Plates are disturbed the way the project's reader was measured to err on 576 labelled photographs
and crops of the US, the EU and Brazil; the rest is read right.
"""

import random
from collections import Counter
from typing import Any

from operators.match import Bucket
from operators.matching.judge import Rules
from operators.matching.placement import listed
from platestream.bench import match_data as drawn
from schemas.confusions import LIKELY
from schemas.plates import LOOK_ALIKES

# Of 576 labelled pictures, O and 0 being one: read right, with one character taken for another that is a
# look-alike or a measured confusion, with another wrong character of the same length, or with another length.
RIGHT, CONFUSED, OTHER, LENGTH = 511, 22, 7, 36
RESCUED = 25 / 65  # of the wrong ones, those whose right reading was among the first five alternatives
CLASSES = ("exact", "look_alike", "alternative")


def run(entries: int, reads: int) -> dict[str, Any]:
    """Half of the reads are of listed plates, half of others; figures for budgets 0, 1 and 2."""
    chance = random.Random(drawn.SEED)
    plates = list(drawn.plates(entries + reads // 2, chance))
    on_list, others = plates[:entries], plates[entries:]
    seen = [(plate, True) for plate in chance.sample(on_list, reads // 2)] + [
        (plate, False) for plate in others
    ]
    disturbed = []
    for number, (plate, is_listed) in enumerate(seen):
        text, other_readings = disturb(plate, chance)
        disturbed.append((drawn.read(number, text, other_readings), plate, is_listed))
    curve = []
    for budget in (0, 1, 2):
        for alternatives in (0, 3):
            bucket = Bucket(Rules(budget=budget, alternatives=alternatives))
            for number, plate in enumerate(on_list):
                bucket.add(listed(drawn.entry(number, plate)))
            curve.append({"budget": budget, "alternatives": alternatives, **_count(bucket, disturbed)})
    return {"entries": entries, "reads": reads, "curve": curve}


def disturb(plate: str, chance: random.Random) -> tuple[str, tuple[str, ...]]:
    """What the reader makes of a plate, and its alternatives; the right one, where it is there, first."""
    kind = chance.choices(("right", "confused", "other", "length"), (RIGHT, CONFUSED, OTHER, LENGTH))[0]
    noise = (plate[:-1], plate[1:])
    if kind == "right":
        return plate, noise
    place = chance.randrange(len(plate))
    if kind == "confused":
        places = [at for at, char in enumerate(plate) if _taken_for(char)]
        if not places:
            return plate, noise
        place = chance.choice(places)
        changed = chance.choice(_taken_for(plate[place]))
        text = plate[:place] + changed + plate[place + 1 :]
    elif kind == "other":
        text = plate[:place] + chance.choice(drawn.LETTERS + drawn.DIGITS) + plate[place + 1 :]
    else:
        text = chance.choice((plate[1:], plate[:-1], plate + chance.choice("1I")))
    return text, (plate, *noise) if chance.random() < RESCUED else noise


def _taken_for(char: str) -> list[str]:
    group = next((group for group in LOOK_ALIKES if char in group), "")
    measured = [read for told, read in LIKELY if told == char]
    return [other for other in group if other != char and {other, char} != {"O", "0"}] + measured


def _count(bucket: Bucket, reads: list[Any]) -> dict[str, Any]:
    found: Counter[str] = Counter()
    false: Counter[str] = Counter()
    recalled = 0
    for read, plate, is_listed in reads:
        hits = list(bucket.hits(read, patterns=False))
        right = [hit for hit in hits if is_listed and hit.entry.plate == plate]
        recalled += bool(right)
        found.update(hit.match for hit in right)
        false.update(hit.match for hit in hits if hit not in right)
    wanted = sum(is_listed for _read, _plate, is_listed in reads)
    scale = 100_000 / len(reads)
    return {
        "found_share": round(recalled / wanted, 4),
        "found": {kind: round(found[kind] / wanted, 4) for kind in CLASSES},
        "false_alerts_per_100000_reads": round(false.total() * scale),
        "false": {kind: round(false[kind] * scale) for kind in CLASSES},
    }
