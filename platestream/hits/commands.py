"""`platestream hits`: alert hits from the read to the disposition."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from platestream.access import gate
from platestream.access.door import Door
from platestream.cli.door import display_zone, format_local, open_door, to_instant
from platestream.cli.options import Cameras, Case, Since, Until
from platestream.cli.output import err, out, print_json, table
from platestream.hits import service as job
from platestream.operators import hit_words, records_report
from platestream.runtime.private_file import write_file
from platestream.schemas import plates
from platestream.schemas.alert_hit import NOTICE
from platestream.schemas.hit_action import ActionKind, CheckedWith, HitAction, Result
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="List, verify and dispose alert hits.")

HitId = Annotated[UUID, typer.Argument(metavar="HIT", help="The hit's id, as `list` shows it.")]
Reason = Annotated[str, typer.Option(help="Reason for the query; default: verification of this hit.")]
Note = Annotated[str, typer.Option(help="Note.")]


@app.command("list")
def list_hits(
    pattern: Annotated[str, typer.Argument(help="Plate as read; * matches any characters, ? one.")] = "",
    case: Case = "",
    reason: Annotated[str, typer.Option(help="Reason for the query.")] = "",
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
    status: Annotated[str, typer.Option(help="Only this status: unverified, confirmed, acted …")] = "",
    historical: Annotated[
        bool | None,
        typer.Option("--historical/--alerts", help="Only finds of look-backs, or only alerts."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each hit.")] = False,
) -> None:
    """List the alert hits of the last 30 days with their status, newest first. The query is logged, as a
    search is.

    Example: platestream hits list --status unverified --reason 'Hits of the night shift'
    """
    with open_door("hits list") as door:
        found = job.find_hits(
            door,
            pattern=plates.pattern(pattern),
            cameras=camera or (),
            since=to_instant(door, since),
            until=to_instant(door, until, last=True),
            historical=historical,
            case_number=case,
            reason=reason,
        )
    shown = [one for one in found if status in ("", one.history.status)]
    if as_json:
        for one in shown:
            print_json({**one.row, "status": one.history.status, "missing": one.missing})
        return
    columns = ("captured", "camera", "read", "listed", "match", "state", "category", "status", "hit")
    out.print(table(*columns, rows=map(_cells, shown)))
    finds = sum(one.row["historical"] for one in shown)
    alerts = pluralize(len(shown) - finds, "alert hit")
    err.print(f"{alerts} and {pluralize(finds, 'find')} of look-backs; the query is logged")


@app.command()
def show(
    hit_id: HitId,
    case: Case = "",
    reason: Reason = "",
    pictures: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write the pictures to this folder.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write the report for the records system here, as JSON (G.8)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one hit with everything needed before acting: pictures, matches and differences, entry, steps.

    Example: platestream hits show 5f3b7a90-51f5-5c0d-8a43-0c3d0c1d2e3f --pictures /tmp
    """
    files: list[Path] = []
    with open_door("hits show") as door:
        hit = _look(door, hit_id, case, reason)
        if pictures is not None:
            found = job.pictures(door, hit, case_number=case, reason=reason or _verifying(hit_id))
            files = [_save(pictures, hit_id, kind, jpeg) for kind, jpeg in sorted(found.items())]
    if report is not None:
        write_file(report, msgspec.json.encode(records_report.report(hit.hit_id, hit.row, hit.history)))
    if as_json:
        print_json(_as_json(hit, files))
        return
    _tell(hit, files)


