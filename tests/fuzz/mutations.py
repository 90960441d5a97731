"""Mutations that need no coverage and are the same for the same seed: for the short runs of CI."""

from collections.abc import Iterator, Sequence
from random import Random

# What parsers stumble over: ends of numbers and of time, other alphabets' digits, half characters, nesting.
WORDS = [
    b"", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc2\xb2", b"\xd9\xa3", b"\xe2\x80\xa8", b"\r\n",
    b"\n\n", b"-1", b"NaN", b"Infinity", b"1e999", b"9" * 20, b"9" * 5000, b"0001-01-01T00:00:00+23:59",
    b"9999-12-31T23:59:59-23:59", b"0001-01-01", b"[" * 3000, b"{\"a\":" * 2000, b"%ff", b"/*", b"*/",
    b"\xef\xbb\xbf", b"\\ud800", b"\xf0\x9f\x9a\x97", b"\"", b"'", b"%", b"..",
]  # fmt: skip


def mutations(corpus: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` inputs, each made of one of the corpus by one to four changes."""
    rng = Random(seed)
    for _ in range(count):
        data = rng.choice(corpus)
        for _ in range(rng.randint(1, 4)):
            data = _changed(data, corpus, rng)
        yield data[:20_000]


def _changed(data: bytes, corpus: Sequence[bytes], rng: Random) -> bytes:
    start, end = sorted(rng.randint(0, len(data)) for _ in range(2))
    short = min(end, start + rng.choice((1, 4, 32)))
    match rng.randrange(6):
        case 0:  # a bit
            return (
                data[:start]
                + bytes(byte ^ 1 << rng.randrange(8) for byte in data[start : start + 1])
                + data[start + 1 :]
            )
        case 1:  # a word in the place of what was there
            return data[:start] + rng.choice(WORDS) + data[short:]
        case 2:  # cut out
            return data[:start] + data[end:]
        case 3:  # again and again
            return data[:start] + data[start:short] * rng.choice((2, 50, 1000)) + data[short:]
        case 4:  # the end of another
            other = rng.choice(corpus)
            return data[:start] + other[rng.randint(0, len(other)) :]
        case _:  # cut off
            return data[:start]
