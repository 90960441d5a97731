"""`platestream evidence`: detections of a case, out of the 30-day store."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from platestream.cli.console import err, out, print_json, table
from platestream.cli.entrance import entrance
from platestream.cli.times import DAYS, TIMES, local, shown_at
from schemas import plates
from schemas.counted import counted
from services.evidence import export as exporting
from services.evidence import hold as holding
from services.evidence import origin, package
from services.hotlist.zone import agency_zone
from services.inquiries.looking import Asked

Purpose = Annotated[str, typer.Option(help="One of the agency's purposes, where it lists them.")]
app = typer.Typer(no_args_is_help=True, help="Evidence: held, exported, verified, purged in time.")


@app.command()
def hold(
    case: Annotated[str, typer.Option(help="Case number.")],
    authority: Annotated[str, typer.Option(help="Who ordered it, or the lawful action it serves.")],
    schedule: Annotated[str, typer.Option(help="Series of the records retention schedule (profile).")],
    pattern: Annotated[str, typer.Argument(help="Plate; * stands for any characters, ? for one.")] = "",
    detection: Annotated[list[UUID] | None, typer.Option(help="Only this detection; again for more.")] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="From when, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to when, UTC.")] = None,
    purpose: Purpose = "",
    violation: Annotated[str, typer.Option(help="What is investigated, where the purpose asks for it.")] = "",
    release: Annotated[
        datetime | None, typer.Option(formats=DAYS, help="Release date, instead of the schedule's.")
    ] = None,
    agency: Annotated[
        str, typer.Option(help="Reads that this other agency has (F.6), as it signs them.")
    ] = "",
    hit: Annotated[
        UUID | None,
        typer.Option(help="The read of this alert hit that another agency reported, as it signs it."),
    ] = None,
    vehicles: Annotated[
        int, typer.Option(min=0, max=10_000, help="Different vehicles held at most; 0: 50.")
    ] = 0,
) -> None:
    """Copy detections with their pictures out of the 30-day store (order, F.8.a, J.2).

    Examples: platestream evidence hold AST3087 --case 26-001234 --authority 'Det. Begay' --schedule felony
    and platestream evidence hold AST3087 --agency county --case 26-001234 --authority 'Det. Begay'
    --schedule felony
    """
    if hit is not None and (pattern or detection or camera or since or until or agency):
        raise typer.BadParameter("a hit says all of it: its agency, plate, camera and time")
    with entrance("evidence hold") as door:
        terms = holding.Terms(
            case_number=case,
            authority=authority,
            schedule=schedule,
            release_at=local(door, release),
            purpose=purpose,
            violation=violation,
            vehicles=vehicles,
        )
        only, cameras, times = detection or (), camera or (), (local(door, since), local(door, until))
        if agency or hit is not None:
            from services.evidence import elsewhere  # with it an HTTP client, for which others do not wait

        if hit is not None:
            of, reported = elsewhere.of_hit(door, terms, hit)
            held = elsewhere.hold(door, terms, of, [reported])
        elif agency:
            asked = Asked("search", plates.pattern(pattern), "", timedelta(), cameras, *times)
            passes = elsewhere.find(door, terms, agency, asked, only)
            held = elsewhere.hold(door, terms, agency, passes)
        else:
            held = holding.hold(
                door,
                terms,
                pattern=pattern,
                detections=only,
                cameras=cameras,
                since=times[0],
                until=times[1],
            )
        zone = agency_zone(door)
    out.print(
        f"hold {held.hold_id}: {len(held.detections)} detections, {len(held.pictures)} pictures, "
        f"until {held.release_at.astimezone(zone):%Y-%m-%d}"
        + (f", {len(held.answers)} signed answers of {held.origin}" if held.origin else "")
    )


@app.command()
def keep(
    hold_id: Annotated[UUID, typer.Argument(help="The hold.")],
    authority: Annotated[str, typer.Option(help="The lawful action that needs it longer.")],
    until: Annotated[datetime, typer.Option(formats=DAYS, help="The new release date.")],
    case: Annotated[str, typer.Option(help="Case number of that action.")],
    purpose: Purpose = "",
) -> None:
    """Keep a hold longer than its release date; it is never shortened (order, J.2).

    Example: platestream evidence keep 7c0e... --authority 'Subpoena' --until 2031-01-01 --case 26-CV-18
    """
    with entrance("evidence keep") as door:
        release = local(door, until)
        terms = holding.Terms(
            case_number=case, authority=authority, schedule="", release_at=release, purpose=purpose
        )
        holding.keep(door, hold_id, terms)
    out.print(f"hold {hold_id} is kept until {until:%Y-%m-%d}")


@app.command("not-needed")
def not_needed(
    case: Annotated[str, typer.Option(help="Case number.")],
    reason: Annotated[str, typer.Option(help="Why no data of it is needed as evidence.")],
) -> None:
    """Record why no data of a case is held, though it was searched for (order, F.8.a).

    Example: platestream evidence not-needed --case 26-001234 --reason 'The truck was found parked at home'
    """
    with entrance("evidence not-needed") as door:
        holding.not_needed(door, case, reason)
    out.print(f"on record: no evidence is needed of {case}")


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each hold.")] = False,
) -> None:
    """All holds, the next to be released first.

    Example: platestream evidence list
    """
    with entrance("evidence list") as door:
        holds, zone = exporting.holds(door), agency_zone(door)
    if as_json:
        for one in holds:
            print_json(one)
        return
    shown = table("hold", "case", "held", "release", "detections", "pictures", "damaged", "origin")
    for one in holds:
        shown.add_row(
            str(one.hold_id),
            one.case_number,
            shown_at(one.held_at, zone, seconds=False),
            f"{one.release_at.astimezone(zone):%Y-%m-%d}",
            *(str(count) for count in (one.detections, one.pictures, one.damaged)),
            one.origin or "own",
        )
    out.print(shown)


@app.command()
def export(
    hold_id: Annotated[UUID, typer.Argument(help="The hold.")],
    to: Annotated[Path, typer.Argument(help="A folder or .zip that is not there yet.")],
    receiver: Annotated[str, typer.Option(help="Who or what takes it in.")] = "evidence system",
    purpose: Purpose = "",
) -> None:
    """Write a signed package of a hold: originals, manifest, chain of custody, inquiries, a summary.

    Example: platestream evidence export 7c0e... case-26-001234.zip --receiver 'Evidence.com'
    """
    with entrance("evidence export") as door:
        if to.exists():
            raise FileExistsError(f"{to} is there already")
        key = exporting.agency_key(door.settings)
        made = exporting.export(door, hold_id, key, datetime.now(UTC), receiver=receiver, purpose=purpose)
    package.write(made, to)
    out.print(f"{to}: {counted(len(made), 'file')}, signed by key {package.key_fingerprint(key)}")


@app.command()
def verify(
    source: Annotated[Path, typer.Argument(exists=True, help="A package: folder or .zip.")],
    key: Annotated[
        Path | None, typer.Option(exists=True, help="The agency's public key (PEM), to know who signed.")
    ] = None,
    partner_key: Annotated[
        list[str] | None,
        typer.Option(help="Fingerprint of the key of the agency of origin, or its line; may be given again."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check a package, without a database: every file, the signature, custody and seals; of what another
    agency read also that it signed just that.

    Example: platestream evidence verify case-26-001234.zip --key sjpd.pub
    """
    files = package.read(source)
    partners = [origin.key_named(one) for one in partner_key or ()]
    manifest, faults = package.verify(files, None if key is None else key.read_bytes(), partners)
    signers = {} if manifest is None or faults else origin.keys(files)
    if as_json:
        print_json(
            {
                "file": str(source),
                "package": manifest and package.summary(manifest),
                "trusted_key": key is not None,
                "origin_keys": signers,
                "trusted_origin": bool(partners),
                "faults": faults,
            }
        )
    else:
        for fault in faults:
            err.print(fault)
        if manifest is not None and not faults:
            count = counted(len(manifest.files), "file")
            out.print(f"whole: case {manifest.case_number}, {count}, {manifest.agency}")
            told = "signed by the given key" if key else "compare the key's fingerprint with the agency's"
            out.print(f"{told}: {manifest.signed_by}")
        for which, agency in signers.items():
            told = "signed by a given key" if partners else f"compare the key's fingerprint with {agency}"
            out.print(f"answers of {agency}, {told}: {which}")
    if faults:
        raise typer.Exit(1)


@app.command("key")
def make_key(
    path: Annotated[Path, typer.Argument(help="Where the private key goes; .pub beside it.")],
) -> None:
    """Make the key that signs packages. Keep the private half; give the .pub file to whoever verifies.

    Example: platestream evidence key sjpd.pem
    """
    out.print(f"{path}: fingerprint {package.new_key(path)}")
