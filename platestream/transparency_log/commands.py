"""`platestream audit`: the published inquiry log, with proofs and witnesses (docs/explanation/proof.md)."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from platestream.cli.door import display_zone, format_local, open_door, settings
from platestream.cli.options import Case, MetricsPort
from platestream.cli.output import err, out, print_faults, print_json, table, write
from platestream.retention import period_proof
from platestream.runtime.metrics import serve as serve_metrics
from platestream.runtime.private_file import new_file
from platestream.schemas.pluralize import pluralize
from platestream.transparency_log import inquiry_proof
from platestream.transparency_log import service as transparency_log
from platestream.transparency_log.config import config, verifier
from platestream.transparency_log.period import PeriodReport
from platestream.transparency_log.publish import Published
from platestream.transparency_log.verify import (
    VerificationResult,
    key_of,
    reader_of,
    verify_period,
    verify_proof,
    verify_published,
)
from platestream.transparency_log.witness import LogWitness


def publish(
    every: Annotated[int, typer.Option(min=0, help="Minutes between publications; 0: publish once.")] = 0,
    metrics_port: MetricsPort = 0,
    another_log: Annotated[
        bool, typer.Option("--another-log", help="Begin another log, after a restored backup or a lost key.")
    ] = False,
) -> None:
    """Publish the newly sealed inquiries, and sign, witness and timestamp the head of the published log.

    Without --every it is the act of the person who runs it. With --every it is the job of `platestream up`.
    --another-log is for people only: notify everybody who holds a head of the previous log
    (docs/explanation/proof.md).

    Examples: platestream audit publish
    and platestream audit publish --every 5 --metrics-port 3033
    """
    if every and another_log:
        raise typer.BadParameter("--another-log cannot be combined with --every")
    if metrics_port:
        serve_metrics(metrics_port)
    with open_door("audit publish") as person:
        if not every:
            _print_result(transparency_log.publish_as_person(person, datetime.now(UTC), another=another_log))
            return
        transparency_log.start(person)
    first = True
    while True:
        try:
            _print_result(transparency_log.publish_scheduled(settings(), datetime.now(UTC), first=first))
            first = False
        except transparency_log.PASSING as error:
            err.print(f"nothing was published: {error}")
        time.sleep(60 * every)


def head(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the published head, the key that verifies it, and the status of its witnesses. It holds no
    inquiry.

    Example: platestream audit head
    """
    found = config(settings())
    ran = found.state.last_run()
    if ran is not None and ran.refused and found.state.secret() is None:  # this command may not begin a log
        err.print(ran.refused)
        raise typer.Exit(1)
    key = verifier(found)
    checkpoint = found.folder.find("checkpoint") or b""
    states = transparency_log.witness_states(found)
    if as_json:
        print_json(
            {
                "key": str(key),
                "folder": str(found.folder.root),
                "checkpoint": checkpoint.decode(),
                "refused": ran.refused if ran else "",
                "unstamped": ran.unstamped if ran else "",
                "witnesses": {
                    name: {"cosigned_at": one.cosigned_at, "said": one.said} for name, one in states.items()
                },
            }
        )
        return
    zone = display_zone()
    out.print(f"key      {key}")
    out.print(f"folder   {found.folder.root}")
    if ran is not None:
        out.print(f"last run {format_local(datetime.fromtimestamp(ran.at, UTC), zone)}")
        for said in filter(None, (ran.refused, ran.unstamped)):
            err.print(said)
    for name, one in states.items():
        when = datetime.fromtimestamp(one.cosigned_at, UTC) if one.cosigned_at else None
        out.print(
            f"witness  {name}: {one.said or 'cosigned'}, last at {format_local(when, zone)}", soft_wrap=True
        )
    write(checkpoint.decode())
    if not checkpoint or (ran is not None and ran.refused):
        raise typer.Exit(1)


def prove(
    inquiry: Annotated[UUID | None, typer.Argument(help="Id of the inquiry.")] = None,
    folder: Annotated[Path | None, typer.Argument(help="New folder for the proof.")] = None,
    period: Annotated[
        str,
        typer.Option(
            help="Prove a period instead, in UTC: 2026-10, or 2026-10-01..2026-10-15, both included."
        ),
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--out", help="File for the sealed counts of the period, for outsiders.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the period's report as a JSON object.")
    ] = False,
    case: Case = "",
    reason: Annotated[str, typer.Option(help="Reason for handing out the proof.")] = "",
) -> None:
    """Write the proof that one inquiry is in the published log, or prove that a period is complete.

    The proof of an inquiry holds the inquiry itself, with plate, person and reason, and no other one.
    Everybody who has the proof can read them.

    A period is complete if no frame and no detection vanished before its time, and none was stored longer, by
    the counts that were sealed each hour. Exit 1 if something is missing. The file has no plate.

    Examples: platestream audit prove 7c0e2c0e-3c3f-4b52-9d0c-0a8f6f1d2e11 proof/ --reason 'Records request'
    and platestream audit prove --period 2026-10 --out october.jsonl --reason 'Quarterly review'
    """
    if period:
        if inquiry is not None:
            raise typer.BadParameter("an inquiry or a --period, not both")
        _prove_period(period, to, as_json, case, reason)
        return
    if inquiry is None or folder is None:
        raise typer.BadParameter("name an inquiry and a new folder, or a --period")
    if folder.exists():
        raise FileExistsError(f"{folder} already exists and is not overwritten")
    with open_door("audit prove") as door:
        files = inquiry_proof.prove(door, config(door.settings), inquiry, case_number=case, reason=reason)
    inquiry_proof.write(files, folder)
    out.print(f"{folder}: {', '.join(files)}; docs/how-to/auditor/verify-the-log.md describes how")


