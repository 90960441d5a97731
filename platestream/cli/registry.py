"""`platestream registry`: who may do what, where cameras are, and by which rules.

Days and times that people type are those of the agency's time zone.
"""

import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer
from rich.table import Table

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import entrance
from schemas.acts import ROLES
from schemas.counted import counted
from schemas.profile import PlaceKind
from schemas.registry import Kind, Outcome, RegistryRecord
from services import recovery
from services import registry as job
from services import roster as job_roster
from services.door import Door
from services.hotlist.files.formats import layout_name, parser
from services.hotlist.origin import public_text
from services.hotlist.zone import agency_zone
from services.inquiries import looking
from services.rules import in_force

app = typer.Typer(
    no_args_is_help=True, help="Agencies, people, cameras, hot list sources; the rules in force."
)

KINDS: tuple[Kind, ...] = get_args(Kind)
DAY = ["%Y-%m-%d"]
TIMES = [*DAY, "%Y-%m-%dT%H:%M"]
_BINDS = "The file that {} may name, or none. All three are bound by the first of them."
Day = Annotated[datetime | None, typer.Option(formats=DAY)]
Put = Callable[[Door, RegistryRecord, datetime], RegistryRecord]


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
    declared_by: Annotated[str, typer.Option(help="Who signed the declaration.")] = "",
    declaration: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The text that was signed: its SHA-256 is kept."),
    ] = None,
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Add or change an agency and its MOU (order, section I.2).

    Example: platestream registry agency apache-county-so --title 'Apache County SO' --mou-from 2026-01-01
    """
    _put(
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


@app.command()
def user(
    name: Annotated[str, typer.Argument(metavar="ID", help="The account's name.")],
    title: Annotated[str, typer.Option(help="The person's name.")],
    agency: Annotated[str, typer.Option(help="Id of the agency.")],
    trained: Annotated[datetime | None, typer.Option(formats=DAY, help="Training completed (F.7).")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(ROLES)}; may be given again.")
    ] = None,
    employee_number: Annotated[
        str, typer.Option(help="Required of this agency's people, and one person's.")
    ] = "",
    material: Annotated[str, typer.Option(help="Id of the training material (E.1.d).")] = "",
    sworn: Annotated[
        bool | None, typer.Option("--sworn/--civilian", help="A sworn employee (F.4, F.8).")
    ] = None,
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Add or change a person; training is renewed by giving its new date (order, sections E.1.e and F.7).

    Roles, training and employee number that are not given stay as they are; somebody new is an officer. The
    first person is the ALPR administrator. Nobody changes their own record.

    Example: platestream registry user mlee --title 'Det. M. Lee' --agency sjpd --employee-number 1047 --sworn
    --trained 2026-09-01 --role officer --role supervisor
    """

    codes: list[str] = []

    def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        codes.append(recovery.code_at_founding(door, role or ()))
        return job.put_user(door, record, now, role or ())

    told: dict[str, Any] = {"employee_number": employee_number, "sworn": sworn, "material": material}
    _put("user", name, put, name=title, agency=agency, trained_at=trained, approved_by=approved_by, **told)
    if codes[0]:
        _show_code(codes[0])


@app.command("recovery-code")
def recovery_code() -> None:
    """Make the code by which two people bring an administrator back when none is in force; it is shown once.

    Example: platestream registry recovery-code
    """
    with entrance("registry recovery-code") as door:
        code = recovery.make_code(door)
    _show_code(code)


@app.command()
def recover(
    name: Annotated[str, typer.Argument(metavar="ID", help="The registered person who comes back.")],
    trained: Annotated[
        datetime | None,
        typer.Option(formats=DAY, help="Their training (F.7); the first of the two gives it."),
    ] = None,
) -> None:
    """Bring an administrator back while none is in force: two people give the Chief's recovery code.

    Each of the two runs this command within a day. The code is asked for at a terminal, else it is the first
    line of stdin. An auditor who was no part of it reviews it afterwards: registry review-recovery.

    Example: platestream registry recover vale --trained 2026-11-20
    """
    with entrance("registry recover") as door:
        zone = agency_zone(door)
        day = trained.replace(tzinfo=zone) if trained else None
        attempt = recovery.recover(door, name, _asked("recovery code"), day)
    if attempt.done:
        out.print(f"{name} is administrator; the code is used up: platestream registry recovery-code")
        err.print("an auditor reviews this recovery: platestream policy check names it until then")
    else:
        out.print(f"begun: a second person completes it within a day: platestream registry recover {name}")


