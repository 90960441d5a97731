"""Column maps: layouts of hot list files that an agency declares itself, by positions or by a delimiter.

A map is a TOML file. The registry stores its content with the feed, so that a file changed on disk lists
nothing else. Columns are named as in this project's own CSV or by NCIC's field codes (`LIC`, `VMA`, `NIC` …);
a code without a field of its own (`VIN`, `ORI`) goes to `other` with its name. Limits of an entry, such as
cameras or silenced agencies, cannot be declared: they are this agency's, not the list's owner's.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

from platestream.hotlist.files import codes
from platestream.hotlist.files.lines import Fields, Line, cells, parse_each, reference
from platestream.schemas.message import RefusedError

NO_PLATE = "no_plate"
"""Reason of a line without a plate, as stolen vehicles known by VIN alone have: left out, and no bad line."""
MAPPED = (
    *("reference", "category", "plate", "state", "make", "model", "colour", "body", "case_number", "reason"),
    *("instructions", "other", "valid_from", "expires_at", "action"),
)
ALIASES = {
    **{"color": "colour", "LIC": "plate", "LIS": "state", "VMA": "make", "VMO": "model", "VST": "body"},
    **{"VCO": "colour", "OCA": "case_number", "NIC": "reference", "MKE": "category"},
}
DATES = ("valid_from", "expires_at")
Action = Literal["add", "change", "clear"]
ACTIONS: dict[str, Action] = {
    **{
        "": "add",
        "A": "add",
        "ADD": "add",
        "C": "change",
        "CHANGE": "change",
        "D": "clear",
        "DELETE": "clear",
    },
    **{"CLEAR": "clear"},
}
MESSAGE_KEYS = {
    **{"V": ("stolen_vehicle", "Stolen vehicle"), "F": ("wanted_person", "Felony vehicle")},
    **{"L": ("stolen_plate", "Stolen plate"), "W": ("wanted_person", "Wanted person")},
    "M": ("missing_person", "Missing person"),
}
"""Second letter of an NCIC message key -> category and reason; untried with a state's own file."""
KEY_ACTIONS: dict[str, Action] = {"E": "add", "M": "change", "C": "clear", "X": "clear"}
"""First letter of a message key: enter, modify, clear, cancel. `L`, locate, has to be declared in `actions`.
"""
LONGEST_MAP = 4000
_CODE = re.compile(r"[A-Z]{3}")
_RANGE = re.compile(r"([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?")


class ColumnMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The layout of a file. Without `delimiter` columns are positions, `"28-37"`, counted from 1; with one
    they are numbers of columns.
    """

    columns: dict[str, str | int]
    delimiter: Annotated[str, Meta(max_length=1)] = ""
    header_lines: Annotated[int, Meta(ge=0, le=100)] = 0
    dates: Annotated[str, Meta(max_length=40)] = "%Y%m%d"
    reason: Annotated[str, Meta(max_length=200)] = ""
    category: Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]{1,31})?$")] = ""
    categories: dict[str, str] = {}
    actions: dict[str, Action] = {}

    @classmethod
    def read(cls, text: str) -> Self:
        """Decode a map of TOML. Raises RefusedError that names what is wrong."""
        try:
            made = msgspec.convert(tomllib.loads(text), cls)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
            raise RefusedError("columns", f"the column map cannot be read: {error}") from None
        made.check()
        return made

    @classmethod
    def stored(cls, text: str) -> Self:
        """Decode a map as the registry stores it. Raises RefusedError."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError:
            raise RefusedError("columns", "no column map is registered: registry source NAME --map") from None

    def to_text(self) -> str:
        """Return the map as the registry stores it, the same text for the same map. Raises RefusedError for a
        map that is too long.
        """
        text = msgspec.json.encode(self, order="sorted").decode()
        if len(text) > LONGEST_MAP:
            raise RefusedError("columns", f"the column map is longer than {LONGEST_MAP} characters")
        return text

    def check(self) -> None:
        """Raise RefusedError for a map that no file can follow."""
        if self.delimiter in ("\r", "\n", '"', "\0"):
            raise RefusedError("columns", "`delimiter` is one character, neither a quote nor a line's end")
        names = [ALIASES.get(name, name) for name in self.columns]
        unknown = [name for name in names if name not in MAPPED and not _CODE.fullmatch(name)]
        if unknown or "plate" not in names:
            raise RefusedError(
                "columns",
                f"`columns` {f'cannot name {unknown[0]}' if unknown else 'needs plate (or LIC)'}: "
                f"it may name {', '.join(MAPPED)} and codes of NCIC",
            )
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise RefusedError("columns", f"`columns` names {twice} twice")
        for place in self.columns.values():
            self._span(place)
        if "category" not in names and not self.category:
            raise RefusedError("columns", "name a column `category` (or MKE), or the `category` of all lines")

    def parse(self, lines: Iterable[str]) -> Iterator[Line]:
        """Parse a file: for each line its number, and its fields or its refusal."""
        rest = iter(lines)
        for _header in range(self.header_lines):
            next(rest, None)
        spans = {name: self._span(place) for name, place in self.columns.items()}
        cut = partial(self._cut, spans, max(span.stop for span in spans.values()))
        for number, fields in parse_each(rest, lambda line: self._fields(cut(line))):
            yield number + self.header_lines, fields

    def _span(self, place: str | int) -> slice:
        """Return the part of a line, or of its cells, that a column is. Raises RefusedError."""
        if self.delimiter:
            if isinstance(place, int) and 1 <= place <= 500:
                return slice(place - 1, place)
            raise RefusedError("columns", "with a `delimiter` a column is a number from 1 to 500")
        found = _RANGE.fullmatch(str(place))
        if found is None:
            raise RefusedError("columns", 'without a `delimiter` a column is a range of positions, "28-37"')
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise RefusedError("columns", f"the range {place} ends before it begins")
        return slice(first - 1, last)

    def _cut(self, spans: dict[str, slice], most: int, line: str) -> Fields:
        if not self.delimiter:
            # Trailing blanks are often stripped, so that a short line is one whose last columns are empty.
            return {name: line[span].strip() for name, span in spans.items()}
        found = cells(line, self.delimiter)
        if len(found) < most:
            raise RefusedError("schema", f"{len(found)} columns, expected {most} at least")
        return {name: "".join(found[span]) for name, span in spans.items()}

    def _fields(self, said: Fields) -> Fields:
        given = {ALIASES.get(name, name): text for name, text in said.items()}
        action = self._action(given, said.get("MKE", ""))
        known: Fields = {"action": action}
        plate, state = given.get("plate", ""), given.get("state", "")
        if plate or not given.get("reference"):
            if not plate:
                raise RefusedError(NO_PLATE, "`plate` is empty")
            plate = codes.plate(plate)
        case = given.get("case_number", "")
        known["reference"] = given.get("reference") or reference(plate, codes.state(state), case)
        if action == "clear":
            return known
        if not plate:
            raise RefusedError(NO_PLATE, "`plate` is empty")
        category, reason = self._category(given, said.get("MKE", ""))
        known |= {"plate": plate, "state": codes.state(state), "category": category, "case_number": case}
        known |= {"make": codes.make(given.get("make", "")), "model": given.get("model", "")}
        known |= {"colour": codes.colour(given.get("colour", "")), "body": codes.body(given.get("body", ""))}
        known["reason"] = given.get("reason") or self.reason or reason
        known["instructions"] = given.get("instructions", "")
        coded = [f"{name} {text}" for name, text in said.items() if text and _CODE.fullmatch(name)]
        shown = [one for one in coded if ALIASES.get(one[:3]) in (None, "reference")]
        known["other"] = ", ".join([*filter(None, [given.get("other")]), *shown])
        return known | {name: self._date(name, given[name]) for name in DATES if given.get(name)}

    def _action(self, given: Fields, key: str) -> Action:
        said = given.get("action", "").upper()
        if said in self.actions:
            return self.actions[said]
        if key and not said:
            first = key[:1].upper()
            found = self.actions.get(first) or KEY_ACTIONS.get(first)
        else:
            found = ACTIONS.get(said)
        if found is None:
            raise RefusedError("schema", "`action` is none of those that the column map knows")
        return found

    def _category(self, given: Fields, key: str) -> tuple[str, str]:
        said = given.get("category", "")
        if said in self.categories:
            return self.categories[said], ""
        if key and key[1:2].upper() in MESSAGE_KEYS:
            return MESSAGE_KEYS[key[1:2].upper()]
        if self.category:
            return self.category, ""
        raise RefusedError("schema", "`category` is no code that the column map or the message keys know")

    def _date(self, name: str, text: str) -> str:
        try:
            return datetime.strptime(text, self.dates).date().isoformat()  # noqa: DTZ007  a day, without a time
        except ValueError:
            raise RefusedError("schema", f"`{name}` is no date as the column map writes it") from None


def registered(text: str) -> Callable[[Iterable[str]], Iterator[Line]]:
    """Return the parser of a map as the registry stores it. Raises RefusedError."""
    return ColumnMap.stored(text).parse
