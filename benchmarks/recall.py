"""Listed vehicles that are found, and other vehicles that alert, by the doubt that is allowed.

Drawn plates are disturbed as the project's reader was measured to err: each takes the readings of one
labelled picture, right or wrong, with their confidences (`benchmarks.confusions`), and what was
changed there is changed in it.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from typing import Any

import msgspec

from benchmarks import match_data as drawn
from benchmarks.confusions import Edit, Measured, Reading
from platestream.operators.match import Bucket
from platestream.operators.matching.changelog_decoder import pack_entry
from platestream.operators.matching.entry_match import RULES, Rules
from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.plates import CHARACTERS, LONGEST, confusable, equate

CLASSES = ("exact", "look_alike", "alternative")
Seen = tuple[Detection, str, bool]  # a read, the plate it is of, and whether that is listed


def measured() -> Measured:
    """Return the measurements that `platestream bench confusions` made of the built-in reader."""
    result = files("benchmarks").joinpath("measured.json").read_bytes()
    return msgspec.json.decode(result, type=Measured)


def run(entries: int, reads: int) -> dict[str, Any]:
    """Half of the reads are of listed plates, half of others; states are left out, which tell many apart."""
    chance, pictures = random.Random(drawn.SEED), [one for one in measured().pictures if one]
    plates = list(drawn.plates(entries + reads // 2, chance))
    on_list, others = plates[:entries], plates[entries:]
    seen = [(plate, True) for plate in chance.sample(on_list, reads // 2)]
    seen += [(plate, False) for plate in others]
    shown = [
        (disturbed(number, plate, chance.choice(pictures), chance), plate, is_listed)
        for number, (plate, is_listed) in enumerate(seen)
    ]
    bucket = Bucket()
    for number, plate in enumerate(on_list):
        bucket.add(pack_entry(drawn.entry(number, plate)))
    return {
        "entries": entries,
        "reads": reads,
        "pictures": len(pictures),
        "default": asdict(RULES),
        "curves": {
            name: [{**fields, **_count(bucket, Rules(**fields), shown)} for fields in rules]
            for name, rules in _rules()
        },
    }


def _rules() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """One thing changed at a time, the others at their defaults."""
    said = {name: value for name, value in asdict(RULES).items() if name != "agency"}
    for name, values in (
        ("budget", (0, 1, 2)),
        ("alternatives", (0, 1, 2, 3, 5)),
        ("least_alternative", (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4)),
        ("least_confidence", (0.0, 0.2, 0.3, 0.4, 0.5, 0.7)),
    ):
        yield name, [{**said, name: value} for value in values]


def disturbed(number: int, plate: str, picture: Sequence[Reading], chance: random.Random) -> Detection:
    """A read of `plate` that errs as the picture's readings did, best first."""
    seed = chance.random()
    said = [(disturb(plate, one.edits, random.Random(seed)), one.confidence) for one in picture]
    (text, sure), *others = said
    alternatives = tuple(Alternative(other, share) for other, share in others if other not in ("", text))
    return msgspec.structs.replace(
        drawn.read(number, text or "0"), confidence=sure, alternatives=alternatives, state=None
    )


def disturb(plate: str, edits: Sequence[Edit], chance: random.Random) -> str:
    """The plate with the edits made in it: at the place where they were, or where the same character is.

    >>> disturb("XYB4567", (Edit(0.1, "B", "8"),), random.Random(1))
    'XY84567'
    """
    chars, done = list(plate), set[int]()
    for edit in edits:
        if not edit.told:
            chars.insert(round(edit.place * len(plate)), edit.read)
            continue
        place = _place(plate, edit, done)
        done.add(place)
        chars[place] = edit.read if edit.read and _same(plate[place], edit.told) else ""
        if edit.read and not chars[place]:
            chars[place] = _another(plate[place], edit, chance)
    return "".join(chars)[:LONGEST]


def _place(plate: str, edit: Edit, done: set[int]) -> int:
    """Return the nearest place of the same character, else of one that can err alike, else any."""
    near = sorted(set(range(len(plate))) - done, key=lambda at: abs(at / len(plate) - edit.place))
    alike = [at for at in near if _same(plate[at], edit.told)]
    if edit.read and confusable(edit.read, edit.told):
        alike += [at for at in near if _taken_for(plate[at])]
    return (alike or near or [0])[0]


def _another(char: str, edit: Edit, chance: random.Random) -> str:
    if confusable(edit.read, edit.told) and (taken := _taken_for(char)):
        return chance.choice(taken)
    return chance.choice([other for other in drawn.LETTERS + drawn.DIGITS if not confusable(other, char)])


def _same(one: str, other: str) -> bool:
    return equate(one) == equate(other)


def _taken_for(char: str) -> list[str]:
    return [other for other in CHARACTERS if not _same(other, char) and confusable(other, char)]


def _count(bucket: Bucket, rules: Rules, reads: Sequence[Seen]) -> dict[str, Any]:
    bucket.rules = replace(rules)
    found: Counter[str] = Counter()
    false: Counter[str] = Counter()
    recalled = 0
    for read, plate, is_listed in reads:
        hits = bucket.hits(read, patterns=False)
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