@app.command("review-recovery")
def review_recovery(
    which: Annotated[str, typer.Argument(metavar="INQUIRY", help="As policy check names it.")],
    reason: Annotated[str, typer.Option(help="What was found.")],
) -> None:
    """Record that you, an auditor, have reviewed how an administrator was brought back.

    Example: platestream registry review-recovery 5f0c… --reason 'Asked both and the Chief; training lapsed'
    """
    with entrance("registry review-recovery") as door:
        recovery.review(door, which, reason)
    out.print("the review is on record")


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
    """Add or change a camera and its approval. From the first one on, frames of any other go to quarantine.

    Example: platestream registry camera main-st-n --title 'Main St' --latitude 34.5 --longitude -109.4
    --approved-by 'Chief of Police' --approved 2026-01-15
    """
    _put(
        "camera",
        name,
        name=title,
        latitude=latitude,
        longitude=longitude,
        approved_by=approved_by,
        approved_at=approved,
        since=since,
        until=until,
        moves=moves,
        results=results,
    )
    if not approved_by:
        err.print(f"nobody approved {name} yet: its frames go to quarantine (order, section D.5)")


@app.command()
def detail(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name of the special detail.")],
    title: Annotated[str, typer.Option(help="What it is: the operation or investigation.")],
    camera: Annotated[list[str], typer.Option(help="A camera of it; may be given again.")],
    since: Annotated[datetime, typer.Option(formats=TIMES, help="Its begin, in the agency's time zone.")],
    until: Annotated[datetime, typer.Option(formats=TIMES, help="Its end, in the agency's time zone.")],
    approved_by: Annotated[str, typer.Option(help="The Police Chief, who must approve it (G.6).")] = "",
    approved: Annotated[datetime | None, typer.Option(formats=DAY, help="When.")] = None,
    case: Annotated[str, typer.Option(help="Case number.")] = "",
    results: Annotated[str, typer.Option(help="What came of it (E.1.f); no plate.")] = "",
) -> None:
    """Add or change a special detail: cameras in a nontraditional deployment for a time (order, section G.6).

    Example: platestream registry detail op-canyon --title 'Operation Canyon' --camera trailer-1
    --since 2026-11-24T18:00 --until 2026-11-26 --approved-by 'Chief of Police' --case 26-001234
    """
    _put(
        "detail",
        name,
        name=title,
        cameras=tuple(camera),
        since=since,
        until=until,
        approved_by=approved_by,
        approved_at=approved,
        case_number=case,
        results=results,
    )
    if not approved_by:
        err.print(f"nobody approved {name}: a finding (order, section G.6)")


@app.command()
def incident(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, such as the case number.")],
    title: Annotated[str, typer.Option(help="What happened; no plate.")],
    outcome: Annotated[Outcome, typer.Option(help="arrest, recovery, person_located, significant, result.")],
    at: Annotated[datetime, typer.Option(formats=TIMES, help="When, in the agency's time zone.")],
    camera: Annotated[list[str] | None, typer.Option(help="Where; may be given again.")] = None,
    detail: Annotated[str, typer.Option(help="Of which special detail.")] = "",
    case: Annotated[str, typer.Option(help="Case number.")] = "",
) -> None:
    """Put a significant incident or arrest that is related to ALPR use on record (order, section E.1.f).

    Example: platestream registry incident 26-001234 --title 'Stolen truck recovered' --outcome recovery
    --at 2026-11-24T15:30 --camera white-mountain-dr-n --case 26-001234
    """
    _put(
        "incident",
        name,
        name=title,
        outcome=outcome,
        since=at,
        cameras=tuple(camera or ()),
        detail=detail,
        case_number=case,
    )


