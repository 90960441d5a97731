"""`platestream hits`: an alert hit from the read to what came of it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import display_zone, entrance
from platestream.cli.times import TIMES, local, shown_at
from schemas import plates
from schemas.alert_hit import NOTICE
from schemas.counted import counted
from schemas.hit_action import ActionKind, CheckedWith, HitAction, Result
from services import hits as job
from services.door import Door

app = typer.Typer(no_args_is_help=True, help="Alert hits: list, show, verify, dispose.")

HitId = Annotated[UUID, typer.Argument(metavar="HIT", help="The hit's id, as `list` shows it.")]
Case = Annotated[str, typer.Option(help="Case or incident number.")]
Reason = Annotated[str, typer.Option(help="Reason of the look; by default that this hit is verified.")]
Note = Annotated[str, typer.Option(help="Anything else worth knowing.")]


@app.command("list")
def list_hits(
    pattern: Annotated[str, typer.Argument(help="Plate as read; * any characters, ? one.")] = "",
    case: Case = "",
    reason: Annotated[str, typer.Option(help="Reason of the look.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="From when, agency's time.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to when, agency's time.")] = None,
    status: Annotated[str, typer.Option(help="Only these: unverified, confirmed, acted …")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each hit.")] = False,
) -> None:
    """Alert hits of the last 30 days and where they stand, newest first. A logged look, as a search is.

    Example: platestream hits list --status unverified --reason 'Hits of the night shift'
    """
    with entrance("hits list") as door:
        found = job.standing(
            door,
            pattern=plates.pattern(pattern),
            cameras=camera or (),
            since=local(door, since),
            until=local(door, until),
            case_number=case,
            reason=reason,
        )
    shown = [one for one in found if status in ("", one.history.status)]
    if as_json:
        for one in shown:
            print_json({**one.row, "status": one.history.status, "missing": one.missing})
        return
    made = table("captured", "camera", "read", "listed", "match", "state", "category", "status", "hit")
    for one in shown:
        row = one.row
        disputed = " (disputed)" if one.history.disputed else ""
        made.add_row(
            _at(row["captured_at"]),
            row["camera_id"],
            f"{row['plate']} {row['state']}".strip(),
            f"{row['listed_plate']} {row['listed_state']}".strip(),
            row["match"],
            row["state_check"],
            row["category"],
            f"{one.history.status}{disputed}",
            str(row["hit_id"]),
        )
    out.print(made)
    err.print(f"{counted(len(shown), 'hit')}; the look is in the log")


@app.command()
def show(
    hit_id: HitId,
    case: Case = "",
    reason: Reason = "",
    pictures: Annotated[
        Path | None, typer.Option(file_okay=False, help="Put the pictures into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """One hit with all that is to be known before acting: pictures, what matched and differs, entry, steps.

    Example: platestream hits show 5f3b7a90-51f5-5c0d-8a43-0c3d0c1d2e3f --pictures /tmp
    """
    files: list[Path] = []
    with entrance("hits show") as door:
        hit = _look(door, hit_id, case, reason)
        if pictures is not None:
            found = job.pictures(door, hit, case_number=case, reason=reason or _verifying(hit_id))
            files = [_save(pictures, hit_id, kind, jpeg) for kind, jpeg in sorted(found.items())]
    if as_json:
        print_json(_as_json(hit, files))
        return
    _tell(hit, files)


@app.command()
def verify(
    hit_id: HitId,
    confirmed: Annotated[
        bool, typer.Option("--confirmed", help="Plate AND state of issue match the vehicle's own.")
    ] = False,
    misread: Annotated[bool, typer.Option("--misread", help="The vehicle has another plate.")] = False,
    wrong_state: Annotated[
        bool, typer.Option("--wrong-state", help="The plate is of another state than the entry's.")
    ] = False,
    current: Annotated[
        CheckedWith,
        typer.Option(
            help="The entry is current, says: ncic or acic; mvd for an entry of MVD (G.3).",
            show_default=False,
        ),
    ] = "",
    not_current: Annotated[bool, typer.Option("--not-current", help="The entry is not current.")] = False,
    actual: Annotated[
        str, typer.Option(help="With --misread: the vehicle's plate. Only characters misread are kept.")
    ] = "",
    mvd: Annotated[str, typer.Option(help="What the MVD query said (G.5.b).")] = "",
    case: Case = "",
    note: Note = "",
    reason: Reason = "",
) -> None:
    """Record one step of verification: first the look at plate and state, then the check of the entry.

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
        raise typer.BadParameter("one of --confirmed, --misread, --wrong-state, --current, --not-current")
    if actual and not misread:
        raise typer.BadParameter("--actual is said with --misread")
    (kind,) = chosen
    told: dict[str, Any] = {"case_number": case, "note": note, "mvd_result": mvd, "checked_with": current}
    with entrance("hits verify") as door:
        hit = _look(door, hit_id, case, reason)
        if kind == "misread":
            told["confused"] = job.confused(hit.row["plate"], actual) if actual else ()
        elif kind == "plate_and_state_confirmed":
            told["confused"] = job.confirmed_confusions(hit.row)
        _record(door, hit, kind, told)