@app.command()
def verify(
    hit_id: HitId,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="Plate and state of issue match those of the vehicle.")
    ] = False,
    misread: Annotated[
        bool, typer.Option("--misread", help="The plate was misread: the vehicle has another one.")
    ] = False,
    wrong_state: Annotated[
        bool, typer.Option("--wrong-state", help="The plate is of another state than the entry's.")
    ] = False,
    current: Annotated[
        CheckedWith,
        typer.Option(
            help="The entry is current according to ncic or acic, or mvd for an entry of MVD (G.3).",
            show_default=False,
        ),
    ] = "",
    not_current: Annotated[bool, typer.Option("--not-current", help="The entry is not current.")] = False,
    actual: Annotated[
        str, typer.Option(help="With --misread: the vehicle's plate. Only the misread characters are stored.")
    ] = "",
    mvd: Annotated[str, typer.Option(help="Result of the MVD query (G.5.b).")] = "",
    case: Case = "",
    note: Note = "",
    reason: Reason = "",
) -> None:
    """Record one step of verification: first the comparison of plate and state, then the check of the entry.

    Examples: platestream hits verify HIT --confirmed
    and platestream hits verify HIT --current ncic --mvd 'valid, registered owner matches'
    and platestream hits verify HIT --misread --actual ABC1234
    """
    steps: dict[ActionKind, bool] = {
        "plate_and_state_confirmed": confirmed,
        "misread": misread,
        "wrong_state": wrong_state,
        "confirmed_current": bool(current),
        "not_current": not_current,
    }
    chosen = [kind for kind, said in steps.items() if said]
    if len(chosen) != 1:
        raise typer.BadParameter(
            "give one of --confirmed, --misread, --wrong-state, --current, --not-current"
        )
    if actual and not misread:
        raise typer.BadParameter("--actual is valid with --misread only")
    (kind,) = chosen
    fields: dict[str, Any] = {"case_number": case, "note": note, "mvd_result": mvd, "checked_with": current}
    with open_door("hits verify") as door:
        hit = _look(door, hit_id, case, reason)
        if kind == "misread":
            fields["confused"] = job.confusions(hit.row["plate"], actual) if actual else ()
        elif kind == "plate_and_state_confirmed":
            fields["confused"] = job.confirmed_confusions(hit.row)
        _record(door, hit, kind, fields)


@app.command()
def dispose(
    hit_id: HitId,
    action: Annotated[
        Result, typer.Option(help="Action was taken, with this outcome: arrest, vehicle_recovered …")
    ] = "",
    no_action: Annotated[bool, typer.Option("--no-action", help="No action was taken.")] = False,
    actionable: Annotated[
        bool, typer.Option("--actionable", help="'Actionable ALPR Hit Related' in the report (G.8).")
    ] = False,
    stopped: Annotated[bool, typer.Option("--stop", help="The vehicle was stopped.")] = False,
    case: Annotated[str, typer.Option(help="Report number.")] = "",
    note: Note = "",
    reason: Reason = "",
) -> None:
    """Record the disposition of a verified hit. --actionable needs the report number.

    Examples: platestream hits dispose HIT --action vehicle_recovered --actionable --case 26-001234
    and platestream hits dispose HIT --no-action --note 'Vehicle not found'
    """
    if bool(action) == no_action:
        raise typer.BadParameter("give either --action RESULT or --no-action")
    kind: ActionKind = "no_action" if no_action else "action_taken"
    fields = {"case_number": case, "note": note, "actionable": actionable, "result": action}
    fields |= {"stopped": stopped}
    with open_door("hits dispose") as door:
        _record(door, _look(door, hit_id, case, reason), kind, fields)


def _cells(one: job.HitWithHistory) -> tuple[str, ...]:
    row, status = one.row, one.history.status
    marks = {
        "disputed": one.history.disputed,
        "found wrong before": one.disproof,
        "historical": row["historical"],
    }
    return (
        *(_at(row["captured_at"]), row["camera_id"], _plate(row), _plate(row, "listed_")),
        *(row["match"], row["state_check"], row["category"]),
        " ".join([status, *(f"({mark})" for mark, said in marks.items() if said)]),
        str(row["hit_id"]),
    )


def _plate(row: gate.Row, prefix: str = "") -> str:
    return f"{row[f'{prefix}plate']} {row[f'{prefix}state']}".strip()


def _look(door: Door, hit_id: UUID, case: str, reason: str) -> job.HitWithHistory:
    return job.one(door, hit_id, case_number=case, reason=reason or _verifying(hit_id))


def _record(door: Door, hit: job.HitWithHistory, kind: ActionKind, fields: dict[str, Any]) -> None:
    done = job.take_step(door, hit, kind, **fields)
    out.print(f"recorded: {job.STEP_TEXTS[kind]}. The hit is {done.history.status}.")
    if done.missing:
        err.print(f"Before any action: {done.missing} (order, sections G.3 to G.5).")