@app.command()
def roster(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV: user,since,until,absent.")],
    name: Annotated[str, typer.Option("--id", help="Short name; else that of the file.")] = "",
) -> None:
    """Record a roster: who is on duty when, in the agency's time zone (order, sections F.4 and F.8).

    A row with a reason in `absent` says that its person is not on duty then: list each sworn employee. The
    same id again replaces the roster; duty times that have begun stay. `registry list roster` shows rosters.

    Example: platestream registry roster 2026-W48.csv
    """
    with entrance("registry roster") as door:
        told = (name or file.stem, file.name, file.read_text(errors="replace"), agency_zone(door))
        written = job_roster.record(door, *told, datetime.now(UTC))
    out.print(f"{written.key}: {counted(len(written.duties), 'time')} on record")


@app.command()
def material(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, such as alpr-2026.")],
    title: Annotated[str, typer.Option(help="What it is called.")],
    version: Annotated[str, typer.Option(help="Which version it is.")],
    file: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The text: its SHA-256 is stored.")],
    approved_by: Annotated[str, typer.Option(help="Who approved it.")],
    approved: Annotated[datetime, typer.Option(formats=DAY, help="When.")],
) -> None:
    """Register training material (order, section E.1.d); from then on training names one (--material).

    It stays as it was approved: another version is registered by another id.

    Example: platestream registry material alpr-2026 --title 'ALPR training' --version 3 --file training.pdf
    --approved-by 'Chief of Police' --approved 2026-10-01
    """
    told: dict[str, Any] = {"version": version, "sha256": sha256(file.read_bytes()).hexdigest()}
    _put("material", name, name=title, approved_by=approved_by, approved_at=approved, **told)


