"""`platestream registry`: agencies, users and their roles, cameras, and the rules in force.

Days and times that people type are those of the agency's time zone.
"""

from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import msgspec
import typer

from platestream.access import registry as job
from platestream.access import rules_in_force
from platestream.access.commands import (
    registry_cameras,
    registry_evidence,
    registry_feeds,
    registry_people,
)
from platestream.access.commands.registry_records import Day, put_record
from platestream.access.door import agency_zone
from platestream.cli.door import open_door
from platestream.cli.options import ApprovedBy, day, existing_file
from platestream.cli.output import err, out, print_json, print_list
from platestream.schemas.acts import ROLES, Role
from platestream.schemas.registry import Kind, RegistryRecord

app = typer.Typer(no_args_is_help=True, help="Manage agencies, users, cameras and the rules in force.")

KINDS: tuple[Kind, ...] = get_args(Kind)
_BINDS = "File that {} may name, or none. All three files must be allowed together with the first."
for part in (registry_people, registry_cameras, registry_feeds, registry_evidence):
    app.registered_commands.extend(part.app.registered_commands)


@app.command()
def agency(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, for example apache-county-so.")],
    title: Annotated[str, typer.Option(help="The agency's name.")],
    own: Annotated[bool, typer.Option("--own", help="This agency, which needs no MOU with itself.")] = False,
    mou_from: Day = None,
    mou_until: Day = None,
    camera: Annotated[list[str] | None, typer.Option(help="Cameras that the MOU shares; none: all.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Kinds of inquiries that the MOU allows; none: all.")
    ] = None,
    civil: Annotated[bool, typer.Option("--civil", help="Not law enforcement: legal basis needed.")] = False,
    state: Annotated[str, typer.Option(help="Postal code of its state; US: federal.")] = "",
    declared: Annotated[datetime | None, day("Date of the written declaration.")] = None,
    declared_by: Annotated[str, typer.Option(help="Signer of the declaration.")] = "",
    declaration: Annotated[
        Path | None, existing_file("File with the signed text; its SHA-256 is stored.")
    ] = None,
    approved_by: ApprovedBy = "",
) -> None:
    """Add or change an agency and its MOU (order, section I.2).

    Example: platestream registry agency apache-county-so --title 'Apache County SO' --mou-from 2026-01-01
    """
    put_record(
        "agency",
        name,
        job.put_agency,
        name=title,
        own=own,
        mou_from=mou_from,
        mou_until=mou_until,
        shares_cameras=tuple(camera or ()),
        shares_kinds=tuple(kind or ()),
        law_enforcement=not civil,
        state=state.upper(),
        declared_at=declared,
        declared_by=declared_by,
        declaration=sha256(declaration.read_bytes()).hexdigest() if declaration else "",
        approved_by=approved_by,
    )


@app.command("end", hidden=True)  # the name before 1.0
@app.command()
def deactivate(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    name: Annotated[str, typer.Argument(metavar="ID")],
) -> None:
    """Deactivate an agency, a user, a camera or another record. The record is retained.

    Example: platestream registry deactivate user mlee
    """
    with open_door("registry deactivate") as door:
        record = job.end(door, _kind(kind), name, datetime.now(UTC))
    out.print(f"{record.key} is deactivated")


@app.command()
def repair() -> None:
    """Write changes to the topic that are in force but did not reach it, for example while the broker was
    down.

    Example: platestream registry repair
    """
    with open_door("registry repair") as door:
        written = job.repair(door)
    for one in written or ["the topic holds every record"]:
        out.print(one)


@app.command("list")
def list_records(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each record.")] = False,
) -> None:
    """List the current records of the registry.

    Example: platestream registry list user
    """
    with open_door("registry list") as door:
        records, zone = job.show(door, _kind(kind)), agency_zone(door)
    columns, cells = (_PEOPLE, _person) if _kind(kind) in ("agency", "user") else (_PLACES, _place)
    print_list(records, columns, lambda one: cells(one, zone), as_json=as_json)


@app.command()
def rules(
    profile: Annotated[str, typer.Option(help="Put the rules of this profile in force (name or file).")] = "",
    case_number: Annotated[str, typer.Option(help="RE2 pattern of the agency's case numbers.")] = "",
    always: Annotated[
        bool | None,
        typer.Option(
            "--always/--once-known", help="Apply the registry rules always, or once a person is registered."
        ),
    ] = None,
    second_factor: Annotated[
        str, typer.Option(help="Who signs in with a second factor: everybody, nobody, or roles (a,b).")
    ] = "",
    notify: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_NOTIFY_FILE"))] = "",
    partners: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_PARTNERS_FILE"))] = "",
    oidc: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_OIDC_FILE"))] = "",
    by: Annotated[str, typer.Option(help="Person who ordered the change.")] = "",
) -> None:
    """Show all rules in force, or change them. Every change is logged.

    Example: platestream registry rules --profile st-johns --by 'Chief of Police'
    """
    named = {"notify_file": notify, "partners_file": partners, "oidc_file": oidc}
    files = {name: None if one == "none" else Path(one) for name, one in named.items() if one}
    factor = _second_factor(second_factor)
    wanted = rules_in_force.Change(profile or None, case_number or None, always, files, factor)
    if not (wanted.nothing or by.strip()):
        raise typer.BadParameter("give the person who ordered the change: --by")
    with open_door("registry rules", ruled=False) as door:
        ruled = rules_in_force.show(door) if wanted.nothing else rules_in_force.change(door, wanted, by)
    for line in ruled.changed:
        err.print(f"in force from now on: {line}")
    hashed = sha256(ruled.row.text.encode()).hexdigest()
    print_json({"set_at": ruled.row.set_at, "sha256": hashed, **msgspec.structs.asdict(ruled.row.rules)})
    if not ruled.registry_enforced:
        err.print("nobody is registered yet: everybody with access to the database may search (F.7)")


def _second_factor(text: str) -> Literal["everybody", "nobody"] | tuple[Role, ...] | None:
    if text in ("everybody", "nobody"):
        return cast('Literal["everybody", "nobody"]', text)
    roles = tuple(one.strip() for one in text.split(",") if one.strip())
    if strange := sorted(set(roles) - set(ROLES)):
        raise typer.BadParameter(f"{strange[0]}: give everybody, nobody, or roles of {', '.join(ROLES)}")
    return cast("tuple[Role, ...]", roles) or None


_PEOPLE = ("id", "name", "active", "agency", "roles", "trained", "MOU from", "MOU until", "shares")
_PLACES = ("id", "name", "active", "approved by", "approved", "since", "until", "cameras", "results")


def _person(one: RegistryRecord, zone: tzinfo) -> tuple[str, ...]:
    shares = ", ".join((*one.shares_cameras, *one.shares_kinds))
    days = [_day(day, zone) for day in (one.trained_at, one.mou_from, one.mou_until)]
    roles = ", ".join(one.roles) if one.kind == "user" else ""
    return one.id, one.name, "yes" if one.active else "no", one.agency, roles, *days, shares


def _place(one: RegistryRecord, zone: tzinfo) -> tuple[str, ...]:
    days = [_day(day, zone) for day in (one.approved_at, one.since, one.until)]
    came = " ".join(text for text in (one.outcome, one.case_number, one.results) if text)
    active = "yes" if one.active else "no"
    return one.id, one.name, active, one.approved_by, *days, ", ".join(one.cameras), came


def _day(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}" if at else ""


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if text == kind:
            return kind
    raise typer.BadParameter(f"one of {', '.join(KINDS)}")
