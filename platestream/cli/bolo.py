"""`platestream bolo`: BOLOs of neighbouring agencies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from platestream.cli.console import err, out
from platestream.cli.entrance import entrance
from schemas.message import RefusedError
from services.hotlist import bolos as job

app = typer.Typer(no_args_is_help=True, help="BOLOs of neighbouring agencies: take, serve.")


@app.command()
def take(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A mail, its text, or CSV.")],
    agency: Annotated[str, typer.Option(help="The agency that sent it, as registered.")],
    layout: Annotated[Literal["mail", "csv"], typer.Option("--format", help="mail or csv.")] = "mail",
) -> None:
    """Make what a neighbour sent an entry of the hot list, or say what lacks; either way it is on record.

    Examples: platestream bolo take bolo.eml --agency apache-county-so
    and platestream bolo take bolos.csv --agency apache-county-so --format csv
    """
    refused = 0
    with entrance("bolo take") as door, file.open("rb") as opened:
        for number, told in job.read_file(opened, layout):
            try:
                if isinstance(told, RefusedError):
                    raise told
                taken = job.take(door, agency, told, datetime.now(UTC))
                out.print(f"{taken.entry_id}: {taken.done}")
            except RefusedError as error:
                refused += 1
                line = f", line {number}" if layout == "csv" else ""
                err.print(f"{file.name}{line}: {error.detail}")
    if refused:
        raise typer.Exit(1)


@app.command()
def serve(
    secrets: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="One file with the secret for each agency.")
    ],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8095,
) -> None:
    """Take BOLOs by webhook: POST /bolo/AGENCY, JSON, signed. Put a proxy with TLS in front of it.

    Example: platestream bolo serve --secrets bolo-secrets
    """
    import uvicorn

    from platestream.bolo_server import application, read_secrets

    keys = read_secrets(secrets)
    with entrance("bolo serve") as door:
        settings = door.settings

    def take_one(agency: str, ident: str, body: bytes) -> job.Taken:
        with job.webhook(settings, agency) as machine:
            return job.receive(machine, agency, ident, body, datetime.now(UTC))

    def record_one(agency: str, why: str) -> None:
        with job.webhook(settings, agency) as machine:
            job.unsigned(machine, agency, why)

    err.print(f"taking BOLOs of {', '.join(keys) or 'nobody'} on http://{host}:{port}/bolo/AGENCY")
    server = application(keys, take_one, record_one)
    uvicorn.run(server, host=host, port=port, log_level="warning", access_log=False)
