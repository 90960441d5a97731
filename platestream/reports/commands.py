"""`platestream report`: figures for publication, and measures of reading errors."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.door import open_door, settings
from platestream.cli.options import day
from platestream.cli.output import err, out, print_json, print_list, table, write
from platestream.reports import law_reports, public_figures, reading
from platestream.reports import transparency as job

app = typer.Typer(no_args_is_help=True, help="Report figures, without plates.")

OutFile = Annotated[Path | None, typer.Option(dir_okay=False, help="Write to this file.")]


@app.command()
def transparency(
    half: Annotated[str, typer.Option(help="A half-year: 2026-1 or 2026-2.")] = "",
    since: Annotated[datetime | None, day("First day, UTC.")] = None,
    until: Annotated[datetime | None, day("The day after the last.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of Markdown.")] = False,
    file: OutFile = None,
) -> None:
    """Report figures of a half-year, or of any period, for publication. They hold no plates, people or
    cameras.

    Examples: platestream report transparency --half 2026-2
    and platestream report transparency --since 2026-11-01 --until 2026-12-01 --json
    """
    if bool(half) == bool(since and until):
        raise typer.BadParameter("give either --half, or --since and --until")
    period = job.Period.half(half) if half else job.Period(since.date(), until.date())  # type: ignore[union-attr]
    with open_door("report transparency") as door:
        figures = job.figures(door, period, datetime.now(UTC))
    text = job.as_json(figures) if as_json else job.markdown(figures)
    _write(text, file)


@app.command()
def public(
    rhythm: Annotated[str, typer.Option(help="Name of the report in the profile: monthly, annual-report …")],
    period: Annotated[
        str, typer.Option(help="Period, for example 2026-10 or 2026; default: the last completed one.")
    ] = "",
    file: OutFile = None,
) -> None:
    """Report figures of a period that a state's law has the agency publish. They hold no plates, people or
    cases.

    Publish the file unchanged, then record the publication: platestream report publish.

    Example: platestream report public --rhythm monthly --period 2026-10 --file 2026-10.json
    """
    with open_door("report public") as door:
        figures = law_reports.figures(door, rhythm, period, datetime.now(UTC))
    text = job.as_json(figures)
    _write(text, file)


@app.command()
def publish(
    rhythm: Annotated[
        str, typer.Argument(help="Name of the report in the profile: monthly, annual-report …")
    ],
    period: Annotated[str, typer.Argument(help="Period, for example 2026-10 or 2026.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The published file.")],
    where: Annotated[str, typer.Option(help="Address of the publication.")],
) -> None:
    """Record the publication of a report: by whom, when, where, and the hash of the file.

    The file must be unchanged since `report public`, and its figures must match the current records. The time
    of this act counts as the time of publication.

    Example: platestream report publish monthly 2026-10 2026-10.json --where https://police.example.gov/alpr
    """
    with open_door("report publish") as door:
        done = law_reports.publish(door, rhythm, period, where, file.read_bytes(), datetime.now(UTC))
    out.print(f"recorded as entry {done.entry.number} of the audit ledger; SHA-256 {done.published.sha256}")


@app.command("count")
def count_for_the_public(
    every: Annotated[int, typer.Option(min=0, help="Hours between counts; 0: count once.")] = 0,
) -> None:
    """Count the figures of the public page: the twelve months that are over, beside the twelve before. They
    hold no plates, people, cameras or small counts.

    The file is public_figures.json in PLATESTREAM_DATA. `platestream up --transparency` counts once a day.

    Example: platestream report count
    """
    while True:
        with open_door("report count") as door:
            file = public_figures.store(door.settings, public_figures.count(door, datetime.now(UTC)))
        err.print(f"written: {file}")
        if not every:
            return
        time.sleep(3600 * every)


@app.command("serve")
def serve_the_public(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8092,
) -> None:
    """Serve the public page until Ctrl-C: charts and tables of the counted figures, for everyone.

    It reads only the file that `platestream report count` writes, and no database. A web server of the agency
    makes it public.

    Example: platestream report serve --port 8092
    """
    from platestream.reports.http_server import app as public_page
    from platestream.runtime.http_server import serve

    err.print(f"the public page is on http://127.0.0.1:{port}/ until Ctrl-C")
    serve(public_page(settings()), port)


@app.command()
def precision(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each row.")] = False,
) -> None:
    """Report the precision of hits by month, list, camera and way of matching, with the 95 % interval.

    Example: platestream report precision
    """
    with open_door("report precision") as door:
        rows = reading.precision(door)
    print_list(
        rows,
        ("month", "list", "camera", "match", "hits", "verified", "right", "share", "95 % interval"),
        lambda row: (
            *(f"{row.month:%Y-%m}", row.source, row.camera_id, row.match),
            *(str(row.hits), str(row.verified), str(row.confirmed), *_share(row)),
        ),
        as_json=as_json,
    )


@app.command()
def confusions(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Report the character confusions that officers recorded, beside those that matching assumes.

    Example: platestream report confusions
    """
    with open_door("report confusions") as door:
        figures = reading.confusions(door)
    if as_json:
        print_json(figures)
        return
    assumed = "assumed by matching (share of the actual)"
    made = table("actual", "read as", "hits", "in 1,000 characters", assumed)
    for one in figures.confusions:
        rate = f"{1000 * one.hits / figures.characters_verified:.2f}" if figures.characters_verified else ""
        made.add_row(one.actual, one.read, str(one.hits), rate, f"{one.reckoned:.4f}")
    out.print(made)
    err.print(f"{figures.characters_verified} characters of verified hits")


def _write(text: str, file: Path | None) -> None:
    if file is None:
        write(text)
    else:
        file.write_text(text, encoding="utf-8")
        err.print(f"written: {file}")


def _share(row: reading.Precision) -> tuple[str, str]:
    if row.precision is None:
        return "", ""
    return f"{row.precision:.1%}", f"{row.low:.1%} to {row.high:.1%}"
