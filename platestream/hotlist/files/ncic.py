"""The fixed-width extract of NCIC: type, NIC, ORI, date, plate, state, years, make, model, style, color."""

import re
from collections.abc import Iterable, Iterator

from platestream.hotlist.files import codes
from platestream.hotlist.files.lines import Fields, Line, parse_each
from platestream.schemas.message import RefusedError

ORI = re.compile(r"[A-Z0-9]{9}")
DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
SHORTEST = 39  # up to the state; lines are often stripped of trailing blanks


def read(lines: Iterable[str]) -> Iterator[Line]:
    """Parse the entries of an extract; a first line that is no record is its header."""
    first = True

    def parse(line: str) -> Fields | None:
        nonlocal first
        header, first = first and not line[1:10].isdigit(), False
        return None if header else record(line)

    return parse_each(lines, parse)


def record(line: str) -> Fields:
    """Parse one line. Raises RefusedError that names the field."""
    if len(line) < SHORTEST:
        raise RefusedError("schema", "the line ends before `state`")
    if not line[1:10].isdigit():
        raise RefusedError("schema", "`nic` is not nine digits")
    if not ORI.fullmatch(line[10:19]):
        raise RefusedError("schema", "`ori` is not nine letters and digits")
    if not DATE.fullmatch(line[19:27]):
        raise RefusedError("schema", "`date` is no day (20261127)")
    category, reason = codes.category(line[0].upper())
    return {
        "reference": f"{line[0].upper()}{line[1:10]}",
        "category": category,
        "plate": codes.plate(line[27:37]),
        "state": codes.state(line[37:39]),
        "make": codes.make(line[49:53]),
        "model": line[53:56].strip(),
        "body": codes.body(line[56:58]),
        "colour": codes.colour(line[58:]),
        "reason": reason,
        "other": f"NIC {line[:10]}, ORI {line[10:19].strip()}, entered {line[19:27].strip()}",
    }
