"""Output of commands: foreign text is shown as text, never as markup or as a terminal escape sequence."""

import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text as Text

from platestream.schemas.escape_invisible import escape_invisible, escape_invisible_json

T = TypeVar("T")


class Output(Console):
    """Rich console that prints each text unchanged on one line, with invisible characters escaped.

    Pass several texts with a `sep`. A style comes from `styled`, never from a text.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, soft_wrap=True, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text without markup. All texts that are printed or placed in tables pass through here."""
        options.update(markup=False, emoji=False, highlight=False)
        return super().render_str(escape_invisible(text), **options)


# A pipe gets a table as wide as its content. On a terminal the table folds and loses nothing.
out = Output(width=None if sys.stdout.isatty() else 160)
err = Output(stderr=True)


def table(*columns: str, rows: Iterable[Iterable[str | Text]] = ()) -> Table:
    """Make a table that folds long cells instead of cutting them."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def print_list(
    found: Iterable[T], columns: Iterable[str], cells: Callable[[T], Iterable[str | Text]], *, as_json: bool
) -> None:
    """Print one JSON line for each item, or a table of their cells."""
    if not as_json:
        out.print(table(*columns, rows=map(cells, found)))
        return
    for one in found:
        print_json(one)


def print_faults(faults: Iterable[str]) -> None:
    """Print each fault to stderr, and exit with 1 if there is one."""
    found = list(faults)
    for fault in found:
        err.print(fault)
    if found:
        raise typer.Exit(1)


def styled(text: str, style: str) -> Text:
    """Return a text in a style of Rich, such as `bold` or `red`."""
    return Text(escape_invisible(text), style=style)


def lines(parts: Iterable[str | Text]) -> Text:
    """Return several texts, one below the other, for a cell."""
    return Text("\n").join(part if isinstance(part, Text) else Text(escape_invisible(part)) for part in parts)


def progress_name(text: str) -> str:
    """Return a text for the description of a progress bar, which Rich reads as markup."""
    return escape(escape_invisible(text))


def program() -> str:
    """Return the name of this program, or its path where PATH has another or none of that name."""
    name = Path(sys.argv[0]).name
    found = shutil.which(name)
    return name if found and Path(found).samefile(sys.argv[0]) else sys.argv[0]


def write(text: str) -> None:
    """Write a text of several lines, such as a report, to stdout."""
    sys.stdout.write(escape_invisible(text, keep="\n"))
    sys.stdout.flush()


def print_json(value: Any) -> None:
    """Write one JSON value on one line of stdout."""
    write_json(msgspec.json.encode(value).decode())


def write_json(text: str) -> None:
    """Write a JSON text on one line of stdout, with what cannot be seen escaped: the same value."""
    sys.stdout.write(escape_invisible_json(text) + "\n")
    sys.stdout.flush()


def ask_secret(what: str, **options: Any) -> str:
    """Ask for a password or code without showing it; without a terminal it is a line of stdin."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True, **options))
    return sys.stdin.readline().rstrip("\n")
