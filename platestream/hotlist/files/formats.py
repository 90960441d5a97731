"""The layouts by name, and this project's own CSV, whose first line names its columns."""

from collections.abc import Iterable, Iterator

from platestream.hotlist.files import ncic, states
from platestream.hotlist.files.column_map import ACTIONS, registered
from platestream.hotlist.files.lines import Fields, Line, Parser, cells, parse_each, without_line_break
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

COLUMNS = (
    *("reference", "category", "plate", "state", "make", "model", "colour", "body", "marks", "case_number"),
    *("reason", "requested_by", "contact", "instructions", "other", "valid_from", "expires_at"),
    *("look_alikes", "cameras", "areas", "hours", "silenced_for", "again_after_s"),
)

SPELLINGS = {"color": "colour"}
"""Columns under another spelling."""


def own_csv(lines: Iterable[str]) -> Iterator[Line]:
    """Parse CSV whose first line names columns (COLUMNS). Raises RefusedError for an unknown column."""
    rest = iter(lines)
    names = [SPELLINGS.get(name, name) for name in cells(without_line_break(next(rest, "")))]
    unknown = set(names) - {*COLUMNS, "action"}
    if unknown or "plate" not in names:
        what = pluralize(len(unknown), "unknown column") if unknown else "no column `plate`"
        raise RefusedError("columns", f"line 1 has {what}; known are {', '.join(COLUMNS)}")

    def parse(line: str) -> Fields:
        found = cells(line)
        if len(found) != len(names):
            raise RefusedError("schema", f"{len(found)} columns, expected {len(names)} as in line 1")
        fields = dict(zip(names, found, strict=True))
        return fields if "action" not in fields else {**fields, "action": _action(fields["action"])}

    for number, fields in parse_each(rest, parse):
        yield number + 1, fields


def _action(said: str) -> str:
    if said.upper() not in ACTIONS:
        raise RefusedError("schema", "`action` is none of add, change and clear")
    return ACTIONS[said.upper()]


FORMATS: dict[str, Parser] = {
    "csv": own_csv,
    "ncic": ncic.read,
    "texas": states.texas,
    "iowa": states.iowa,
    "california-svs": states.california("stolen_vehicle", "Stolen vehicle, California"),
    "california-sfr": states.california("wanted_person", "Felony vehicle, California"),
    "california-slr": states.california("stolen_plate", "Lost or stolen plate, California"),
    "new-york": states.new_york,
    "colorado": states.colorado,
    "illinois": states.illinois,
    "ohio": states.ohio,
}


MAP = "map"
"""Name of the layout of a feed that has a column map."""


def parser_of(feed: RegistryRecord | None, name: str, columns: str = "", delimiter: str = ",") -> Parser:
    """Return the parser of a file of `feed`: by its registered column map, or as `parser`. Raises
    RefusedError.
    """
    if name == MAP and not columns:
        return registered(feed.feed_map if feed else "")
    return parser(name, columns, delimiter)


def layout_name(name: str, columns: str = "", delimiter: str = ",") -> str:
    """Return the name of a layout, or the delimiter and the columns as one text.

    >>> layout_name("ncic"), layout_name("csv", "plate,,state", ";")
    ('ncic', ';plate,,state')
    """
    return f"{delimiter}{columns}" if columns else name


def split_layout(text: str) -> tuple[str, str, str]:
    """Return name, columns and delimiter of a layout's text, the reverse of `layout_name`.

    >>> split_layout("ncic"), split_layout(";plate,,state")
    (('ncic', '', ','), ('csv', 'plate,,state', ';'))
    """
    plain = text.replace("-", "").isalnum()
    return (text, "", ",") if plain else ("csv", text[1:], text[:1])


def parser(name: str, columns: str = "", delimiter: str = ",") -> Parser:
    """Return the parser of a named layout, or of CSV by its columns. Raises RefusedError that lists the known
    ones.
    """
    if columns:
        if len(delimiter) != 1 or delimiter in '\r\n"\0':
            raise RefusedError(
                "columns", "`delimiter` is one character, and neither a quote nor a line's end"
            )
        names = [column.strip() for column in columns.split(",")]
        wrong = set(filter(None, names)) - set(COLUMNS)
        if wrong or "plate" not in names:
            raise RefusedError("columns", f"`columns` needs plate and may name {', '.join(COLUMNS)}")
        return states.columns(names, delimiter)
    if name not in FORMATS:
        raise RefusedError("format", f"no layout `{name}`; there are {', '.join(FORMATS)}")
    return FORMATS[name]
