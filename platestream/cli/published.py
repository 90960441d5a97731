"""`platestream audit`: the inquiry log as it is published, with proofs and witnesses (docs/proof.md)."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from platestream.cli.console import err, out, print_json, write
from platestream.cli.entrance import display_zone, entrance, settings
from platestream.cli.times import shown_at
from schemas.counted import counted
from services.tlog import job
from services.tlog import prove as proving
from services.tlog.config import config, verifier
from services.tlog.publish import Published
from services.tlog.verify import Found, at, key_of, verify_proof, verify_published
from services.tlog.witness import LogWitness


def publish(
    every: Annotated[int, typer.Option(min=0, help="Minutes from one turn to the next; 0: once.")] = 0,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: none.")
    ] = 0,
    another_log: Annotated[
        bool, typer.Option("--another-log", help="Begin another log, after a restored backup or a lost key.")
    ] = False,
) -> None:
    """Put what was sealed into the published log, and sign, witness and stamp its head.

    Once, it is the act of whoever runs it. With --every it is the job of `platestream up`. --another-log is a
    person's alone: whoever holds a head of the log before has to be told (docs/proof.md).

    Examples: platestream audit publish
    and platestream audit publish --every 5 --metrics-port 3033
    """
    if every and another_log:
        raise typer.BadParameter("a person begins another log, once: leave out --every")
    if metrics_port:
        job.serve_metrics(metrics_port)
    if not every:
        with entrance("audit publish") as person:
            _say(job.by_a_person(person, datetime.now(UTC), another=another_log))
        return
    with entrance("audit publish") as person:
        job.start(person)
    first = True
    while True:
        try:
            _say(job.by_the_clock(settings(), datetime.now(UTC), first=first))
            first = False
        except job.PASSING as error:
            err.print(f"nothing was published: {error}")
        time.sleep(60 * every)


def head(
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON object.")] = False,
) -> None:
    """The published head, the key that it is checked with, and how its witnesses do. No inquiry is in it.

    Example: platestream audit head
    """
    found = config(settings())
    ran = job.last_run(found)
    if ran is not None and ran.refused and found.kept.secret() is None:  # a log may not be begun here
        err.print(ran.refused)
        raise typer.Exit(1)
    key = verifier(found)
    checkpoint = found.folder.find("checkpoint") or b""
    states = job.witness_states(found)
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
        out.print(f"last run {shown_at(datetime.fromtimestamp(ran.at, UTC), zone)}")
        for said in filter(None, (ran.refused, ran.unstamped)):
            err.print(said)
    for name, one in states.items():
        when = datetime.fromtimestamp(one.cosigned_at, UTC) if one.cosigned_at else None
        out.print(
            f"witness  {name}: {one.said or 'cosigned'}, last at {shown_at(when, zone)}", soft_wrap=True
        )
    write(checkpoint.decode())
    if not checkpoint or (ran is not None and ran.refused):
        raise typer.Exit(1)


def prove(
    inquiry: Annotated[UUID, typer.Argument(help="Id of the inquiry.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make, with the proof in it.")],
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is given out.")] = "",
) -> None:
    """Write the proof that one inquiry is in the published log; no other inquiry is in it.

    It holds the inquiry itself, with plate, person and reason: whoever is given it reads them.

    Example: platestream audit prove 7c0e2c0e-3c3f-4b52-9d0c-0a8f6f1d2e11 proof/ --reason 'Records request'
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists, and is not written over")
    with entrance("audit prove") as door:
        files = proving.prove(door, config(door.settings), inquiry, case_number=case, reason=reason)
    proving.write(files, folder)
    out.print(f"{folder}: {', '.join(files)}; docs/proof.md says how anybody checks them")


def witness(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8095,
    host: Annotated[
        str, typer.Option(help="Address to listen on; put TLS in front of any but this.")
    ] = "127.0.0.1",
) -> None:
    """Serve as a witness of partners' logs, as [witness] in PLATESTREAM_LOG_FILE says, until Ctrl-C.

    A head is cosigned when its log's key signed it and it goes on from the last one that was cosigned here.

    Example: platestream audit witness --port 8095
    """
    import uvicorn

    from platestream.listening import configured
    from platestream.witnessing import app

    serving = LogWitness(config(settings()))
    err.print(
        f"witness of {', '.join(serving.origins) or 'no log'} on {host}:{port} until Ctrl-C", soft_wrap=True
    )
    err.print(f"our key: {serving.key}")
    uvicorn.Server(configured(app(serving), host=host, port=port)).run()


def check_published(place: str, key: str, older: Path | None, exported: Path | None) -> None:
    """`audit verify --published`."""
    lines = exported.read_bytes().splitlines() if exported else []
    before = older.read_bytes() if older else None
    _end(verify_published(at(place), key_of(key), before, lines), "the published log is whole")


def check_proof(folder: Path, key: str) -> None:
    """`audit verify --proof`."""
    files = {name: (folder / name).read_bytes() for name in (proving.INQUIRY, proving.SALT, proving.PROOF)}
    _end(verify_proof(files, key_of(key)), "the inquiry is in the log")


def _end(found: Found, right: str) -> None:
    for fault in found.faults:
        err.print(fault)
    if found.faults:
        raise typer.Exit(1)
    out.print(f"{right}: {found.head.origin}, {counted(found.head.size, 'entry')}")


def _say(published: Published) -> None:
    head = published.head
    if not head.size:
        out.print("nothing is sealed yet, so nothing was published")
        return
    out.print(f"{head.origin}: {counted(head.size, 'entry')}, {published.new} new")
    for name in published.cosigned:
        out.print(f"cosigned by {name}")
    for said in published.silent:
        err.print(f"not cosigned: {said}")
    if published.unstamped:
        err.print(f"no time stamp: {published.unstamped}")
    if published.altered:
        seals = ", ".join(map(str, published.altered[:10]))
        err.print(f"gone or altered before they were published (platestream audit verify): seals {seals}")
