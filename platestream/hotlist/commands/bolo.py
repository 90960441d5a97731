"""`platestream bolo`: BOLOs of neighboring agencies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from platestream.cli.door import open_door
from platestream.cli.output import err, out
from platestream.hotlist import bolos as job
from platestream.schemas.message import RefusedError

app = typer.Typer(no_args_is_help=True, help="Add BOLOs of neighboring agencies to the hot list.")


@app.command()
def take(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A mail, its text, or a CSV file.")
    ],
    agency: Annotated[str, typer.Option(help="The agency that sent it, as registered.")],
    layout: Annotated[Literal["mail", "csv"], typer.Option("--format", help="mail or csv.")] = "mail",
) -> None:
    """Add a neighbor's BOLO to the hot list, or report its missing fields. Both are logged.

    Examples: platestream bolo take bolo.eml --agency apache-county-so
    and platestream bolo take bolos.csv --agency apache-county-so --format csv
    """
    refused = 0
    with open_door("bolo take") as door, file.open("rb") as opened:
        for number, bolo in job.read_file(opened, layout):
            try:
                if isinstance(bolo, RefusedError):
                    raise bolo
                taken = job.take(door, agency, bolo, datetime.now(UTC))
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
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8095,
) -> None:
    """Receive BOLOs by webhook: POST /bolo/AGENCY, JSON, signed. Put a proxy with TLS in front of the server.

    Example: platestream bolo serve --secrets bolo-secrets
    """
    import uvicorn

    from platestream.hotlist.http_server import application, read_secrets

    keys = read_secrets(secrets)
    with open_door("bolo serve") as door:
        settings = door.settings

    def take_one(agency: str, ident: str, body: bytes) -> job.BoloResult:
        with job.webhook(settings, agency) as machine:
            return job.receive(machine, agency, ident, body, datetime.now(UTC))

    def record_one(agency: str, why: str) -> None:
        with job.webhook(settings, agency) as machine:
            job.log_unsigned(machine, agency, why)

    err.print(f"receiving BOLOs of {', '.join(keys) or 'nobody'} on http://{host}:{port}/bolo/AGENCY")
    server = application(keys, take_one, record_one)
    uvicorn.run(server, host=host, port=port, log_level="warning", access_log=False)
