"""`platestream registry`: who may look, and where cameras are."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from connectors.clickhouse_client import OWNER, connect
from connectors.profiles import load
from connectors.settings import load_settings, open_topics
from platestream.cli.console import err, out, print_json, table
from schemas.registry import Kind, Outcome, RegistryRecord
from services import registry as job
from services.rules import gate_rules, in_force

app = typer.Typer(no_args_is_help=True, help="Agencies, users, cameras; the gate's rules.")

DAY = ["%Y-%m-%d"]
TIMES = [*DAY, "%Y-%m-%dT%H:%M"]
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
    since: Annotated[datetime | None, typer.Option(formats=DAY, help="Begin of the approved period.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=DAY, help="Its end.")] = None,
    moves: Annotated[bool, typer.Option("--moves", help="In a vehicle or portable: no fixed place.")] = False,
    results: Annotated[str, typer.Option(help="What came of it (E.1.f); no plate.")] = "",
) -> None:
    """Add or change a camera and its approval. From the first one on, frames of any other are kept apart.

    Example: platestream registry camera main-st-n --title 'Main St' --latitude 34.5 --longitude -109.4
    --approved-by 'Chief of Police' --approved 2026-01-15
    """
    record = RegistryRecord(
        kind="camera",
        id=name,
        name=title,
        latitude=latitude,
        longitude=longitude,
        approved_by=approved_by,
        approved_at=_utc(approved),
        since=_utc(since),
        until=_utc(until),
        moves=moves,
        results=results,
    )
    _put(record)
    if not approved_by:
        err.print(f"nobody approved {name} yet: its frames are kept apart (order, section D.5)")


@app.command()
def detail(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name of the special detail.")],
    title: Annotated[str, typer.Option(help="What it is: the operation or investigation.")],
    camera: Annotated[list[str], typer.Option(help="A camera of it; may be given again.")],
    since: Annotated[datetime, typer.Option(formats=TIMES, help="Its begin, UTC.")],
    until: Annotated[datetime, typer.Option(formats=TIMES, help="Its end, UTC.")],
    approved_by: Annotated[str, typer.Option(help="The Police Chief, who must approve it (G.6).")] = "",
    approved: Annotated[datetime | None, typer.Option(formats=DAY, help="When.")] = None,
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    results: Annotated[str, typer.Option(help="What came of it (E.1.f); no plate.")] = "",
) -> None:
    """Add or change a special detail: cameras in a nontraditional deployment for a time (order, section G.6).

    Example: platestream registry detail op-canyon --title 'Operation Canyon' --camera trailer-1
    --since 2026-11-24T18:00 --until 2026-11-26 --approved-by 'Chief of Police' --case 26-001234
    """
    record = RegistryRecord(
        kind="detail",
        id=name,
        name=title,
        cameras=tuple(camera),
        since=_utc(since),
        until=_utc(until),
        approved_by=approved_by,
        approved_at=_utc(approved),
        case_number=case,
        results=results,
    )
    _put(record)
    if not approved_by:
        err.print(f"nobody approved {name}: a finding (order, section G.6)")


@app.command()
def incident(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, such as the case number.")],
    title: Annotated[str, typer.Option(help="What happened; no plate.")],
    outcome: Annotated[Outcome, typer.Option(help="arrest, recovery, person_located, significant, result.")],
    at: Annotated[datetime, typer.Option(formats=TIMES, help="When, UTC.")],
    camera: Annotated[list[str] | None, typer.Option(help="Where; may be given again.")] = None,
    detail: Annotated[str, typer.Option(help="Of which special detail.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
) -> None:
    """Put a significant incident or arrest that is related to ALPR use on record (order, section E.1.f).

    Example: platestream registry incident 26-001234 --title 'Stolen truck recovered' --outcome recovery
    --at 2026-11-24T15:30 --camera white-mountain-dr-n --case 26-001234
    """
    record = RegistryRecord(
        kind="incident",
        id=name,
        name=title,
        outcome=outcome,
        since=_utc(at),
        cameras=tuple(camera or ()),
        detail=detail,
        case_number=case,
    )
    _put(record)


@app.command()
def release(
    camera: Annotated[str, typer.Argument(help="A camera that is approved by now.")],
) -> None:
    """Let frames that were kept apart be read after all, once their camera is approved. They wait for a day.

    Example: platestream registry release main-st-n
    """
    count = job.release(load_settings(), camera)
    out.print(f"{count} frames of {camera} are released to be read")


@app.command()
def end(
    kind: Annotated[str, typer.Argument(help="agency, user, camera, detail, incident or shift.")],
    name: Annotated[str, typer.Argument(metavar="ID")],
) -> None:
    """End an agency's, user's or camera's time; the record stays.

    Example: platestream registry end user mlee
    """
    record = job.end(load_settings(), _kind(kind), name)
    out.print(f"{record.key} has ended")


@app.command("list")
def list_records(
    kind: Annotated[str, typer.Argument(help="agency, user, camera, detail, incident or shift.")],
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
    shown = (_places if _kind(kind) in ("camera", "detail", "incident") else _people)(records)
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


def _people(records: Iterable[RegistryRecord]) -> Table:
    shown = table("id", "name", "active", "agency", "trained", "MOU from", "MOU until", "shares")
    for one in records:
        shares = ", ".join((*one.shares_cameras, *one.shares_kinds))
        days = [_day(day) for day in (one.trained_at, one.mou_from, one.mou_until)]
        shown.add_row(one.id, one.name, "yes" if one.active else "no", one.agency, *days, shares)
    return shown


def _places(records: Iterable[RegistryRecord]) -> Table:
    shown = table(
        "id", "name", "active", "approved by", "approved", "since", "until", "cameras", "what came of it"
    )
    for one in records:
        days = [_day(day) for day in (one.approved_at, one.since, one.until)]
        came = " ".join(text for text in (one.outcome, one.case_number, one.results) if text)
        active = "yes" if one.active else "no"
        shown.add_row(one.id, one.name, active, one.approved_by, *days, ", ".join(one.cameras), came)
    return shown


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _put(record: RegistryRecord) -> None:
    written = job.put(load_settings(), record)
    out.print(f"{written.key}: on record from {written.changed_at:%Y-%m-%d %H:%M} UTC")


def _kind(text: str) -> Kind:
    known: tuple[Kind, ...] = ("agency", "user", "camera", "detail", "incident", "shift")
    for kind in known:
        if text == kind:
            return kind
    raise typer.BadParameter(", ".join(known))


def _utc(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)
