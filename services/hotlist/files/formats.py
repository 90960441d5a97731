"""The layouts by name, and this project's own CSV, whose first line names its columns."""

from collections.abc import Iterable, Iterator

from schemas.message import RefusedError
from services.hotlist.files import ncic, states
from services.hotlist.files.lines import Line, Parser, Told, cells, each, whole

COLUMNS = (
    *("reference", "category", "plate", "state", "make", "model", "colour", "body", "marks", "case_number"),
    *("reason", "requested_by", "contact", "instructions", "other", "valid_from", "expires_at"),
    *("look_alikes", "cameras", "areas", "hours", "silenced_for", "again_after_s"),
)


def own(lines: Iterable[str]) -> Iterator[Line]:
    """CSV; the first line names columns (COLUMNS). Raises RefusedError for one that it does not know."""
    rest = iter(lines)
    names = cells(whole(next(rest, "")))
    unknown = set(names) - set(COLUMNS)
    if unknown or "plate" not in names:
        what = f"{len(unknown)} unknown columns" if unknown else "no column `plate`"
        raise RefusedError("columns", f"line 1 has {what}; known are {', '.join(COLUMNS)}")

    def parse(line: str) -> Told:
        found = cells(line)
        if len(found) != len(names):
            raise RefusedError("schema", f"{len(found)} columns, expected {len(names)} as in line 1")
        return dict(zip(names, found, strict=True))

    for number, told in each(rest, parse):
        yield number + 1, told


FORMATS: dict[str, Parser] = {
    "csv": own,
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


def layout_name(name: str, columns: str = "", delimiter: str = ",") -> str:
    """A layout as one text: its name, or the delimiter and the columns.

    >>> layout_name("ncic"), layout_name("csv", "plate,,state", ";")
    ('ncic', ';plate,,state')
    """
    return f"{delimiter}{columns}" if columns else name


def parser(name: str, columns: str = "", delimiter: str = ",") -> Parser:
    """A layout by name, or CSV by its columns. Raises RefusedError that says which there are."""
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
