"""Common parts of the parsers: bytes as lines, a line's fields or its refusal, and an id for lines without
one.

A line is an entry, whatever its layout: a fault in one line says nothing about the next.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from typing import BinaryIO

from platestream.schemas.message import RefusedError

Fields = dict[str, str]
Line = tuple[int, Fields | RefusedError]
Parser = Callable[[Iterable[str]], Iterator[Line]]

LONGEST = 20_000  # characters; longer than an entry with all texts at their maximum
_BROKEN = re.compile(r"[\udc80-\udcff]")  # bytes that are no UTF-8, as `surrogateescape` decodes them
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")


class TextLines:
    """The lines of a file of bytes, in bounded memory; `sha256` is that of all bytes read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, sha256()

    def __iter__(self) -> Iterator[str]:
        """Yield the lines. Raises RefusedError for a file in UTF-16."""
        first = True
        while line := self._read():
            if first and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise RefusedError("encoding", "the file is in UTF-16: save it as UTF-8")
            yield line.decode("utf-8-sig" if first else "utf-8", "surrogateescape")
            first = False

    @property
    def sha256(self) -> str:
        """The SHA-256 in hex."""
        return self._digest.hexdigest()

    def _read(self) -> bytes:
        """Return the next line; of one that is too long, enough to detect that."""
        line = part = self._file.readline(4 * LONGEST)
        self._digest.update(part)
        while part and not part.endswith(b"\n"):
            part = self._file.readline(4 * LONGEST)
            self._digest.update(part)
        return line


def parse_each(lines: Iterable[str], parse: Callable[[str], Fields | None]) -> Iterator[Line]:
    """Apply `parse` to every line, counted from 1; None is a line without an entry, such as a header."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                fields = parse(without_line_break(line))
            except RefusedError as error:
                yield number, error
            else:
                if fields is not None:
                    yield number, fields


def each_line(parse: Callable[[str], Fields | None]) -> Parser:
    """Return the parser of files in which `parse` reads each line by itself, as `parse_each` says."""
    return partial(parse_each, parse=parse)


def without_line_break(line: str) -> str:
    """Return the line without its line break. Raises RefusedError for what is no line of text."""
    text = line.removesuffix("\n").removesuffix("\r")
    if len(text) > LONGEST:
        raise RefusedError("line", f"the line is longer than {LONGEST} characters")
    if _BROKEN.search(text):
        raise RefusedError("encoding", "the line is not in UTF-8")
    if found := _CONTROL.search(text):
        raise RefusedError("line", f"the line has a control character (U+{ord(found[0]):04X}) inside")
    return text


def cells(line: str, delimiter: str = ",") -> list[str]:
    """Split a line of CSV into columns. Raises RefusedError for quotes that do not match."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration):
        raise RefusedError("schema", "the quotes in the line do not match") from None


def reference(*parts: str) -> str:
    """Make an id for a line without one from the fields that identify it; hashed, because ids reach logs."""
    return sha256("|".join(parts).encode()).hexdigest()[:20]
