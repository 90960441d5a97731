"""`platestream registry`: who may look, and where cameras are."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from connectors.clickhouse_client import OWNER, connect
from connectors.profiles import load
from connectors.settings import load_settings, open_topics
from platestream import gate_rules
from platestream import registry as job
from platestream.commands.console import err, out, print_json, table
from platestream.policy import in_force
from schemas.registry import Kind, RegistryRecord

app = typer.Typer(no_args_is_help=True, help="Agencies, users, cameras; the gate's rules.")

DAY = ["%Y-%m-%d"]
Day = Annotated[datetime | None, typer.Option(formats=DAY)]


@app.command()
def agency(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, such as apache-county-so.")],
    title: Annotated[str, typer.Option(help="The agency's name.")],
    own: Annotated[bool, typer.Option("--own", help="This agency, which needs no MOU with itself.")] = False,
    mou_from: Day = None,
    mou_until: Day = None,
    camera: Annotated[list[str] | None, typer.Option(help="What the MOU shares; none: all.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Kinds of inquiry it allows; none: all.")] = None,
    civil: Annotated[bool, typer.Option("--civil", help="Not law enforcement: legal basis needed.")] = False,
    state: Annotated[str, typer.Option(help="Postal code of its state; US: federal.")] = "",
    declared: Annotated[
        datetime | None, typer.Option(formats=DAY, help="Date of its written declaration.")
    ] = None,
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Add or change an agency and its MOU (order, section I.2).

    Example: platestream registry agency apache-county-so --title 'Apache County SO' --mou-from 2026-01-01
    """
    record = RegistryRecord(
        kind="agency",
        id=name,
        name=title,
        own=own,
        mou_from=_utc(mou_from),
        mou_until=_utc(mou_until),
        shares_cameras=tuple(camera or ()),
        shares_kinds=tuple(kind or ()),
        law_enforcement=not civil,
        state=state.upper(),
        declared_at=_utc(declared),
        approved_by=approved_by,
    )
    _put(record)


@app.command()
def user(
    name: Annotated[str, typer.Argument(metavar="ID", help="The account's name.")],
    title: Annotated[str, typer.Option(help="The person's name.")],
    agency: Annotated[str, typer.Option(help="Id of the agency.")],
    trained: Annotated[datetime | None, typer.Option(formats=DAY, help="Training completed (F.7).")] = None,
    role: Annotated[str, typer.Option(help="analyst, supervisor, auditor …")] = "",
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Add or change a user; training is renewed by giving its new date (order, sections E.1.e and F.7).

    Example: platestream registry user mlee --title 'Det. M. Lee' --agency sjpd --trained 2026-09-01
    """
    record = RegistryRecord(
        kind="user",
        id=name,
        name=title,
        agency=agency,
        role=role,
        trained_at=_utc(trained),
        approved_by=approved_by,
    )
    _put(record)


@app.command()
def camera(
    name: Annotated[str, typer.Argument(metavar="ID", help="The camera's id.")],
    title: Annotated[str, typer.Option(help="Where it is.")],
    latitude: Annotated[float, typer.Option(help="Degrees north, WGS 84.")],
    longitude: Annotated[float, typer.Option(help="Degrees east, WGS 84.")],
    approved_by: Annotated[str, typer.Option(help="Who approved the location (D.5).")] = "",
    approved: Annotated[datetime | None, typer.Option(formats=DAY, help="When.")] = None,
) -> None:
    """Add or change a camera and its approval (order, sections D.5 and E.1.f).

    Example: platestream registry camera main-st-n --title 'Main St' --latitude 34.5 --longitude -109.4
    """
    record = RegistryRecord(
        kind="camera",
        id=name,
        name=title,
        latitude=latitude,
        longitude=longitude,
        approved_by=approved_by,
        approved_at=_utc(approved),
    )
    _put(record)


@app.command()
def end(
    kind: Annotated[str, typer.Argument(help="agency, user or camera.")],
    name: Annotated[str, typer.Argument(metavar="ID")],
) -> None:
    """End an agency's, user's or camera's time; the record stays.

    Example: platestream registry end user mlee
    """
    record = job.end(load_settings(), _kind(kind), name)
    out.print(f"{record.key} has ended")


@app.command("list")
def list_records(
    kind: Annotated[str, typer.Argument(help="agency, user or camera.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a record.")] = False,
) -> None:
    """What the registry says now.

    Example: platestream registry list user
    """
    records = job.listed(open_topics(load_settings()), _kind(kind)).values()
    if as_json:
        for one in records:
            print_json(one)
        return
    shown = table("id", "name", "active", "agency", "trained", "MOU from", "MOU until", "shares")
    for one in records:
        shares = ", ".join((*one.shares_cameras, *one.shares_kinds))
        days = [f"{day:%Y-%m-%d}" if day else "" for day in (one.trained_at, one.mou_from, one.mou_until)]
        shown.add_row(one.id, one.name, "yes" if one.active else "no", one.agency, *days, shares)
    out.print(shown)


@app.command()
def rules(
    profile: Annotated[str, typer.Option(help="Put the rules of this profile in force (name or file).")] = "",
    case_number: Annotated[str, typer.Option(help="RE2 pattern of the agency's case numbers.")] = "",
    always: Annotated[
        bool | None, typer.Option("--always/--once-known", help="Whether the registry rules always hold.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who ordered the change.")] = "",
) -> None:
    """Show the gate's rules, or change them; every change stays on record.

    Example: platestream registry rules --profile st-johns --by 'Chief of Police'
    """
    settings = load_settings()
    client = connect(settings.clickhouse, OWNER, allow_plaintext=settings.allow_plaintext)
    if profile:
        read = load(profile)
        if not by:
            raise typer.BadParameter("say who ordered the change: --by")
        for line in in_force.put_in_force(client, profile, read, by):
            err.print(line)
    wanted = gate_rules.in_force(client)
    if case_number:
        wanted = replace(wanted, case_number=case_number)
    if always is not None:
        wanted = replace(wanted, always_registry=always)
    if wanted != gate_rules.in_force(client):
        if not by:
            raise typer.BadParameter("say who ordered the change: --by")
        gate_rules.put_in_force(client, wanted, by)
        err.print("in force from now on")
    print_json(gate_rules.in_force(client))
    if not gate_rules.registry_enforced(client):
        err.print("nobody is registered yet: anybody with access to the database may look (F.7)")


def _put(record: RegistryRecord) -> None:
    written = job.put(load_settings(), record)
    out.print(f"{written.key}: on record from {written.changed_at:%Y-%m-%d %H:%M} UTC")


def _kind(text: str) -> Kind:
    known: dict[str, Kind] = {"agency": "agency", "user": "user", "camera": "camera"}
    if text not in known:
        raise typer.BadParameter("agency, user or camera")
    return known[text]


def _utc(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)
