"""`platestream report`: what the agency can publish, and what the reader got wrong."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, table, write
from platestream.cli.entrance import entrance
from services.reports import public as publishing
from services.reports import reading
from services.reports import transparency as job

app = typer.Typer(no_args_is_help=True, help="Reports without a plate: transparency, precision, confusions.")

DAY = ["%Y-%m-%d"]


@app.command()
def transparency(
    half: Annotated[str, typer.Option(help="A half-year: 2026-1 or 2026-2.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=DAY, help="First day, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAY, help="The day after the last.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of Markdown.")] = False,
    file: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there.")] = None,
) -> None:
    """Figures of a half-year, or of any period, that can be published: no plate, person or camera is in them.

    Examples: platestream report transparency --half 2026-2
    and platestream report transparency --since 2026-11-01 --until 2026-12-01 --json
    """
    if bool(half) == bool(since and until):
        raise typer.BadParameter("either --half, or --since and --until")
    period = job.Period.half(half) if half else job.Period(since.date(), until.date())  # type: ignore[union-attr]
    with entrance("report transparency") as door:
        told = job.figures(door, period, datetime.now(UTC))
    text = job.as_json(told) if as_json else job.markdown(told)
    if file is None:
        write(text)
    else:
        file.write_text(text, encoding="utf-8")
        err.print(f"written: {file}")


@app.command()
def public(
    rhythm: Annotated[str, typer.Option(help="As the profile names it: monthly, annual-report …")],
    period: Annotated[
        str, typer.Option(help="Such as 2026-10 or 2026; the last one that is over by default.")
    ] = "",
    file: Annotated[Path | None, typer.Option(dir_okay=False, help="Write it there.")] = None,
) -> None:
    """Figures of a period that a state's law has the agency publish: no plate, person or case is in them.

    Publish the file as it is, then put that on record: platestream report publish.

    Example: platestream report public --rhythm monthly --period 2026-10 --file 2026-10.json
    """
    with entrance("report public") as door:
        told = publishing.figures(door, rhythm, period, datetime.now(UTC))
    text = publishing.as_json(told)
    if file is None:
        write(text)
    else:
        file.write_text(text, encoding="utf-8")
        err.print(f"written: {file}")


@app.command()
def publish(
    rhythm: Annotated[str, typer.Argument(help="As the profile names it: monthly, annual-report …")],
    period: Annotated[str, typer.Argument(help="Such as 2026-10 or 2026.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What was published.")],
    where: Annotated[str, typer.Option(help="Where: its address.")],
) -> None:
    """Put on record that a report was published: by whom, when, where, and which bytes.

    The file must be as `report public` made it, and have the figures that the records have now. The time that
    counts is that of this act.

    Example: platestream report publish monthly 2026-10 2026-10.json --where https://police.example.gov/alpr
    """
    with entrance("report publish") as door:
        done = publishing.publish(door, rhythm, period, where, file.read_bytes(), datetime.now(UTC))
    out.print(f"on record as entry {done.entry.number} of the audit ledger; SHA-256 {done.published.sha256}")


@app.command()
def precision(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each row.")] = False,
) -> None:
    """How often hits were right, by month, list, camera and way of matching, with the 95 % interval.

    Example: platestream report precision
    """
    with entrance("report precision") as door:
        rows = reading.precision(door)
    if as_json:
        for row in rows:
            print_json(row)
        return
    made = table("month", "list", "camera", "match", "hits", "verified", "right", "share", "95 % interval")
    for row in rows:
        what = (f"{row.month:%Y-%m}", row.source, row.camera_id, row.match)
        counts = (str(row.hits), str(row.verified), str(row.confirmed))
        made.add_row(*what, *counts, *_share(row))
    out.print(made)


@app.command()
def confusions(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Which characters the reader took for which, as officers saw it, beside what matching reckons with.

    Example: platestream report confusions
    """
    with entrance("report confusions") as door:
        told = reading.confusions(door)
    if as_json:
        print_json(told)
        return
    made = table("actual", "read as", "hits", "in 1,000 characters", "matching reckons (share of the actual)")
    for one in told.confusions:
        rate = f"{1000 * one.hits / told.characters_verified:.2f}" if told.characters_verified else ""
        made.add_row(one.actual, one.read, str(one.hits), rate, f"{one.reckoned:.4f}")
    out.print(made)
    err.print(f"{told.characters_verified} characters of verified hits")


def _share(row: reading.Precision) -> tuple[str, str]:
    if row.precision is None:
        return "", ""
    return f"{row.precision:.1%}", f"{row.low:.1%} to {row.high:.1%}"
