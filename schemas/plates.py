"""Plates as text: normalised, folded so that look-alikes meet, and spread over buckets.

`fold` is what the tables and the passes know; `shape` also joins what this project's own reader is measured
to confuse (`schemas/confusions.py`), and is what a hot list is matched by.

The look-alike groups are the field's own (Genetec publishes 0ODQ 1I 2Z 5S 8B 6G and allows one such
character by default, two at most); L joins 1 and I. O and 0 are one character everywhere: national hot
list extracts write O as 0, and several states do not tell them apart on the plate.
"""

import zlib
from typing import Final

from schemas.confusions import LIKELY

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LOOK_ALIKES = ("0ODQ", "1IL", "2Z", "5S", "8B", "6G")
BUCKETS = 16  # few: what costs is keys a batch (docs/matching.md)
LONGEST: Final = 10  # characters of a plate

_FOLD = {ord(char): group[0] for group in LOOK_ALIKES for char in group}


def _shapes() -> dict[int, str]:
    """Every character -> the one that stands for all it may be taken for, at any number of removes."""
    stands = {ord(char): char for char in CHARACTERS}
    pairs = [(group[0], char) for group in LOOK_ALIKES for char in group]
    for one, other in [*pairs, *LIKELY]:
        kept, gone = sorted((stands[ord(one)], stands[ord(other)]))
        stands.update({char: kept for char, shown in stands.items() if shown == gone})
    return stands


SHAPE: Final = bytes.maketrans(
    bytes(_shapes()), "".join(_shapes().values()).encode()
)  # for `bytes.translate`, where even a call of `shape` costs too much


def normalise(text: str) -> str:
    """Upper case, A-Z and 0-9 only: what is stamped on the plate without its spaces and dashes.

    >>> normalise("abc-12 3")
    'ABC123'
    """
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())


def pattern(text: str) -> str:
    """What somebody typed to look for plates, without blanks and dashes: `*` is any characters, `?` one.

    >>> pattern("abc-1*")
    'abc1*'
    """
    return "".join(char for char in text if char in "*?" or normalise(char))


def equate(plate: str) -> str:
    """The plate with O written 0: equal when the same plate may be meant.

    >>> equate("OHIO1")
    '0HI01'
    """
    return plate.replace("O", "0")


def fold(plate: str) -> str:
    """The plate with every look-alike written as the first of its group.

    >>> fold("QIZSBG")
    '012586'
    """
    return plate.translate(_FOLD)


def shape(plate: str) -> bytes:
    """The plate with every character that may be taken for another written as the one that stands for all.

    Bytes, which are translated in a third of the time.

    >>> shape("QIZSBG") == shape("O12586")
    True
    """
    return plate.encode().translate(SHAPE)


def confusable(read: str, listed: str) -> bool:
    """One character may be taken for the other: alike (LOOK_ALIKES), or confused by our own reader."""
    return _FOLD.get(ord(read), read) == _FOLD.get(ord(listed), listed) or (listed, read) in LIKELY


_SAME: Final = {one + other: False for one in "O0" for other in "O0"}
_TAKEN_FOR: Final = {
    read + listed: True for read in CHARACTERS for listed in CHARACTERS if confusable(read, listed)
} | _SAME  # read and listed character -> whether they differ; pairs that nobody confuses are missing


def differences(read: str, listed: str) -> list[int] | None:
    """Positions at which a read differs from a listed plate, O and 0 being equal; None where that cannot be a
    misreading.

    >>> differences("A8C0", "ABCO"), differences("AXC0", "ABCO")
    ([1], None)
    """
    if len(read) != len(listed):
        return None
    found = []
    for position, (one, other) in enumerate(zip(read, listed, strict=True)):
        if one != other:
            differ = _TAKEN_FOR.get(one + other)
            if differ is None:
                return None
            if differ:
                found.append(position)
    return found


class _Buckets(dict[bytes, str]):
    """End of a shape -> key of its bucket; made when first asked for."""

    def __missing__(self, end: bytes) -> str:
        made = self[end] = str(zlib.crc32(end) % BUCKETS)
        return made


_BUCKETS = _Buckets()


def bucket(plate: str) -> str:
    """The key under which this plate and all that look like it are kept, a number below BUCKETS.

    Keys of stateful steps are buckets, never plates: the recovery store never forgets a key. The end of a
    plate spreads well enough and costs a look-up.
    """
    return _BUCKETS[plate[-3:].encode().translate(SHAPE)]


def shape_bucket(shape: bytes) -> str:
    """The bucket of a plate whose shape is known."""
    return _BUCKETS[shape[-3:]]