def witness(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8095,
    host: Annotated[
        str, typer.Option(help="Address to listen on; put TLS in front of any other one.")
    ] = "127.0.0.1",
) -> None:
    """Serve as a witness of partners' logs, as configured in [witness] of PLATESTREAM_LOG_FILE, until Ctrl-C.

    A head is cosigned if its log's key signed it and it extends the last head that was cosigned here.

    Example: platestream audit witness --port 8095
    """
    from platestream.runtime.http_server import serve
    from platestream.transparency_log.http_server import app

    serving = LogWitness(config(settings()))
    err.print(
        f"witness of {', '.join(serving.origins) or 'no log'} on {host}:{port} until Ctrl-C", soft_wrap=True
    )
    err.print(f"our key: {serving.key}")
    serve(app(serving), port, host)


def _prove_period(period: str, to: Path | None, as_json: bool, case: str, reason: str) -> None:
    if to is not None and to.exists():
        raise FileExistsError(f"{to} already exists and is not overwritten")
    with open_door("audit prove") as door:
        proof = period_proof.prove(door, period, case_number=case, reason=reason)
    if to is not None:
        with new_file(to) as file:
            file.writelines(msgspec.json.encode(one) + b"\n" for one in proof.entries if one.salt)
    _print_period(proof.report, as_json)


def _print_period(report: PeriodReport, as_json: bool = False) -> None:
    """Print the report of a period, and exit 1 if it has faults."""
    if as_json:
        print_json({**msgspec.to_builtins(report), "complete": not report.faults})
    else:
        shown = table("camera", "frames", "refused", "lost", "missing", "detections", "deleted", "stored")
        for one in report.cameras:
            figures = (one.frames, one.refused, one.lost, one.missing, one.detections, one.deleted)
            shown.add_row(one.camera, *map(str, figures), "" if one.stored is None else str(one.stored))
        out.print(shown)
    for note in report.notes:
        err.print(note, markup=False)
    print_faults(report.faults)
    if not as_json:
        out.print(f"complete from {report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC")


def check_period(place: str, key: str, period: str, counts: Path | None) -> None:
    """Run `audit verify --published --period`."""
    lines = counts.read_bytes().splitlines() if counts else []
    verdict = verify_period(reader_of(place), key_of(key), period, datetime.now(UTC), lines)
    _print_period(replace(verdict.report, faults=verdict.result.faults))


def check_published(place: str, key: str, older: Path | None, exported: Path | None) -> None:
    """Run `audit verify --published`."""
    lines = exported.read_bytes().splitlines() if exported else []
    before = older.read_bytes() if older else None
    _end(verify_published(reader_of(place), key_of(key), before, lines), "the published log is intact")


def check_proof(folder: Path, key: str) -> None:
    """Run `audit verify --proof`."""
    names = (inquiry_proof.INQUIRY, inquiry_proof.SALT, inquiry_proof.PROOF)
    files = {name: (folder / name).read_bytes() for name in names}
    _end(verify_proof(files, key_of(key)), "the inquiry is in the log")


def _end(found: VerificationResult, right: str) -> None:
    print_faults(found.faults)
    out.print(f"{right}: {found.head.origin}, {pluralize(found.head.size, 'entry')}")


def _print_result(published: Published) -> None:
    head = published.head
    if not head.size:
        out.print("nothing was published, because nothing is sealed yet: start the audit flow")
        return
    out.print(f"{head.origin}: {pluralize(head.size, 'entry')}, {published.new} new")
    for name in published.cosigned:
        out.print(f"cosigned by {name}")
    for said in published.silent:
        err.print(f"not cosigned: {said}")
    if published.unstamped:
        err.print(f"no time stamp: {published.unstamped}")
    if published.altered:
        seals = ", ".join(map(str, published.altered[:10]))
        err.print(f"gone or altered before they were published (platestream audit verify): seals {seals}")
