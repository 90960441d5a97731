"""Plates as text: normalized, folded so that look-alikes are equal, and spread over buckets.

The tables and the passes use `fold`. `shape` also joins the characters that this project's reader is measured
to confuse (`schemas/confusions.py`); the hot list is matched by it.

The look-alike groups are common in the field (Genetec publishes 0ODQ 1I 2Z 5S 8B 6G and allows one such
character by default, two at most); L joins 1 and I. O and 0 are the same character everywhere: national hot
list extracts write O as 0, and several states do not distinguish them on the plate.
"""

import unicodedata
import zlib
from typing import Final

from platestream.schemas.confusions import LIKELY

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
LOOK_ALIKES = ("0ODQ", "1IL", "2Z", "5S", "8B", "6G")
BUCKETS = 16  # few: what costs is keys a batch (benchmarks/notes/matching.md)
LONGEST: Final = 10  # characters of a plate

_FOLD = {ord(char): group[0] for group in LOOK_ALIKES for char in group}


def _shapes() -> dict[int, str]:
    """Return a map from every character to the representative of all characters it may be confused with.

    Confusion is transitive here.
    """
    stands = {ord(char): char for char in CHARACTERS}
    pairs = [(group[0], char) for group in LOOK_ALIKES for char in group]
    for one, other in [*pairs, *LIKELY]:
        kept, gone = sorted((stands[ord(one)], stands[ord(other)]))
        stands.update({char: kept for char, shown in stands.items() if shown == gone})
    return stands


SHAPE: Final = bytes.maketrans(
    bytes(_shapes()), "".join(_shapes().values()).encode()
)  # for `bytes.translate` in hot loops, where a call of `shape` is too slow


def normalise(text: str) -> str:
    """Return the plate in upper case, A-Z and 0-9 only, without spaces and dashes.

    >>> normalise("abc-12 3")
    'ABC123'
    """
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())


def pattern(text: str) -> str:
    """Return a typed plate or pattern without blanks, dashes and accents: `*` is any characters, `?` one.

    A letter of another alphabet stays, so that it is refused: without it the text would be another plate.

    >>> pattern("abc-1*"), pattern("Ä1\N{FULLWIDTH LATIN CAPITAL LETTER B}")
    ('abc1*', 'A1B')
    """
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if char in "*?" or char.isalnum())


def equate(plate: str) -> str:
    """Return the plate with O written as 0. Plates that may be the same are then equal.

    >>> equate("OHIO1")
    '0HI01'
    """
    return plate.replace("O", "0")


def fold(plate: str) -> str:
    """Return the plate with every look-alike written as the first of its group.

    >>> fold("QIZSBG")
    '012586'
    """
    return plate.translate(_FOLD)


def shape(plate: str) -> bytes:
    """Return the plate with every character replaced by the representative of those it may be confused with.

    The result is bytes, which are translated in a third of the time.

    >>> shape("QIZSBG") == shape("O12586")
    True
    """
    return plate.encode().translate(SHAPE)


def confusable(read: str, listed: str) -> bool:
    """Return whether two characters look alike (LOOK_ALIKES) or are confused by this project's reader."""
    return _FOLD.get(ord(read), read) == _FOLD.get(ord(listed), listed) or (listed, read) in LIKELY


_SAME: Final = {one + other: False for one in "O0" for other in "O0"}
_TAKEN_FOR: Final = {
    read + listed: True for read in CHARACTERS for listed in CHARACTERS if confusable(read, listed)
} | _SAME  # read and listed character -> differ or not; pairs that are not confused are missing


def differences(read: str, listed: str) -> list[int] | None:
    """Return the positions at which a read differs from a listed plate, O and 0 being equal.

    Returns None if the difference cannot be a misreading.

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
    """Map from the end of a shape to the key of its bucket, filled on first access."""

    def __missing__(self, end: bytes) -> str:
        made = self[end] = str(zlib.crc32(end) % BUCKETS)
        return made


_BUCKETS = _Buckets()


def bucket(plate: str) -> str:
    """Return the state key of this plate and all plates that look like it, a number below BUCKETS as text.

    Keys of stateful steps are buckets and never plates, because the recovery store never forgets a key. The
    last three characters of a plate spread well enough and cost one look-up.
    """
    return _BUCKETS[plate[-3:].encode().translate(SHAPE)]


def shape_bucket(shape: bytes) -> str:
    """Return the bucket of a plate whose shape is known."""
    return _BUCKETS[shape[-3:]]