@app.command()
def place(
    name: Annotated[str, typer.Argument(metavar="ID", help="Short name, such as lincoln-elementary.")],
    title: Annotated[str, typer.Option(help="What it is called.")],
    kind: Annotated[PlaceKind, typer.Option(help="What is there.")],
    latitude: Annotated[float | None, typer.Option(help="Degrees north of its middle, WGS 84.")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east of its middle, WGS 84.")] = None,
    radius: Annotated[float | None, typer.Option(help="Metres from its middle to its edge.")] = None,
    corner: Annotated[
        list[str] | None,
        typer.Option(metavar="NORTH,EAST", help="A corner, such as 47.6097,-122.3331; given in order."),
    ] = None,
    approved_by: Annotated[str, typer.Option(help="Who says that it is one.")] = "",
) -> None:
    """Add or change a sensitive place: where the profile says so, no camera may stand in it.

    Draw it with its parking lots and ways in, as the law asks. Cameras that stand in it are named.

    Examples: platestream registry place lincoln --title 'Lincoln Elementary' --kind school
    --latitude 47.61 --longitude -122.33 --radius 120
    and platestream registry place st-mary --title 'St. Mary' --kind worship --corner 47.61,-122.33
    --corner 47.61,-122.32 --corner 47.60,-122.32
    """
    outline = tuple(_corner(text) for text in corner or ())
    stands: list[str] = []

    def put(door: Door, record: RegistryRecord, now: datetime) -> RegistryRecord:
        written = job.put(door, record, now)
        stands.extend(job.stands_in(door, written))
        return written

    told: dict[str, Any] = {"latitude": latitude, "longitude": longitude, "radius_m": radius}
    _put("place", name, put, name=title, place=kind, outline=outline, approved_by=approved_by, **told)
    for one in stands:
        err.print(f"camera {one} stands in it: see platestream policy check")


@app.command()
def source(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As entries name it: ncic, acic, mvd, bolo …")],
    title: Annotated[str, typer.Option(help="Whose list it is.")] = "",
    place: Annotated[Path | None, typer.Option(help="The file or folder that the feed's job reads.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="PEM of the public key that signs the feed's files.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--format", help="Layout of the feed's files: `hotlist import` lists them.")
    ] = "csv",
    columns: Annotated[
        str, typer.Option(help="CSV without names: what each column is, `plate,,state`.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="Between the columns of such a CSV.")] = ",",
    end: Annotated[bool, typer.Option("--end", help="Withdraw it: its entries alert nobody.")] = False,
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Designate a source of the hot list and register its feed, or withdraw it (sections C.4 and E.1.b).

    Examples: platestream registry source repo --title 'Repossessions of the county'
    and platestream registry source ncic --place /srv/ncic --format ncic
    """
    if not (title or place or key or end):
        raise typer.BadParameter("name whose list it is (--title), its feed (--place, --key), or --end")
    feed = {}
    if place or key:
        parser(layout, columns, delimiter)
        feed = {
            "feed_place": str(place.absolute()) if place else "",
            "feed_key": public_text(key) if key else "",
            "feed_layout": layout_name(layout, columns, delimiter),
        }
    told = {"name": title, "active": not end, "approved_by": approved_by, **feed}
    _put("hotlist_source", name, job.designate, **told)


@app.command()
def category(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As entries name it: stolen_vehicle …")],
    longest_days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="For how many days an entry may hold at most (H.8).")
    ] = None,
    title: Annotated[str, typer.Option(help="What it is.")] = "",
    end: Annotated[bool, typer.Option("--end", help="Withdraw it: its entries alert nobody.")] = False,
    approved_by: Annotated[str, typer.Option(help="Who approved it.")] = "",
) -> None:
    """Designate a category of the hot list, or withdraw it (order, sections C.3, E.1.b and H.8).

    Example: platestream registry category stolen_trailer --longest-days 90
    """
    if not (longest_days or end):
        raise typer.BadParameter("say how long an entry may hold, --longest-days, or withdraw it, --end")
    told = {"longest_days": longest_days, "active": not end, "approved_by": approved_by}
    _put("hotlist_category", name, job.designate, name=title, **told)


@app.command()
def release(
    camera: Annotated[str, typer.Argument(help="A camera that is approved by now.")],
) -> None:
    """Let frames in quarantine be read after all, once their camera is approved. They wait for a day.

    Example: platestream registry release main-st-n
    """
    with entrance("registry release") as door:
        count = job.release(door, camera)
    out.print(f"{count} frames of {camera} are released to be read")


@app.command()
def end(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    name: Annotated[str, typer.Argument(metavar="ID")],
) -> None:
    """End the time of an agency, a person, a camera …; the record stays.

    Example: platestream registry end user mlee
    """
    with entrance("registry end") as door:
        record = job.end(door, _kind(kind), name, datetime.now(UTC))
    out.print(f"{record.key} has ended")


@app.command()
def repair() -> None:
    """Write changes to the topic that count already but did not reach it, such as while the broker was down.

    Example: platestream registry repair
    """
    with entrance("registry repair") as door:
        written = job.repair(door)
    for one in written or ["the topic has every record"]:
        out.print(one)


@app.command("raise")
def raise_limit(
    name: Annotated[str, typer.Argument(metavar="ID", help="The person's account.")],
    vehicles: Annotated[int, typer.Option(min=1, max=10_000, help="How many different vehicles more.")],
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Why so many are needed.")] = "",
) -> None:
    """Raise the number of different vehicles that a person is shown, for 24 hours. A supervisor's act.

    Example: platestream registry raise mlee --vehicles 300 --case 26-001234
    """
    with entrance("registry raise") as door:
        looking.raise_limit(door, name, vehicles, case_number=case, reason=reason)
    out.print(f"{name} is shown {vehicles} vehicles more in the next 24 hours")


@app.command("list")
def list_records(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each record.")] = False,
) -> None:
    """What the registry says now.

    Example: platestream registry list user
    """
    with entrance("registry list") as door:
        records, zone = job.show(door, _kind(kind)), agency_zone(door)
    if as_json:
        for one in records:
            print_json(one)
        return
    out.print((_people if _kind(kind) in ("agency", "user") else _places)(records, zone))


@app.command()
def rules(
    profile: Annotated[str, typer.Option(help="Put the rules of this profile in force (name or file).")] = "",
    case_number: Annotated[str, typer.Option(help="RE2 pattern of the agency's case numbers.")] = "",
    always: Annotated[
        bool | None, typer.Option("--always/--once-known", help="Whether the registry rules always hold.")
    ] = None,
    notify: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_NOTIFY_FILE"))] = "",
    partners: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_PARTNERS_FILE"))] = "",
    oidc: Annotated[str, typer.Option(help=_BINDS.format("PLATESTREAM_OIDC_FILE"))] = "",
    by: Annotated[str, typer.Option(help="Who ordered the change.")] = "",
) -> None:
    """Show all rules in force, or change them; every change stays on record.

    Example: platestream registry rules --profile st-johns --by 'Chief of Police'
    """
    named = {"notify_file": notify, "partners_file": partners, "oidc_file": oidc}
    files = {name: None if one == "none" else Path(one) for name, one in named.items() if one}
    wanted = in_force.Change(profile or None, case_number or None, always, files)
    if not (wanted.nothing or by.strip()):
        raise typer.BadParameter("say who ordered the change: --by")
    with entrance("registry rules", ruled=False) as door:
        ruled = in_force.show(door) if wanted.nothing else in_force.change(door, wanted, by)
    for line in ruled.changed:
        err.print(f"in force from now on: {line}")
    hashed = sha256(ruled.row.text.encode()).hexdigest()
    print_json({"set_at": ruled.row.set_at, "sha256": hashed, **msgspec.structs.asdict(ruled.row.rules)})
    if not ruled.registry_enforced:
        err.print("nobody is registered yet: anybody with access to the database may look (F.7)")


def _people(records: Iterable[RegistryRecord], zone: tzinfo) -> Table:
    shown = table("id", "name", "active", "agency", "roles", "trained", "MOU from", "MOU until", "shares")
    for one in records:
        shares = ", ".join((*one.shares_cameras, *one.shares_kinds))
        days = [_day(day, zone) for day in (one.trained_at, one.mou_from, one.mou_until)]
        roles = ", ".join(one.roles) if one.kind == "user" else ""
        shown.add_row(one.id, one.name, "yes" if one.active else "no", one.agency, roles, *days, shares)
    return shown


def _places(records: Iterable[RegistryRecord], zone: tzinfo) -> Table:
    shown = table(
        "id", "name", "active", "approved by", "approved", "since", "until", "cameras", "what came of it"
    )
    for one in records:
        days = [_day(day, zone) for day in (one.approved_at, one.since, one.until)]
        came = " ".join(text for text in (one.outcome, one.case_number, one.results) if text)
        active = "yes" if one.active else "no"
        shown.add_row(one.id, one.name, active, one.approved_by, *days, ", ".join(one.cameras), came)
    return shown


def _day(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}" if at else ""


def _put(kind: Kind, name: str, put: Put = job.put, /, **told: Any) -> None:
    """Make a record of what was told, times in the agency's zone, and put it on record."""
    with entrance(f"registry {kind.removeprefix('hotlist_')}") as door:
        zone = agency_zone(door)
        times = {key: at.replace(tzinfo=zone) for key, at in told.items() if isinstance(at, datetime)}
        try:
            record = RegistryRecord(kind=kind, id=name, **{**told, **times})
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        written = put(door, record, datetime.now(UTC))
    assert written.changed_at is not None
    out.print(f"{written.key}: on record from {written.changed_at.astimezone(zone):%Y-%m-%d %H:%M %Z}")


def _show_code(code: str) -> None:
    out.print(f"recovery code: {code}")
    err.print("shown once: the Chief keeps it offline; with it two people bring an administrator back")


def _asked(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True))
    return sys.stdin.readline().strip()


def _corner(text: str) -> tuple[float, float]:
    north, _comma, east = text.partition(",")
    try:
        return float(north), float(east)
    except ValueError:
        raise typer.BadParameter(f"--corner {text}: expected NORTH,EAST in degrees") from None


def _kind(text: str) -> Kind:
    for kind in KINDS:
        if text == kind:
            return kind
    raise typer.BadParameter(f"one of {', '.join(KINDS)}")