@app.command()
def dispose(
    hit_id: HitId,
    action: Annotated[
        Result, typer.Option(help="Action was taken, and came to: arrest, vehicle_recovered …")
    ] = "",
    no_action: Annotated[bool, typer.Option("--no-action", help="No action was taken.")] = False,
    actionable: Annotated[
        bool, typer.Option("--actionable", help="'Actionable ALPR Hit Related' in the report (G.8).")
    ] = False,
    stopped: Annotated[bool, typer.Option("--stop", help="The vehicle was stopped.")] = False,
    case: Annotated[str, typer.Option(help="Number of the report.")] = "",
    note: Note = "",
    reason: Reason = "",
) -> None:
    """Record what came of a verified hit. With --actionable the report's number is needed.

    Examples: platestream hits dispose HIT --action vehicle_recovered --actionable --case 26-001234
    and platestream hits dispose HIT --no-action --note 'Vehicle not found'
    """
    if bool(action) == no_action:
        raise typer.BadParameter("either --action RESULT or --no-action")
    kind: ActionKind = "no_action" if no_action else "action_taken"
    told = {"case_number": case, "note": note, "actionable": actionable, "result": action}
    told |= {"stopped": stopped}
    with entrance("hits dispose") as door:
        _record(door, _look(door, hit_id, case, reason), kind, told)


def _look(door: Door, hit_id: UUID, case: str, reason: str) -> job.Standing:
    return job.one(door, hit_id, case_number=case, reason=reason or _verifying(hit_id))


def _record(door: Door, hit: job.Standing, kind: ActionKind, told: dict[str, Any]) -> None:
    done = job.take_step(door, hit, kind, **told)
    out.print(f"recorded: {job.SAID[kind]}. The hit is {done.history.status}.")
    if done.missing:
        err.print(f"Before any action: {done.missing} (order, sections G.3 to G.5).")


def _verifying(hit_id: UUID) -> str:
    return f"Verification of alert hit {hit_id} (order, section G.3)"


def _save(folder: Path, hit_id: UUID, kind: str, jpeg: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hit_id}-{kind}.jpg"
    path.write_bytes(jpeg)
    return path


def _as_json(hit: job.Standing, files: list[Path]) -> dict[str, Any]:
    done = hit.history
    return {
        **hit.row,
        "status": done.status,
        "missing": hit.missing,
        "disputed": done.disputed,
        "steps": done.counted,
        "beside": done.beside,
        "pictures": [str(path) for path in files],
        "notice": NOTICE,
    }


def _tell(hit: job.Standing, files: list[Path]) -> None:
    row, done = hit.row, hit.history
    differs = "; ".join(
        f"character {one[0] + 1}: read {one[1]}, listed {one[2]}" for one in map(_values, row["differences"])
    )
    place = f"{row['camera_id']} ({row['latitude']:.4f}, {row['longitude']:.4f})"
    vehicle = " ".join(row["listed_vehicle"].values())
    made = table("", "")
    for name, text in (
        ("read", f"{row['plate']} {row['state'] or '(state not read)'}, sure {row['confidence']:.2f}"),
        ("listed", f"{row['listed_plate']} {row['listed_state']} {vehicle}".strip()),
        ("match", f"{row['match']}, state {row['state_check']}"),
        ("differs", differs or row["matched"]),
        ("seen by", f"{row['agency']}: the read and its picture are that agency's" if row["agency"] else ""),
        ("captured", f"{_at(row['captured_at'])} at {place}"),
        ("list", f"{row['source']}, {row['category']}"),
        ("historical", "captured before the entry was listed: no fresh alert" if row["historical"] else ""),
        ("case", row["case_number"]),
        ("reason", row["reason"]),
        ("contact", f"{row['requested_by']} {row['contact']}".strip()),
        ("instructions", row["instructions"]),
        ("other", row["other"]),
        ("pictures", "  ".join(map(str, files)) or "--pictures FOLDER puts them there"),
        ("status", f"{done.status}{' (disputed)' if done.disputed else ''}"),
    ):
        if text:
            made.add_row(name, text)
    out.print(made)
    for step in done.counted:
        out.print(_line(step))
    for step in done.beside:
        out.print(f"{_line(step)}  (out of turn, not counted)")
    if hit.missing:
        out.print(f"Before any action: {hit.missing}.")
    out.print(NOTICE)


def _line(step: HitAction) -> str:
    said = [job.SAID[step.kind], step.checked_with.upper(), step.result, step.mvd_result, step.note]
    case = f"case {step.case_number}" if step.case_number else ""
    mark = "Actionable ALPR Hit Related" if step.actionable else ""
    stop = "vehicle stopped" if step.stopped else ""
    told = "; ".join(text for text in (*said, stop, case, mark) if text)
    return f"{_at(step.at)}  {step.by}  {told}"


def _at(at: datetime) -> str:
    return shown_at(at, display_zone())


def _values(difference: Any) -> tuple[int, str, str]:
    """The client gives tuples with names as dicts."""
    if isinstance(difference, dict):
        return difference["position"], difference["read"], difference["listed"]
    position, read, listed = difference
    return position, read, listed
