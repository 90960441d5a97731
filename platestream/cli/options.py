"""Arguments and options that several commands share."""

from datetime import datetime
from typing import Annotated, Any

import typer

from platestream.cli.door import DAYS, TIMES


def existing_file(text: str, *names: str) -> Any:
    """Return an option for an existing file; `text` is its help."""
    return typer.Option(*names, exists=True, dir_okay=False, help=text)


def existing_folder(text: str, *names: str) -> Any:
    """Return an option for an existing folder; `text` is its help."""
    return typer.Option(*names, exists=True, file_okay=False, help=text)


def day(text: str, *names: str) -> Any:
    """Return an option for a day in the agency's time zone; `text` is its help."""
    return typer.Option(*names, formats=DAYS, help=text)


ApprovedBy = Annotated[str, typer.Option(help="Approved by.")]
Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only this camera. Repeatable.")]
Case = Annotated[str, typer.Option(help="Case or incident number.")]
CsvColumns = Annotated[str, typer.Option(help="Column names of a CSV without a header, `plate,,state`.")]
CsvDelimiter = Annotated[str, typer.Option(help="Delimiter of such a CSV.")]
LookBack = Annotated[bool, typer.Option("--look-back/--no-look-back", help="Search the last 30 days.")]
MetricsPort = Annotated[int, typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: none.")]
Purpose = Annotated[str, typer.Option(help="One of the agency's purposes, if it lists any.")]
Since = Annotated[
    datetime | None, typer.Option(formats=TIMES, help="Start of the period, in the agency's time zone.")
]
Until = Annotated[
    datetime | None, typer.Option(formats=TIMES, help="End of the period, in the agency's time zone.")
]
Violation = Annotated[str, typer.Option(help="Violation under investigation, if the purpose requires it.")]