def _verifying(hit_id: UUID) -> str:
    return f"Verification of alert hit {hit_id} (order, section G.3)"


def _save(folder: Path, hit_id: UUID, kind: str, jpeg: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hit_id}-{kind}.jpg"
    write_file(path, jpeg)
    return path


def _as_json(hit: job.HitWithHistory, files: list[Path]) -> dict[str, Any]:
    done = hit.history
    return {
        **hit.row,
        "status": done.status,
        "missing": hit.missing,
        "disproof": None if hit.disproof is None else hit.disproof._asdict(),
        "withheld": hit.withheld,
        "disputed": done.disputed,
        "steps": done.applied,
        "beside": done.ignored,
        "pictures": [str(path) for path in files],
        "notice": NOTICE,
    }


def _tell(hit: job.HitWithHistory, files: list[Path]) -> None:
    row, done = hit.row, hit.history
    differs = "; ".join(
        f"character {one[0] + 1}: read {one[1]}, listed {one[2]}" for one in map(_values, row["differences"])
    )
    place = f"{row['camera_id']} ({row['latitude']:.4f}, {row['longitude']:.4f})"
    vehicle = " ".join(row["listed_vehicle"].values())
    made = table("", "")
    for name, text in (
        ("found wrong before", _disproof(hit)),
        ("read", _plate(row)),
        ("listed", f"{_plate(row, 'listed_')} {vehicle}".strip()),
        ("match", hit_words.describe_match(row["match"], row["plate"], row["listed_plate"])),
        ("state", hit_words.describe_state(row["state"], row["listed_state"])),
        ("", hit_words.describe_confidence(row["match"], row["confidence"], row["likelihood"])),
        ("", hit_words.describe_opinion(row["opinion"], row["plate"], row["camera_plate"])),
        ("differs", differs or row["matched"]),
        ("read by", f"{row['agency']}: the read and its picture are that agency's" if row["agency"] else ""),
        ("captured", f"{_at(row['captured_at'])} at {place}"),
        ("list", f"{row['source']}, {row['category']}"),
        ("historical", "captured before the entry was listed: not a new alert" if row["historical"] else ""),
        ("case", row["case_number"]),
        ("reason", row["reason"]),
        ("contact", f"{row['requested_by']} {row['contact']}".strip()),
        ("instructions", row["instructions"]),
        ("other", row["other"]),
        ("pictures", "  ".join(map(str, files)) or "--pictures FOLDER writes them to a folder"),
        ("status", f"{done.status}{' (disputed)' if done.disputed else ''}"),
    ):
        if text:
            made.add_row(name, text)
    out.print(made)
    for step in done.applied:
        out.print(_line(step))
    for step in done.ignored:
        out.print(f"{_line(step)}  (out of order, not counted)")
    if hit.missing:
        out.print(f"Before any action: {hit.missing}.")
    out.print(NOTICE)


def _disproof(hit: job.HitWithHistory) -> str:
    found = hit.disproof
    if found is None:
        return ""
    sent = "not sent to phones" if hit.withheld else "plate and state match exactly"
    return f"{_at(found.at)} by {found.by}, hit {found.hit_id}: {found.reason}; {sent}"


def _line(step: HitAction) -> str:
    said = [job.STEP_TEXTS[step.kind], step.checked_with.upper(), step.result, step.mvd_result, step.note]
    case = f"case {step.case_number}" if step.case_number else ""
    mark = "Actionable ALPR Hit Related" if step.actionable else ""
    stop = "vehicle stopped" if step.stopped else ""
    details = "; ".join(text for text in (*said, stop, case, mark) if text)
    return f"{_at(step.at)}  {step.by}  {details}"


def _at(at: datetime) -> str:
    return format_local(at, display_zone())


def _values(difference: Any) -> tuple[int, str, str]:
    """Return named tuples of the client as dicts."""
    if isinstance(difference, dict):
        return difference["position"], difference["read"], difference["listed"]
    position, read, listed = difference
    return position, read, listed
