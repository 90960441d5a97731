"""Output of commands: text of others is shown as text, never as markup or as an escape of a terminal."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text as Text

from schemas.visible import visible, visible_json


class Output(Console):
    """A console of Rich that shows each text unchanged, on one line, with what cannot be seen escaped.

    Several lines are several texts, with a `sep`. A style is given by `styled`, never in a text.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, soft_wrap=True, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text without markup; all texts that are printed or in tables come by here."""
        options.update(markup=False, emoji=False, highlight=False)
        return super().render_str(visible(text), **options)


# Piped, a table gets room for what it holds; on a terminal it folds and loses nothing.
out = Output(width=None if sys.stdout.isatty() else 160)
err = Output(stderr=True)


def table(*columns: str) -> Table:
    """Make a table that folds long cells instead of cutting them."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def styled(text: str, style: str) -> Text:
    """Return a text in a style of Rich, such as `bold` or `red`."""
    return Text(visible(text), style=style)


def lines(parts: Iterable[str | Text]) -> Text:
    """Return several texts, one below the other, for a cell."""
    return Text("\n").join(part if isinstance(part, Text) else Text(visible(part)) for part in parts)


def progress_name(text: str) -> str:
    """Return a text for the description of a progress bar, which Rich reads as markup."""
    return escape(visible(text))


def write(text: str) -> None:
    """Write a text of several lines, such as a report, to stdout."""
    sys.stdout.write(visible(text, keep="\n"))
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """Write one JSON value on one line of stdout."""
    write_json(msgspec.json.encode(value).decode())


def write_json(text: str) -> None:
    """Write a JSON text on one line of stdout, with what cannot be seen escaped: the same value."""
    sys.stdout.write(visible_json(text) + "\n")
    sys.stdout.flush()
