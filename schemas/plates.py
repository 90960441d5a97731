"""Plates as text: normalised, folded so that look-alikes meet, and spread over buckets.

The look-alike groups are the field's own (Genetec publishes 0ODQ 1I 2Z 5S 8B 6G and allows one such
character by default, two at most); L joins 1 and I. O and 0 are one character everywhere: national hot
list extracts write O as 0, and several states do not tell them apart on the plate.
"""

import zlib

LOOK_ALIKES = ("0ODQ", "1IL", "2Z", "5S", "8B", "6G")
BUCKETS = 1024

_FOLD = {ord(char): group[0] for group in LOOK_ALIKES for char in group}
_LETTER_O = {ord("O"): "0"}


def normalise(text: str) -> str:
    """Upper case, A-Z and 0-9 only: what is stamped on the plate without its spaces and dashes.

    >>> normalise("abc-12 3")
    'ABC123'
    """
    return "".join(char for char in text.upper() if char.isascii() and char.isalnum())


def equate(plate: str) -> str:
    """The plate with O written 0: equal when the same plate may be meant.

    >>> equate("OHIO1")
    '0HI01'
    """
    return plate.translate(_LETTER_O)


def fold(plate: str) -> str:
    """The plate with every look-alike written as the first of its group.

    >>> fold("QIZSBG")
    '012586'
    """
    return plate.translate(_FOLD)


def bucket(plate: str, buckets: int = BUCKETS) -> int:
    """Which of `buckets` keeps this plate and all that look like it.

    Keys of stateful steps are buckets, never plates: the recovery store never forgets a key.
    """
    return zlib.crc32(fold(plate).encode()) % buckets


def differences(read: str, listed: str) -> tuple[int, ...]:
    """Positions at which two plates of one length differ, O and 0 counting as equal.

    >>> differences("A8C0", "ABCO")
    (1,)
    """
    return tuple(
        position for position, (a, b) in enumerate(zip(equate(read), equate(listed), strict=True)) if a != b
    )
