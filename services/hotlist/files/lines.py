"""What parsers share: a line's fields or its refusal, and an id for lines that have none."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from schemas.message import RefusedError

Told = dict[str, str]
Line = tuple[int, Told | RefusedError]
Parser = Callable[[Iterable[str]], Iterator[Line]]


def each(lines: Iterable[str], parse: Callable[[str], Told | None]) -> Iterator[Line]:
    """`parse` on every line, counted from 1; None is a line that holds no entry, such as a header."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                told = parse(line.rstrip("\r\n"))
            except RefusedError as error:
                yield number, error
            else:
                if told is not None:
                    yield number, told


def reference(*parts: str) -> str:
    """An id from what tells lines apart, where they have none: hashed, because ids reach logs."""
    return sha256("|".join(parts).encode()).hexdigest()[:20]
