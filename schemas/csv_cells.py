"""Lines of CSV that a spreadsheet takes for text and numbers, and for no formula."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

from schemas.visible import visible

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_STARTS = "=+-@|%"
"""What a formula, or a command of an old spreadsheet, begins with."""


def csv_line(cells: Iterable[object]) -> str:
    """Return the cells as one line of CSV, with its end.

    Text that a spreadsheet could take for a formula gets an apostrophe before it, as OWASP advises; numbers,
    also those that are text, stay numbers. Control characters, and what hides or reorders text, are escaped.
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_safe(cell) for cell in cells])
    return line.getvalue()


def _safe(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    shown = visible(cell)
    if _NUMBER.fullmatch(shown):
        return shown
    # Full-width signs count as the plain ones, and spreadsheets skip blanks, controls and quotes before them.
    plain = unicodedata.normalize("NFKC", cell).lstrip()
    first = next((one for one in plain if one.isprintable() and one not in " '\""), "")
    starts = cell[:1] in ("\t", "\r", "\n", "\0") or (first != "" and first in _STARTS)
    return f"'{shown}" if starts else shown
