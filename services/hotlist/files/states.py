"""Layouts that state agencies hand out: fixed columns, CSV without names, words in a row."""

import re
from collections.abc import Iterable, Iterator, Sequence

from schemas.message import RefusedError
from services.hotlist.files import codes
from services.hotlist.files.lines import Line, Told, cells, each, reference


def texas(lines: Iterable[str]) -> Iterator[Line]:
    """CSV: id with type, ORI, date, plate, state, plate year, vehicle year, make, model, body, colour."""

    def parse(line: str) -> Told:
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

    return each(lines, parse)


def iowa(lines: Iterable[str]) -> Iterator[Line]:
    """CSV: plate, expiry of the plate, type, state, OCA, reason, ORI."""

    def parse(line: str) -> Told:
        plate, _expiry, kind, state, oca, reason, ori = _cells(line, 7)
        return {
            **_known(plate, state),
            "reference": reference(codes.plate(plate), state, oca),
            "category": codes.category_of_words(reason),
            "case_number": oca,
            "reason": reason,
            "other": f"ORI {ori}, plate type {kind}",
        }

    return each(lines, parse)


def california(category: str, reason: str) -> "_California":
    """CLEW tables: plate 8, state 2, county 2, date 8; the table's name says what it lists."""
    return _California(category, reason)


class _California:
    def __init__(self, category: str, reason: str) -> None:
        self._category, self._reason = category, reason

    def __call__(self, lines: Iterable[str]) -> Iterator[Line]:
        return each(lines, self._parse)

    def _parse(self, line: str) -> Told:
        _long_enough(line, 10)
        return {
            **_known(line[:8], line[8:10]),
            "reference": reference(codes.plate(line[:8]), line[8:10], self._category),
            "category": self._category,
            "reason": self._reason,
            "other": f"county {line[10:12].strip()}, entered {line[12:20].strip()}",
        }


def new_york(lines: Iterable[str]) -> Iterator[Line]:
    """Fixed: plate 10, state 2, plate type 3, kind 1, make 4, colour 2. The kind is not told: stolen."""

    def parse(line: str) -> Told:
        _long_enough(line, 12)
        return {
            **_known(line[:10], line[10:12], line[16:20], "", line[20:22]),
            "reference": reference(codes.plate(line[:10]), line[10:12], line[15:16]),
            "category": "stolen_vehicle",
            "reason": f"Listed by New York, kind {line[15:16]}",
        }

    return each(lines, parse)


def colorado(lines: Iterable[str]) -> Iterator[Line]:
    """Fixed: plate 10, state 2, reason 24; then year, make, model and colour in words."""

    def parse(line: str) -> Told:
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

    return each(lines, parse)


def illinois(lines: Iterable[str]) -> Iterator[Line]:
    """LEADS: plate 8, state 2, plate type 2, list 7; then KEY/value pairs such as VYR/05 VMA/DODG."""

    def parse(line: str) -> Told:
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

    return each(lines, parse)


def ohio(lines: Iterable[str]) -> Iterator[Line]:
    """LEADS: LIC LIS EXP DOW VMA VMO VYR VCO MISC, blanks between; O is written 0 in all of them."""

    def parse(line: str) -> Told:
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

    return each(lines, parse)


def columns(names: Sequence[str], delimiter: str = ",") -> "_Columns":
    """CSV without a line of names: `names` says what each column is, an empty one is left out."""
    return _Columns(names, delimiter)


class _Columns:
    def __init__(self, names: Sequence[str], delimiter: str) -> None:
        self._names, self._delimiter = names, delimiter

    def __call__(self, lines: Iterable[str]) -> Iterator[Line]:
        return each(lines, self._parse)

    def _parse(self, line: str) -> Told:
        found = _cells(line, len(self._names), self._delimiter)
        told = {name: cell for name, cell in zip(self._names, found, strict=True) if name}
        plate, state = told.get("plate", ""), told.get("state", "")
        told |= _known(plate, state, *(told.get(name, "") for name in ("make", "model", "colour")))
        told.setdefault("reference", reference(told["plate"], state, told.get("case_number", "")))
        if not told.get("category"):
            told["category"] = codes.category_of_words(told.get("reason", ""))
        return told


def _known(plate: str, state: str, make: str = "", model: str = "", colour: str = "") -> Told:
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
