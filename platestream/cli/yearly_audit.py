"""`platestream audit sample`, `finding` and `memo`: the yearly audit (order, section K)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone, entrance
from platestream.cli.times import shown_at
from schemas.rhythm import Due
from services.hotlist.zone import agency_zone
from services.inquiries.whole import waiting_sentence
from services.yearly_audit import draw as drawing
from services.yearly_audit import filing, rhythms
from services.yearly_audit import findings as judging


def sample(
    year: Annotated[int | None, typer.Option(help="Calendar year of the audit; this one by default.")] = None,
    again: Annotated[
        str, typer.Option(help="Why another draw is made for a year that has one; it is logged.")
    ] = "",
    rhythm: Annotated[
        str, typer.Option(help="Another audit than the yearly one, as the profile names it: monthly …")
    ] = "",
    period: Annotated[
        str, typer.Option(help="Of which period, such as 2026-10; the last one that is over by default.")
    ] = "",
    show: Annotated[int | None, typer.Option(help="Show this draw with its findings; draw nothing.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The draw as a JSON object.")] = False,
) -> None:
    """Draw inquiries and camera days at random, from a seed that is recorded (order, K.2, K.3).

    This year's draw is from the six months before now, that of a year that is over from its last six months.
    With --rhythm it is of the audits that the profile asks for besides: platestream audit due lists them.

    Examples: platestream audit sample --year 2026
    and platestream audit sample --rhythm monthly --period 2026-10
    and platestream audit sample --show 1
    """
    now = datetime.now(UTC)
    with entrance("audit sample") as door:
        if show is not None:
            number = show
        elif rhythm:
            number = rhythms.draw(door, rhythm, period, now, again).number
        else:
            number = drawing.draw(door, year or now.year, now, again).number
        shown = judging.show(door, number)
    if as_json:
        entry = shown.entry
        print_json({"draw": entry.number, "hash": entry.hash, "by": entry.who, **_told(shown.drawn)})
    else:
        _show(shown)


def due(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each period.")] = False,
) -> None:
    """What the profile asks for besides the yearly audit, and when each is due; exit 1 when one is late.

    Example: platestream audit due
    """
    now = datetime.now(UTC)
    with entrance("audit due") as door:
        found = rhythms.here(door, now)
        zone = agency_zone(door)
    shown = table("what", "period", "audit filed", "due by", "published", "due by")
    late = False
    for standing in found:
        for one in standing.due[-13:]:
            late = late or any(True for _said in one.late(now))
            times = (one.filed_at, one.file_by, one.published_at, one.publish_by)
            if as_json:
                print_json(_of_period(standing.rhythm, one, now))
            shown.add_row(
                standing.rhythm, one.period.name, *(shown_at(at, zone, seconds=False) for at in times)
            )
    if not as_json:
        out.print(shown if found else "The profile asks for the yearly audit alone.")
    if late:
        raise typer.Exit(1)


def _of_period(rhythm: str, one: Due, now: datetime) -> dict[str, object]:
    return {
        "rhythm": rhythm,
        "period": one.period.name,
        "filed_at": one.filed_at,
        "file_by": one.file_by,
        "published_at": one.published_at,
        "publish_by": one.publish_by,
        "late": list(one.late(now)),
    }


def finding(
    draw: Annotated[int, typer.Argument(help="The draw.")],
    inquiry: Annotated[str, typer.Argument(help="The inquiry's id, or its first characters.")],
    meets: Annotated[bool, typer.Option("--meets/--fails", help="Does it meet the policy's requirements?")],
    note: Annotated[str, typer.Option(help="What was looked at; why it fails.")] = "",
    error: Annotated[str, typer.Option(help="A data error that was found.")] = "",
    correction: Annotated[str, typer.Option(help="How it was or will be corrected.")] = "",
) -> None:
    """Record what the auditor found about an inquiry of a draw; the newest finding stands (order, K.3, K.4).

    An auditor does not judge an inquiry of their own, and nothing is judged once the memorandum is filed.

    Example: platestream audit finding 1 7c0e41 --meets --note 'Case file seen'
    """
    with entrance("audit finding") as door:
        found = judging.Finding(
            draw=draw,
            inquiry_id=judging.begins(door, draw, inquiry),
            meets=meets,
            note=note,
            data_error=error,
            correction=correction,
        )
        judged = judging.find(door, found)
    out.print(f"on record; {judged.waiting} of {judged.inquiries} inquiries wait for a finding")


def memo(
    draw: Annotated[int, typer.Argument(help="The draw; every inquiry of it needs a finding.")],
    to: Annotated[Path, typer.Option(file_okay=False, help="Folder for the Markdown and the PDF.")] = Path(),
) -> None:
    """Write the memorandum to the Chief, as Markdown and PDF; stored and hashed, once (order, K.4).

    Example: platestream audit memo 1 --to audits/
    """
    with entrance("audit memo") as door:
        done = filing.file(door, draw, datetime.now(UTC), to)
    for path in done.files:
        out.print(str(path))
    out.print(f"filed as entry {done.entry.number} of the audit ledger: {done.entry.hash}")
    for fault in done.memo.whole:
        err.print(fault)
    if waits := waiting_sentence(done.memo.waiting):
        err.print(waits)


def _told(drawn: drawing.Draw) -> dict[str, object]:
    return {name: getattr(drawn, name) for name in drawing.Draw.__struct_fields__}


def _show(shown: judging.Shown) -> None:
    entry, drawn = shown.entry, shown.drawn
    out.print(
        f"draw {entry.number} for {f'{drawn.rhythm} ' if drawn.rhythm else ''}{drawn.period or drawn.year}, "
        f"{shown_at(drawn.drawn_at, display_zone())} by {entry.who}",
        f"seed {drawn.seed}",
        f"{len(drawn.inquiries)} of {drawn.population} inquiries from "
        f"{drawn.inquiries_since:%Y-%m-%d} to {drawn.inquiries_until:%Y-%m-%d}; "
        f"{len(drawn.use)} of {drawn.use_population} camera days",
        sep="\n",
    )
    if drawn.after_reset:
        out.print(
            f"{len(drawn.after_reset)} of them because they followed a one-time code of their account within "
            "a day (platestream account resets)"
        )
    if drawn.population < shown.asked_for:
        out.print(
            f"The policy asks for {shown.asked_for} inquiries; employees made {drawn.population} in this "
            "period, so all of them are in the draw."
        )
    zone = display_zone()
    looks = table("inquiry", "at", "who", "kind", "pattern", "case", "reason", "finding")
    for look in shown.looks:
        found = shown.findings.get(look.inquiry_id)
        verdict = "" if found is None else "meets" if found.meets else "fails"
        looks.add_row(
            str(look.inquiry_id)[:8],
            shown_at(look.at, zone),
            *(look.who, look.kind, look.pattern, look.case_number, look.reason, verdict),
        )
    out.print(looks)
    use = table("day", "camera", "passes", "hits", "verified", "action taken")
    for one in drawn.use:
        use.add_row(
            str(one.day), one.camera_id, *(str(n) for n in (one.passes, one.hits, one.verified, one.acted_on))
        )
    out.print(use)
