"""Drawn hot lists and reads for the benchmarks of matching: plates, entries, partial plates, detections."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

from platestream.schemas.detection import Alternative, Detection
from platestream.schemas.fields import Box, Vehicle
from platestream.schemas.hotlist import HotListChange, HotListEntry
from platestream.schemas.message import Batch

SEED = 4137
START = datetime.now(UTC).replace(microsecond=0)
LETTERS, DIGITS = "ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789"
LOADED_AT_ONCE = 250
LISTED_SEEN = 100_000  # of the listed vehicles, those that are on the road
SHAPES = ("@@@####", "#@@@###", "@@#@#@", "@@@###", "@######")  # of five common series


def plates(count: int, chance: random.Random) -> Iterator[str]:
    """Distinct plates of five series."""
    seen: set[str] = set()
    while len(seen) < count:
        text = _plate(chance)
        if text not in seen:
            seen.add(text)
            yield text


def entry(number: int, plate: str) -> HotListEntry:
    """As an NCIC extract lists a stolen vehicle."""
    return HotListEntry(
        entry_id=f"ncic:V{number:09}",
        source="ncic",
        category="stolen_vehicle",
        plate=plate,
        state="AZ",
        vehicle=Vehicle(make="Ford", model="F15", colour="white"),
        reason="Stolen vehicle",
        other=f"NIC V{number:09}, ORI AZ0010000, entered 20261101",
        expires_at=START + timedelta(days=366),
        listed_at=START - timedelta(days=1),
    )


def pattern(number: int, chance: random.Random) -> HotListEntry:
    """A partial plate that lacks one to three characters; every fifth with an unknown count of them."""
    text = _plate(chance)
    known = set(chance.sample(range(len(text)), len(text) - chance.randint(1, 3)))
    plate = "".join(char if place in known else "?" for place, char in enumerate(text))
    if number % 5 == 0:
        plate = f"{text[:4]}*" if chance.random() < 0.5 else f"{text[0]}*{text[-4:]}"
    return HotListEntry(
        entry_id=f"bolo:P{number:06}", source="bolo", category="suspect_vehicle", plate=plate,
        expires_at=START + timedelta(days=30), listed_at=START - timedelta(days=1),
    )  # fmt: skip


def change(one: HotListEntry) -> HotListChange:
    """The entry as a change."""
    return HotListChange(one.entry_id, one)


def batches(entries: Iterable[HotListEntry]) -> Iterator[Batch]:
    """Entries as they come from one partition of the changelog."""
    left = iter(entries)
    while some := [change(one).to_message() for one in islice(left, LOADED_AT_ONCE)]:
        yield Batch.of(0, some)


def read(number: int, plate: str, alternatives: tuple[Alternative, ...] = ()) -> Detection:
    """A read without pictures, one every 10 ms, on one of 50 cameras."""
    at = START + timedelta(milliseconds=10 * number)
    return Detection(
        detection_id=UUID(int=number),
        camera_id=f"cam-{number % 50}",
        captured_at=at,
        best_at=at,
        latitude=34.5,
        longitude=-109.4,
        plate=plate,
        confidence=0.95,
        state="AZ",
        state_confidence=0.9,
        alternatives=alternatives,
        box=Box(600, 400, 120, 60),
        frames=4,
        agreeing=3,
        models=("det", "rec"),
        crop=b"",
        picture=b"",
    )


def reads(
    count: int,
    listed: dict[str, None],
    share: float,
    chance: random.Random,
    others: Sequence[Sequence[float]] = ((),),
) -> list[Detection]:
    """Reads, `share` of them of `listed` plates. Each has as many other readings as one of `others` says how
    sure the reader is of them: the plate without an end, or changed."""
    known = list(islice(listed, LISTED_SEEN))
    made = []
    for number in range(count):
        plate = chance.choice(known) if chance.random() < share else unlisted(listed, chance)
        said = (plate[:-1], plate[1:], plate[:2] + chance.choice(DIGITS) + plate[3:])
        alternatives = tuple(map(Alternative, said, chance.choice(others)))
        made.append(read(number, plate, alternatives))
    return made


def unlisted(listed: dict[str, None], chance: random.Random) -> str:
    """A plate that is on no list."""
    while (plate := _plate(chance)) in listed:
        pass
    return plate


def _plate(chance: random.Random) -> str:
    shape = chance.choice(SHAPES)
    return "".join(chance.choice(LETTERS if char == "@" else DIGITS) for char in shape)
