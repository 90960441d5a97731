"""`platestream evidence`: detections of a case, copied out of the 30-day store."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from platestream.access.door import agency_zone
from platestream.cli.door import format_local, open_door, to_instant
from platestream.cli.options import (
    Cameras,
    MetricsPort,
    Purpose,
    Since,
    Until,
    Violation,
    day,
    existing_file,
    existing_folder,
)
from platestream.cli.output import err, out, print_faults, print_json, print_list
from platestream.evidence import dispatch, origin, package
from platestream.evidence import export as evidence_export
from platestream.evidence import hold as hold_service
from platestream.evidence.receipts import Receipt
from platestream.evidence.transfer_job import TransferJob
from platestream.inquiries.search import SearchRequest
from platestream.keys.recipients import parse_recipient, read_identities
from platestream.runtime.metrics import serve as serve_metrics
from platestream.schemas import plates
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="Hold, export and verify evidence.")


@app.command()
def hold(
    case: Annotated[str, typer.Option(help="Case number.")],
    authority: Annotated[str, typer.Option(help="The person who ordered it, or the lawful action.")],
    schedule: Annotated[str, typer.Option(help="Series of the records retention schedule (profile).")],
    pattern: Annotated[str, typer.Argument(help="Plate; * matches any characters, ? one.")] = "",
    detection: Annotated[list[UUID] | None, typer.Option(help="Only this detection. Repeatable.")] = None,
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
    purpose: Purpose = "",
    violation: Violation = "",
    release: Annotated[datetime | None, day("Release date, instead of the schedule's.")] = None,
    agency: Annotated[
        str, typer.Option(help="Hold reads of this other agency (F.6), with its signature.")
    ] = "",
    hit: Annotated[
        UUID | None,
        typer.Option(help="Hold the read of this alert hit from another agency, with its signature."),
    ] = None,
    vehicles: Annotated[
        int, typer.Option(min=0, max=10_000, help="Limit of different vehicles held; 0: 50.")
    ] = 0,
) -> None:
    """Hold detections with their pictures as evidence, outside the 30-day store (order, F.8.a, J.2).

    Examples: platestream evidence hold AST3087 --case 26-001234 --authority 'Det. Begay' --schedule felony
    and platestream evidence hold AST3087 --agency county --case 26-001234 --authority 'Det. Begay'
    --schedule felony
    """
    if hit is not None and (pattern or detection or camera or since or until or agency):
        raise typer.BadParameter(
            "--hit already sets agency, plate, camera and time: leave out the other options"
        )
    with open_door("evidence hold") as door:
        terms = hold_service.Terms(
            case_number=case,
            authority=authority,
            schedule=schedule,
            release_at=to_instant(door, release, last=True),
            purpose=purpose,
            violation=violation,
            vehicles=vehicles,
        )
        only, cameras = detection or (), camera or ()
        times = to_instant(door, since), to_instant(door, until, last=True)
        if agency or hit is not None:
            from platestream.evidence import partner_reads  # imports the client of other agencies

        if hit is not None:
            of, reported = partner_reads.of_hit(door, terms, hit)
            held = partner_reads.hold(door, terms, of, [reported])
        elif agency:
            query = SearchRequest("search", plates.pattern(pattern), "", timedelta(), cameras, *times)
            passes = partner_reads.find(door, terms, agency, query, only)
            held = partner_reads.hold(door, terms, agency, passes)
        else:
            held = hold_service.hold(
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
        f"hold {held.hold_id}: {pluralize(len(held.detections), 'detection')}, "
        f"{pluralize(len(held.pictures), 'picture')}, until {held.release_at.astimezone(zone):%Y-%m-%d}"
        + (f", {len(held.answers)} signed answers of {held.origin}" if held.origin else "")
    )


@app.command("keep", hidden=True)  # the name before 1.0
@app.command()
def extend(
    hold_id: Annotated[UUID, typer.Argument(help="Id of the hold, as `evidence list` shows it.")],
    authority: Annotated[str, typer.Option(help="The lawful action that requires the extension.")],
    until: Annotated[datetime, day("The new release date.")],
    case: Annotated[str, typer.Option(help="Case number of that action.")],
    purpose: Purpose = "",
) -> None:
    """Extend a hold beyond its release date; a hold is never shortened (order, J.2).

    Example: platestream evidence extend 7c0e... --authority 'Subpoena' --until 2031-01-01 --case 26-CV-18
    """
    with open_door("evidence extend") as door:
        release = to_instant(door, until, last=True)
        terms = hold_service.Terms(
            case_number=case, authority=authority, schedule="", release_at=release, purpose=purpose
        )
        hold_service.extend(door, hold_id, terms)
    out.print(f"hold {hold_id} is extended until {until:%Y-%m-%d}")


@app.command("not-needed")
def not_needed(
    case: Annotated[str, typer.Option(help="Case number.")],
    reason: Annotated[str, typer.Option(help="Reason why no data of the case is needed as evidence.")],
) -> None:
    """Record that no data is held for a case although it was searched for, and why (order, F.8.a).

    Example: platestream evidence not-needed --case 26-001234 --reason 'The truck was found parked at home'
    """
    with open_door("evidence not-needed") as door:
        hold_service.record_not_needed(door, case, reason)
    out.print(f"recorded: no evidence is needed for case {case}")


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each hold.")] = False,
) -> None:
    """List all holds, the next to be released first.

    Example: platestream evidence list
    """
    with open_door("evidence list") as door:
        holds, zone = evidence_export.holds(door), agency_zone(door)
    print_list(
        holds,
        ("hold", "case", "held", "release", "detections", "pictures", "damaged", "origin"),
        lambda one: (
            str(one.hold_id),
            one.case_number,
            format_local(one.held_at, zone, seconds=False),
            f"{one.release_at.astimezone(zone):%Y-%m-%d}",
            *(str(count) for count in (one.detections, one.pictures, one.damaged)),
            one.origin or "own",
        ),
        as_json=as_json,
    )


@app.command()
def export(
    hold_id: Annotated[UUID, typer.Argument(help="Id of the hold, as `evidence list` shows it.")],
    to: Annotated[Path | None, typer.Argument(help="A new folder or .zip file.")] = None,
    encrypt_to: Annotated[
        list[str] | None,
        typer.Option(help="Public key that opens the package: age1... or 'ssh-ed25519 ...'. Repeatable."),
    ] = None,
    system: Annotated[
        str, typer.Option(help="Registered evidence system to which the package is sent instead.")
    ] = "",
    receiver: Annotated[str, typer.Option(help="Recipient of the package.")] = "evidence system",
    purpose: Purpose = "",
) -> None:
    """Export a signed package of a hold: originals, manifest, chain of custody, inquiries, a summary.

    With --encrypt-to, the package is one file that age opens, named for example case.zip.age. A package for
    an evidence system is encrypted to the key that is registered for it.

    Examples: platestream evidence export 7c0e... case-26-001234.zip --receiver 'Evidence.com'
    and platestream evidence export 7c0e... --system property-room
    """
    if (to is None) == (not system):
        raise typer.BadParameter("give a new file or folder, or --system")
    if system and encrypt_to:
        raise typer.BadParameter("--encrypt-to is for a file; for a system, register its --recipient")
    recipients = [parse_recipient(one) for one in encrypt_to or ()]
    if to is None:
        with open_door("evidence export") as door:
            done = dispatch.export_to(door, hold_id, system, datetime.now(UTC), purpose=purpose)
        out.print(f"{done.file}: is sent to {system} by `platestream evidence follow`")
        return
    with open_door("evidence export") as door:
        if to.exists():
            raise FileExistsError(f"{to} already exists")
        key = evidence_export.agency_key(door.settings)
        made = evidence_export.export(
            door,
            hold_id,
            key,
            datetime.now(UTC),
            receiver=receiver,
            purpose=purpose,
            encrypted_to=", ".join(one.text for one in recipients),
        )
    package.write(made, to, recipients)
    sealed = f", encrypted to {pluralize(len(recipients), 'key')}" if recipients else ""
    out.print(f"{to}: {pluralize(len(made), 'file')}, signed by key {package.key_fingerprint(key)}{sealed}")


@app.command()
def transfers(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line for each export.")] = False,
) -> None:
    """List exports to evidence systems with their receipts, the latest first.

    Example: platestream evidence transfers
    """
    with open_door("evidence transfers") as door:
        found, zone = dispatch.transfers(door), agency_zone(door)

    def cells(one: dispatch.TransferView) -> tuple[str, ...]:
        exported, received = (
            format_local(at, zone, seconds=False) for at in (one.exported_at, one.receipt_at)
        )
        receipt = f"{received}, {_proof(one.receipt)}" if one.receipt and received else one.fault
        return one.file, one.case_number, one.system, exported, one.state, receipt

    columns = ("file", "case", "system", "exported", "state", "receipt")
    print_list(found, columns, cells, as_json=as_json)


def _proof(receipt: Receipt) -> str:
    locked = receipt.locked_until
    return f"{receipt.proof}, locked until {locked:%Y-%m-%d}" if locked else receipt.proof


@app.command()
def send(
    file: Annotated[str, typer.Argument(help="Name of the package, as `evidence transfers` shows it.")],
) -> None:
    """Let the job try a transfer again that it gave up.

    Example: platestream evidence send evidence-7c0e...zip
    """
    with open_door("evidence send") as door:
        dispatch.send_again(door, file)
    out.print(f"{file}: is sent again by `platestream evidence follow`")


@app.command()
def follow(
    once: Annotated[bool, typer.Option("--once", help="Try each transfer that is due, and end.")] = False,
    keys: Annotated[
        Path | None, existing_folder("Folder with a key (S3: credentials) named as each system.")
    ] = None,
    metrics_port: MetricsPort = 0,
) -> None:
    """Send exports to their evidence systems as they come, and record the receipts (order, F.8.a).

    It runs until it is stopped, as a system job that is logged as such. `platestream up --evidence` starts
    it. For SFTP, `--keys`, or `evidence/NAME/ssh_key` in the data folder, holds the private key; for S3 the
    credentials (`s3_credentials`).

    Example: platestream evidence follow
    """
    if metrics_port:
        serve_metrics(metrics_port)
    with open_door("evidence follow") as person:
        job = TransferJob(person, lambda file, what: err.print(f"{file}: {what}"), keys)
        while True:
            job.run_once(datetime.now(UTC))
            if once:
                break
            time.sleep(30)


@app.command()
def verify(
    source: Annotated[Path, typer.Argument(exists=True, help="A package: folder, .zip or .zip.age.")],
    identity: Annotated[
        Path | None, existing_file("Private key that opens an encrypted package: of age or OpenSSH.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, help="The agency's public key (PEM), to verify the signer.")
    ] = None,
    partner_key: Annotated[
        list[str] | None,
        typer.Option(help="Fingerprint of the key of the agency of origin, or its line. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify a package without a database: every file, the signature, custody and seals. For reads of another
    agency, also verify that agency's signature.

    Example: platestream evidence verify case-26-001234.zip --key sjpd.pub
    """
    files = package.read(source, read_identities(identity) if identity else ())
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
        print_faults(faults)
        if manifest is not None:
            count = pluralize(len(manifest.files), "file")
            out.print(f"intact: case {manifest.case_number}, {count}, {manifest.agency}")
            trust = "signed by the given key" if key else "compare the key's fingerprint with the agency's"
            out.print(f"{trust}: {manifest.signed_by}")
        for which, agency in signers.items():
            trust = "signed by a given key" if partners else f"compare the key's fingerprint with {agency}"
            out.print(f"answers of {agency}, {trust}: {which}")
    if faults:
        raise typer.Exit(1)


@app.command("key")
def make_key(
    path: Annotated[
        Path, typer.Argument(help="File for the private key; the public key is written beside it as .pub.")
    ],
) -> None:
    """Make the key that signs packages. Keep the private half secret; give the .pub file to everyone who
    verifies packages.

    Example: platestream evidence key sjpd.pem
    """
    out.print(f"{path}: fingerprint {package.new_key(path)}")
