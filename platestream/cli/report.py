"""`platestream report`: what the agency can publish, and what the reader got wrong."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from connectors.clickhouse_client import AUDITOR, connect, run
from connectors.profiles import load as load_profile
from connectors.settings import load_settings
from platestream.cli.console import err, out, print_json, table
from schemas.confusions import LIKELY, UNSEEN
from services.reports import transparency as job

app = typer.Typer(no_args_is_help=True, help="Reports without a plate: transparency, precision, confusions.")

DAY = ["%Y-%m-%d"]
_PRECISION = """
SELECT month, source, camera_id, match, hits, verified, confirmed, precision, low, high
FROM platestream.hit_precision ORDER BY month DESC, source, camera_id, match
"""
_CONFUSIONS = """
SELECT actual, read, sum(hits) FROM platestream.hit_confusions GROUP BY actual, read ORDER BY 3 DESC, actual,
read
"""
_CHARACTERS = "SELECT sum(characters) FROM platestream.hit_states WHERE visual IN ('confirmed', 'misread')"


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
    settings = load_settings()
    profile = load_profile(settings.profile)
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    kept = profile.retention.span.total_seconds() / 86400
    told = job.figures(client, period, profile.agency.name, kept)
    text = job.as_json(told) if as_json else job.markdown(told)
    if file is None:
        typer.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")
        err.print(f"written: {file}")


@app.command()
def precision(
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a row.")] = False,
) -> None:
    """How often hits were right, by month, list, camera and way of matching, with the 95 % interval.

    Example: platestream report precision
    """
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    answer = run("reading the precision", lambda: client.query(_PRECISION))
    if as_json:
        for row in answer.named_results():
            print_json(row)
        return
    made = table("month", "list", "camera", "match", "hits", "verified", "right", "share", "95 % interval")
    for month, source, camera, match, hits, verified, right, share, low, high in answer.result_rows:
        shown = ("", "") if share is None else (f"{share:.1%}", f"{low:.1%} to {high:.1%}")
        made.add_row(f"{month:%Y-%m}", source, camera, match, str(hits), str(verified), str(right), *shown)
    out.print(made)


@app.command()
def confusions(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Which characters the reader took for which, as officers saw it, beside what matching reckons with.

    Example: platestream report confusions
    """
    settings = load_settings()
    client = connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)
    rows = run("reading confusions", lambda: client.query(_CONFUSIONS)).result_rows
    ((characters,),) = run("reading confusions", lambda: client.query(_CHARACTERS)).result_rows
    if as_json:
        pairs = [
            {"actual": actual, "read": read, "hits": hits, "reckoned": LIKELY.get((actual, read), UNSEEN)}
            for actual, read, hits in rows
        ]
        print_json({"characters_verified": characters, "confusions": pairs})
        return
    made = table("actual", "read as", "hits", "in 1,000 characters", "matching reckons (share of the actual)")
    for actual, read, hits in rows:
        rate = f"{1000 * hits / characters:.2f}" if characters else ""
        made.add_row(actual, read, str(hits), rate, f"{LIKELY.get((actual, read), UNSEEN):.4f}")
    out.print(made)
    err.print(f"{characters} characters of verified hits")
