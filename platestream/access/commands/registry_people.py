"""`platestream registry`: people, their training and duty, and the recovery of an administrator."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from platestream.access import recovery
from platestream.access import registry as job
from platestream.access import roster as job_roster
from platestream.access.commands.registry_records import put_record
from platestream.access.door import Door, agency_zone
from platestream.cli.door import open_door
from platestream.cli.options import ApprovedBy, day, existing_file
from platestream.cli.output import ask_secret, err, out
from platestream.inquiries import search as inquiries
from platestream.schemas.acts import ROLES
from platestream.schemas.pluralize import pluralize
from platestream.schemas.registry import RegistryRecord

app = typer.Typer()


@app.command()
def user(
    name: Annotated[str, typer.Argument(metavar="ID", help="The account's name.")],
    title: Annotated[str, typer.Option(help="The person's name.")],
    agency: Annotated[str, typer.Option(help="Id of the agency.")],
    trained: Annotated[datetime | None, day("Training completed (F.7).")] = None,
    role: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(ROLES)}; repeatable.")] = None,
    employee_number: Annotated[str, typer.Option(help="Required and unique for people of this agency.")] = "",
    material: Annotated[str, typer.Option(help="Id of the training material (E.1.d).")] = "",
    sworn: Annotated[
        bool | None, typer.Option("--sworn/--civilian", help="A sworn employee (F.4, F.8).")
    ] = None,
    approved_by: ApprovedBy = "",
) -> None:
    """Add or change a user. Renew training by giving its new date (order, sections E.1.e and F.7).

    Roles, training and employee number that are not given stay unchanged. A new user is an officer. The first
    user is the ALPR administrator. Nobody can change their own record.

    Example: platestream registry user mlee --title 'Det. M. Lee' --agency sjpd --employee-number 1047 --sworn
    --trained 2026-09-01 --role officer --role supervisor
    """

    codes: list[str] = []

    def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        codes.append(recovery.code_at_founding(door, role or ()))
        return job.put_user(door, record, now, role or ())

    fields: dict[str, Any] = {"employee_number": employee_number, "sworn": sworn, "material": material}
    put_record(
        "user", name, put, name=title, agency=agency, trained_at=trained, approved_by=approved_by, **fields
    )
    if codes[0]:
        _show_code(codes[0])


@app.command("recovery-code")
def recovery_code() -> None:
    """Make the recovery code by which two people restore an administrator if none is in force. It is shown
    once.

    Example: platestream registry recovery-code
    """
    with open_door("registry recovery-code") as door:
        code = recovery.make_code(door)
    _show_code(code)


@app.command()
def recover(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="The registered user to restore as administrator.")
    ],
    trained: Annotated[
        datetime | None,
        day("Date of their training (F.7); given by the first of the two people."),
    ] = None,
) -> None:
    """Restore an administrator if none is in force: two people enter the Chief's recovery code.

    Both people run this command within a day. Enter the code at the prompt, or as the first line of stdin. An
    auditor who took no part reviews the recovery afterwards: registry review-recovery.

    Example: platestream registry recover vale --trained 2026-11-20
    """
    with open_door("registry recover") as door:
        zone = agency_zone(door)
        day = trained.replace(tzinfo=zone) if trained else None
        attempt = recovery.recover(door, name, ask_secret("recovery code").strip(), day)
    if attempt.done:
        out.print(f"{name} is administrator; the code is used up: platestream registry recovery-code")
        err.print("an auditor must review this recovery; platestream policy check lists it until then")
    else:
        out.print(
            f"recovery begun; a second person must run this within a day: platestream registry recover {name}"
        )


@app.command("review-recovery")
def review_recovery(
    which: Annotated[
        str, typer.Argument(metavar="INQUIRY", help="Id of the recovery, as policy check shows it.")
    ],
    reason: Annotated[str, typer.Option(help="Result of the review.")],
) -> None:
    """Record that you, an auditor, reviewed the recovery of an administrator.

    Example: platestream registry review-recovery 5f0c… --reason 'Asked both and the Chief; training lapsed'
    """
    with open_door("registry review-recovery") as door:
        recovery.review(door, which, reason)
    out.print("the review is recorded")


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: user,since,until,absent.")],
    name: Annotated[str, typer.Option("--id", help="Short name; default: the name of the file.")] = "",
) -> None:
    """Record a duty roster, in the agency's time zone (order, sections F.4 and F.8).

    A row with a reason in `absent` means that its person is not on duty at that time. List each sworn
    employee. The same id replaces the roster; duty times that have begun stay. `registry list roster` shows
    rosters.

    Example: platestream registry roster 2026-W48.csv
    """
    with open_door("registry roster") as door:
        arguments = (name or file.stem, file.name, file.read_text(errors="replace"), agency_zone(door))
        written = job_roster.record(door, *arguments, datetime.now(UTC))
    out.print(f"{written.key}: {pluralize(len(written.duties), 'time')} recorded")


@app.command()
def material(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, for example alpr-2026.")],
    title: Annotated[str, typer.Option(help="Name.")],
    version: Annotated[str, typer.Option(help="Version.")],
    file: Annotated[Path, existing_file("File with the text; its SHA-256 is stored.")],
    approved_by: ApprovedBy,
    approved: Annotated[datetime, day("Date of the approval.")],
) -> None:
    """Register training material (order, section E.1.d). From then on, training must name one (--material).

    Approved material cannot be changed: register another version with another id.

    Example: platestream registry material alpr-2026 --title 'ALPR training' --version 3 --file training.pdf
    --approved-by 'Chief of Police' --approved 2026-10-01
    """
    fields: dict[str, Any] = {"version": version, "sha256": sha256(file.read_bytes()).hexdigest()}
    put_record("material", name, name=title, approved_by=approved_by, approved_at=approved, **fields)


@app.command("raise", hidden=True)  # the name before 1.0
@app.command()
def raise_limit(
    name: Annotated[str, typer.Argument(metavar="ID", help="The person's account.")],
    vehicles: Annotated[int, typer.Option(min=1, max=10_000, help="Number of additional vehicles.")],
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the raise.")] = "",
) -> None:
    """Raise the number of different vehicles shown to a person, for 24 hours. An act of supervisors.

    Example: platestream registry raise-limit mlee --vehicles 300 --case 26-001234
    """
    with open_door("registry raise-limit") as door:
        inquiries.raise_limit(door, name, vehicles, case_number=case, reason=reason)
    out.print(f"{name} may be shown {vehicles} more vehicles in the next 24 hours")


def _show_code(code: str) -> None:
    out.print(f"recovery code: {code}")
    err.print("shown once: the Chief keeps it offline. With it two people can restore an administrator.")
