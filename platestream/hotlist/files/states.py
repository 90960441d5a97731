"""Layouts of state agencies: fixed columns, CSV without column names, and words separated by blanks."""

import re
from collections.abc import Sequence

from platestream.hotlist.files import codes
from platestream.hotlist.files.lines import Fields, Parser, cells, each_line, reference
from platestream.schemas.message import RefusedError


@each_line
def texas(line: str) -> Fields:
    """Parse CSV: id with type, ORI, date, plate, state, plate year, vehicle year, make, model, body,
    color.
    """
    identity, ori, date, plate, state, _year, _built, make, model, body, colour = _cells(line, 11)
    category, reason = codes.category(re.sub(r"[^A-Z]", "", identity.upper())[:1])
    return {
        **_known(plate, state, make, model, colour),
        "body": codes.body(body),
        "reference": identity,
        "category": category,
        "reason": reason,
        "other": f"ORI {ori}, entered {date}",
    }


@each_line
def iowa(line: str) -> Fields:
    """Parse CSV: plate, expiry of the plate, type, state, OCA, reason, ORI."""
    plate, _expiry, kind, state, oca, reason, ori = _cells(line, 7)
    return {
        **_known(plate, state),
        "reference": reference(codes.plate(plate), state, oca),
        "category": codes.category_of_words(reason),
        "case_number": oca,
        "reason": reason,
        "other": f"ORI {ori}, plate type {kind}",
    }


def california(category: str, reason: str) -> Parser:
    """Return a parser of CLEW tables: plate 8, state 2, county 2, date 8; each table has one category."""

    def parse(line: str) -> Fields:
        _long_enough(line, 10)
        return {
            **_known(line[:8], line[8:10]),
            "reference": reference(codes.plate(line[:8]), line[8:10], category),
            "category": category,
            "reason": reason,
            "other": f"county {line[10:12].strip()}, entered {line[12:20].strip()}",
        }

    return each_line(parse)


@each_line
def new_york(line: str) -> Fields:
    """Parse fixed columns: plate 10, state 2, plate type 3, kind 1, make 4, color 2. All count as stolen,
    because the meaning of the kind is not published.
    """
    _long_enough(line, 12)
    return {
        **_known(line[:10], line[10:12], line[16:20], "", line[20:22]),
        "reference": reference(codes.plate(line[:10]), line[10:12], line[15:16]),
        "category": "stolen_vehicle",
        "reason": f"Listed by New York, kind {line[15:16]}",
    }


@each_line
def colorado(line: str) -> Fields:
    """Parse fixed columns: plate 10, state 2, reason 24; then year, make, model and color in words."""
    _long_enough(line, 13)
    reason, words = line[12:36].strip(), line[36:].split()
    year, make, model, colour = (
        (*words, "", "", "", "")[:4] if words[:1] and words[0].isdigit() else ("",) * 4
    )
    return {
        **_known(line[:10], line[10:12], make, model, colour),
        "reference": reference(codes.plate(line[:10]), line[10:12], reason),
        "category": codes.category_of_words(reason),
        "reason": reason,
        "other": f"model year {year}" if year else "",
    }


@each_line
def illinois(line: str) -> Fields:
    """Parse LEADS: plate 8, state 2, plate type 2, list 7; then KEY/value pairs such as VYR/05 VMA/DODG."""
    _long_enough(line, 19)
    keyed = dict(re.findall(r"\b([A-Z]{3})/(\S+)", line[19:]))
    said = line[12:19].strip()
    vehicle = (keyed.get(name, "") for name in ("VMA", "VMO", "VCO"))
    return {
        **_known(line[:8], line[8:10], *vehicle),
        "reference": keyed.get("NIC") or reference(codes.plate(line[:8]), line[8:10], said),
        "category": codes.category_of_words(said),
        "case_number": keyed.get("OCA", ""),
        "reason": said,
    }


@each_line
def ohio(line: str) -> Fields:
    """Parse LEADS: LIC LIS EXP DOW VMA VMO VYR VCO MISC, separated by blanks, with O written as 0."""
    words = line.split(maxsplit=8)
    if len(words) < 8:
        raise RefusedError("schema", "the line has fewer than eight fields (LIC to VCO)")
    plate, state, _expires, entered, make, model, year, colour, *rest = words
    said = " ".join(rest)
    return {
        **_known(plate, state, make, model, colour),
        "reference": reference(codes.plate(plate), state, said),
        "category": codes.category_of_words(said),
        "reason": said,
        "other": f"entered {entered}, model year {year}",
    }


def columns(names: Sequence[str], delimiter: str = ",") -> Parser:
    """Return a parser of CSV without a header line: `names` are the columns; one with an empty name is
    ignored.
    """

    def parse(line: str) -> Fields:
        found = _cells(line, len(names), delimiter)
        fields = {name: cell for name, cell in zip(names, found, strict=True) if name}
        plate, state = fields.get("plate", ""), fields.get("state", "")
        fields |= _known(plate, state, *(fields.get(name, "") for name in ("make", "model", "colour")))
        fields.setdefault("reference", reference(fields["plate"], state, fields.get("case_number", "")))
        if not fields.get("category"):
            fields["category"] = codes.category_of_words(fields.get("reason", ""))
        return fields

    return each_line(parse)


def _known(plate: str, state: str, make: str = "", model: str = "", colour: str = "") -> Fields:
    return {
        "plate": codes.plate(plate),
        "state": codes.state(state),
        "make": codes.make(make),
        "model": model.strip(),
        "colour": codes.colour(colour),
    }


def _cells(line: str, count: int, delimiter: str = ",") -> list[str]:
    found = cells(line, delimiter)
    if len(found) != count:
        raise RefusedError("schema", f"{len(found)} columns, expected {count}")
    return found


def _long_enough(line: str, least: int) -> None:
    if len(line) < least:
        raise RefusedError("schema", f"the line is shorter than {least} characters")
