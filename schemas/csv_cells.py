"""CSV lines that a spreadsheet reads as text and numbers, never as formulas."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

from platestream.schemas.escape_invisible import escape_invisible

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_STARTS = "=+-@|%"
"""First characters of a formula, or of a command of an old spreadsheet."""


def csv_line(cells: Iterable[object]) -> str:
    """Return the cells as one line of CSV, with its line end.

    Text that a spreadsheet could take for a formula gets an apostrophe in front, as OWASP advises. Numbers,
    including numbers given as text, stay numbers. Control characters, and characters that hide or reorder
    text, are escaped.
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_safe(cell) for cell in cells])
    return line.getvalue()


def _safe(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    shown = escape_invisible(cell)
    if _NUMBER.fullmatch(shown):
        return shown
    # Full-width signs count as the plain ones, and spreadsheets skip blanks, controls and quotes before them.
    plain = unicodedata.normalize("NFKC", cell).lstrip()
    first = next((one for one in plain if one.isprintable() and one not in " '\""), "")
    starts = cell[:1] in ("\t", "\r", "\n", "\0") or (first != "" and first in _STARTS)
    return f"'{shown}" if starts else shown
