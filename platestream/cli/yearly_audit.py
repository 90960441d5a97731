"""`platestream audit sample`, `finding` and `memo`: the yearly audit (order, section K)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from clickhouse_connect.driver.client import Client
from rich.table import Table

from connectors.clickhouse_client import AUDITOR, connect
from connectors.profiles import load as load_profile
from connectors.settings import Settings, load_settings
from platestream.cli.console import err, out, print_json
from schemas.ledger import LedgerEntry
from services import records
from services.yearly_audit import draw as drawing
from services.yearly_audit import findings as judging
from services.yearly_audit import memo as memos
from services.yearly_audit.pdf import pdf
from services.yearly_audit.text import markdown


def sample(
    year: Annotated[int | None, typer.Option(help="Calendar year of the audit; this one by default.")] = None,
    again: Annotated[
        str, typer.Option(help="Why another draw is made for a year that has one; it is logged.")
    ] = "",
    show: Annotated[int | None, typer.Option(help="Show this draw with its findings; draw nothing.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The draw as a JSON object.")] = False,
) -> None:
    """Draw inquiries and camera days at random, from a seed that is recorded (order, K.2, K.3).

    Examples: platestream audit sample --year 2026
    and platestream audit sample --show 1
    """
    settings = load_settings()
    client = _client(settings)
    if show is not None:
        entry, drawn = _draw(client, show)
    else:
        of = year or datetime.now(UTC).year
        made = drawing.draws(client, of)
        if made and not again:
            told = ", ".join(str(one.number) for one, _drawn in made)
            err.print(
                f"{of} has a draw already ({told}): see --show, or say with --again why there is another"
            )
            raise typer.Exit(1)
        entry = drawing.draw(
            client,
            load_profile(settings.profile),
            of,
            datetime.now(UTC),
            who=records.person(client, settings.clickhouse),
            reason=again or f"Sample of the yearly audit {of}",
        )
        entry, drawn = _draw(client, entry.number)
    if as_json:
        print_json({"draw": entry.number, "hash": entry.hash, "by": entry.who, **_told(drawn)})
    else:
        _show(client, entry, drawn)


def finding(
    draw: Annotated[int, typer.Argument(help="The draw.")],
    inquiry: Annotated[str, typer.Argument(help="The inquiry's id, or its first characters.")],
    meets: Annotated[bool, typer.Option("--meets/--fails", help="Does it meet the policy's requirements?")],
    note: Annotated[str, typer.Option(help="What was looked at; why it fails.")] = "",
    error: Annotated[str, typer.Option(help="A data error that was found.")] = "",
    correction: Annotated[str, typer.Option(help="How it was or will be corrected.")] = "",
) -> None:
    """Record what the auditor found about an inquiry of a draw; the newest finding stands (order, K.3, K.4).

    Example: platestream audit finding 1 7c0e41 --meets --note 'Case file seen'
    """
    settings = load_settings()
    client = _client(settings)
    _entry, drawn = _draw(client, draw)
    fits = [one for one in drawn.inquiries if str(one).startswith(inquiry.lower())]
    if len(fits) != 1:
        err.print(f"{inquiry}: {len(fits)} inquiries of draw {draw} begin like this")
        raise typer.Exit(1)
    found = judging.Finding(
        draw=draw, inquiry_id=fits[0], meets=meets, note=note, data_error=error, correction=correction
    )
    judging.find(client, found, who=records.person(client, settings.clickhouse))
    left = len(drawn.inquiries) - len(judging.findings(client, draw))
    out.print(f"on record; {left} of {len(drawn.inquiries)} inquiries wait for a finding")


def memo(
    draw: Annotated[int, typer.Argument(help="The draw; every inquiry of it needs a finding.")],
    to: Annotated[Path, typer.Option(file_okay=False, help="Folder for the Markdown and the PDF.")] = Path(),
) -> None:
    """Write the memorandum to the Chief, as Markdown and PDF; stored and hashed (order, K.4).

    Example: platestream audit memo 1 --to audits/
    """
    settings = load_settings()
    client = _client(settings)
    who = records.person(client, settings.clickhouse)
    composed = memos.compose(client, load_profile(settings.profile), draw, auditor=who)
    text, paper = markdown(composed).encode(), pdf(composed)
    entry = memos.file(client, composed, text, paper, who=who)
    to.mkdir(parents=True, exist_ok=True)
    name = f"alpr-audit-{composed.drawn.year}-draw-{draw}"
    for kind, content in (("md", text), ("pdf", paper)):
        (to / f"{name}.{kind}").write_bytes(content)
        out.print(f"{to / f'{name}.{kind}'}")
    out.print(f"filed as entry {entry.number} of the audit ledger: {entry.hash}")
    for fault in composed.whole:
        err.print(fault)


def _client(settings: Settings) -> Client:
    return connect(settings.clickhouse, AUDITOR, allow_plaintext=settings.allow_plaintext)


def _draw(client: Client, number: int) -> tuple[LedgerEntry, drawing.Draw]:
    for entry, drawn in drawing.draws(client):
        if entry.number == number:
            return entry, drawn
    raise drawing.TooSoon(f"no draw {number}")


def _told(drawn: drawing.Draw) -> dict[str, object]:
    return {name: getattr(drawn, name) for name in drawing.Draw.__struct_fields__}


def _show(client: Client, entry: LedgerEntry, drawn: drawing.Draw) -> None:
    out.print(
        f"[bold]draw {entry.number}[/bold] for {drawn.year}, "
        f"{drawn.drawn_at:%Y-%m-%d %H:%M} UTC by {entry.who}\n"
        f"seed {drawn.seed}\n{len(drawn.inquiries)} of {drawn.population} inquiries since "
        f"{drawn.inquiries_since:%Y-%m-%d}; {len(drawn.use)} of {drawn.use_population} camera days"
    )
    judged = judging.findings(client, entry.number)
    table = Table("inquiry", "at (UTC)", "who", "kind", "pattern", "case", "reason", "finding")
    for look in judging.looks(client, drawn.inquiries):
        found = judged.get(look.inquiry_id)
        verdict = "" if found is None else "meets" if found[1].meets else "fails"
        table.add_row(
            str(look.inquiry_id)[:8],
            f"{look.at:%Y-%m-%d %H:%M}",
            *(look.who, look.kind, look.pattern, look.case_number, look.reason, verdict),
        )
    out.print(table)
    use = Table("day", "camera", "passes", "hits", "verified", "action taken")
    for one in drawn.use:
        use.add_row(
            str(one.day), one.camera_id, *(str(n) for n in (one.passes, one.hits, one.verified, one.acted_on))
        )
    out.print(use)
