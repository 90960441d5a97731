"""Simulated device: it reads pictures and pushes its reads to a gateway, some of them misread on purpose."""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

import httpx

from platestream.cameras.pushes.simulate import DEVICES, Passing
from platestream.operators.decode import Bounds, decode_image
from platestream.reading.factory import PlateReader
from platestream.schemas.message import RefusedError
from platestream.schemas.plates import CHARACTERS, LOOK_ALIKES

SUFFIXES = (".jpg", ".jpeg")
TIMEOUT = 30.0


@dataclass(frozen=True)
class Device:
    """A device of a format. `account` is `user:password`, or empty if the address has a token.

    `misread` is the share of plates of which it misreads one character, drawn by `seed`. With a `plate` it
    reads that one in every picture; without `pictured` it sends no picture.
    """

    form: str
    url: str
    account: str = ""
    plate: str = ""
    misread: float = 0.0
    seed: int = 0
    pictured: bool = True

    def play(self, pictures: Sequence[Path], count: int, every: float) -> Iterator[httpx.Response]:
        """Push `count` reads, one every `every` seconds; return the answers.

        Pictures are repeated as needed, and those without a plate are left out. Raises RefusedError if no
        picture has a plate, httpx.HTTPError and OSError.
        """
        known = self._readings(pictures)
        chance = random.Random(self.seed)
        user, _colon, password = self.account.partition(":")
        with httpx.Client(
            auth=httpx.DigestAuth(user, password) if user else None, timeout=TIMEOUT, trust_env=False
        ) as client:
            for number, (plate, image) in enumerate(islice(cycle(known), count)):
                if number:
                    time.sleep(every)
                said = misread(plate, chance) if chance.random() < self.misread else plate
                passing = Passing(said, datetime.now(UTC), 0.9, image if self.pictured else b"")
                sent = DEVICES[self.form](passing)
                address = self.url.rstrip("/") + sent.path
                yield client.post(address, content=sent.body, headers={"Content-Type": sent.content_type})

    def _readings(self, pictures: Sequence[Path]) -> list[tuple[str, bytes]]:
        images = [path.read_bytes() for path in pictures]
        if self.plate:
            return [(self.plate, image) for image in images] or [(self.plate, b"")]
        reader, found = PlateReader(), []
        for image in images:
            try:
                reads = reader.read(decode_image(image, Bounds()))
            except RefusedError:
                continue
            found += [(one.plate, image) for one in reads[:1]]
        if not found:
            raise RefusedError("pictures", "no picture has a plate that can be read")
        return found


def misread(plate: str, chance: random.Random) -> str:
    """Return the plate with one character read as another, as one that looks alike where there is one."""
    place = chance.randrange(len(plate))
    alike = "".join(group for group in LOOK_ALIKES if plate[place] in group and "0" not in group)
    others = [char for char in alike or CHARACTERS if char != plate[place]]
    return f"{plate[:place]}{chance.choice(others)}{plate[place + 1 :]}"


def pictures_below(path: Path) -> list[Path]:
    """Return the JPEG files of a folder in order of their names, or the file itself."""
    if path.is_file():
        return [path]
    return sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
