"""The table of panels in `docs/boards.md`.

python -m services.boards.docs
"""

import re
from pathlib import Path

from services.boards import BOARDS
from services.boards.panel import Panel

PAGE = Path(__file__).parents[2] / "docs" / "boards.md"
START, END = "<!-- panels -->\n", "<!-- end -->\n"


def page(text: str) -> str:
    """`text` with the table between its marks made anew."""
    before, _start, rest = text.partition(START)
    _old, _end, after = rest.partition(END)
    return before + START + table() + END + after


def table() -> str:
    """A row a panel: what it asks."""
    rows = [_row(board.title, panel) for board in BOARDS for panel in board.panels]
    return "| board | panel | shown as | asked in | of |\n|---|---|---|---|---|\n" + "".join(rows)


def _row(board: str, panel: Panel) -> str:
    language = "SQL" if panel.sql else "PromQL"
    return f"| {board} | {panel.title} | {panel.kind} | {language} | {_asked(panel)} |\n"


def _asked(panel: Panel) -> str:
    found = re.findall(r"platestream\.(\w+)", panel.sql) or re.findall(
        r"\b(?:platestream|process|bytewax)_\w+|\bup\b", panel.promql
    )
    return ", ".join(f"`{name}`" for name in dict.fromkeys(found)) or "what is declared"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
