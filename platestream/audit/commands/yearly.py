"""`platestream audit sample`, `finding` and `memo`: the yearly audit (order, section K)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from platestream.access.door import agency_zone
from platestream.audit.yearly import draw as audit_draw
from platestream.audit.yearly import filing, periodic
from platestream.audit.yearly import findings as audit_findings
from platestream.cli.door import display_zone, format_local, open_door
from platestream.cli.output import err, out, print_json, table
from platestream.transparency_log.log_integrity import waiting_sentence

_DUE_FIELDS = ("filed_at", "file_by", "published_at", "publish_by")


def sample(
    year: Annotated[
        int | None, typer.Option(help="Calendar year of the audit; default: the current one.")
    ] = None,
    again: Annotated[str, typer.Option(help="Reason for another draw of the same year; it is logged.")] = "",
    rhythm: Annotated[str, typer.Option(help="Name of an additional audit in the profile: monthly …")] = "",
    period: Annotated[
        str, typer.Option(help="Period, for example 2026-10; default: the last completed one.")
    ] = "",
    show: Annotated[
        int | None, typer.Option(help="Show this draw with its findings instead of audit_draw.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the draw as a JSON object.")] = False,
) -> None:
    """Draw a random sample of inquiries and camera days, from a recorded seed (order, K.2, K.3).

    The sample of the current year covers the last six months; that of a past year covers its last six months.
    With --rhythm it is for the additional audits that the profile requires: platestream audit due lists them.

    Examples: platestream audit sample --year 2026
    and platestream audit sample --rhythm monthly --period 2026-10
    and platestream audit sample --show 1
    """
    now = datetime.now(UTC)
    with open_door("audit sample") as door:
        if show is not None:
            number = show
        elif rhythm:
            number = periodic.draw(door, rhythm, period, now, again).number
        else:
            number = audit_draw.draw(door, year or now.astimezone(agency_zone(door)).year, now, again).number
        shown = audit_findings.show(door, number)
    if as_json:
        entry = shown.entry
        print_json(
            {"draw": entry.number, "hash": entry.hash, "by": entry.who, **msgspec.structs.asdict(shown.drawn)}
        )
    else:
        _show(shown)


def due(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each period.")] = False,
) -> None:
    """List the additional audits of the profile and when each is due. Exit 1 if one is late.

    Example: platestream audit due
    """
    now = datetime.now(UTC)
    with open_door("audit due") as door:
        found = periodic.agency_statuses(door, now)
        zone = agency_zone(door)
    shown = table("what", "period", "audit filed", "due by", "published", "due by")
    late = False
    for standing in found:
        for one in standing.due[-13:]:
            late = late or any(True for _said in one.late(now))
            times = (getattr(one, name) for name in _DUE_FIELDS)
            if as_json:
                fields = {name: getattr(one, name) for name in _DUE_FIELDS}
                said = {"rhythm": standing.rhythm, "period": one.period.name, **fields}
                print_json({**said, "late": list(one.late(now))})
            shown.add_row(
                standing.rhythm, one.period.name, *(format_local(at, zone, seconds=False) for at in times)
            )
    if not as_json:
        out.print(shown if found else "The profile requires only the yearly audit.")
    if late:
        raise typer.Exit(1)


def finding(
    draw: Annotated[int, typer.Argument(help="Number of the draw.")],
    inquiry: Annotated[str, typer.Argument(help="The inquiry's id, or its first characters.")],
    meets: Annotated[bool, typer.Option("--meets/--fails", help="Does it meet the policy's requirements?")],
    note: Annotated[str, typer.Option(help="What was checked, or why it fails.")] = "",
    error: Annotated[str, typer.Option(help="Data error.")] = "",
    correction: Annotated[str, typer.Option(help="Correction, made or planned.")] = "",
) -> None:
    """Record an auditor's finding about a sampled inquiry; the newest finding counts (order, K.3, K.4).

    Auditors cannot judge their own inquiries, and nothing can be judged once the memorandum is filed.

    Example: platestream audit finding 1 7c0e41 --meets --note 'Case file seen'
    """
    with open_door("audit finding") as door:
        found = audit_findings.Finding(
            draw=draw,
            inquiry_id=audit_findings.inquiry_starting(door, draw, inquiry),
            meets=meets,
            note=note,
            data_error=error,
            correction=correction,
        )
        judged = audit_findings.record_finding(door, found)
    out.print(f"recorded; {judged.waiting} of {judged.inquiries} inquiries wait for a finding")


def memo(
    draw: Annotated[int, typer.Argument(help="Number of the draw; every inquiry in it needs a finding.")],
    to: Annotated[Path, typer.Option(file_okay=False, help="Folder for the Markdown and the PDF.")] = Path(),
) -> None:
    """Write the memorandum to the Chief as Markdown and PDF. It is stored and hashed once (order, K.4).

    Example: platestream audit memo 1 --to audits/
    """
    with open_door("audit memo") as door:
        done = filing.file(door, draw, datetime.now(UTC), to)
    for path in done.files:
        out.print(str(path))
    out.print(f"filed as entry {done.entry.number} of the audit ledger: {done.entry.hash}")
    for fault in done.memo.whole:
        err.print(fault)
    if waits := waiting_sentence(done.memo.waiting):
        err.print(waits)


def _show(shown: audit_findings.DrawView) -> None:
    entry, drawn = shown.entry, shown.drawn
    out.print(
        f"draw {entry.number} for {f'{drawn.rhythm} ' if drawn.rhythm else ''}{drawn.period or drawn.year}, "
        f"{format_local(drawn.drawn_at, display_zone())} by {entry.who}",
        f"seed {drawn.seed}",
        f"{len(drawn.inquiries)} of {drawn.population} inquiries from "
        f"{drawn.inquiries_since:%Y-%m-%d} to {drawn.inquiries_until:%Y-%m-%d}; "
        f"{len(drawn.use)} of {drawn.use_population} camera days",
        sep="\n",
    )
    if drawn.openings:
        out.print(f"{len(drawn.openings)} of them opened a picture or a hit; the others are searches")
    if drawn.of_others:
        out.print(f"{len(drawn.of_others)} of them are of other agencies' people, beside those of employees")
    if drawn.after_reset:
        out.print(
            f"{len(drawn.after_reset)} of them because they followed a one-time code of their account within "
            "a day (platestream account resets)"
        )
    if drawn.population < shown.asked_for:
        out.print(
            f"The policy requires {shown.asked_for} inquiries; employees made {drawn.population} in this "
            "period, so all of them are in the draw."
        )
    zone = display_zone()
    looks = table("inquiry", "at", "who", "kind", "pattern", "case", "reason", "finding")
    for look in shown.looks:
        found = shown.findings.get(look.inquiry_id)
        verdict = "" if found is None else "meets" if found.meets else "fails"
        searched = (look.who, look.kind, look.pattern, look.case_number, look.reason, verdict)
        looks.add_row(str(look.inquiry_id)[:8], format_local(look.at, zone), *searched)
    out.print(looks)
    use = table("day", "camera", "passes", "hits", "verified", "action taken")
    for one in drawn.use:
        counts = (one.passes, one.hits, one.verified, one.acted_on)
        use.add_row(str(one.day), one.camera_id, *map(str, counts))
    out.print(use)
