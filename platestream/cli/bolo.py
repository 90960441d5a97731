"""`platestream bolo`: BOLOs of neighbouring agencies."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from connectors.settings import Settings, load_settings, open_topics
from platestream.cli.console import err, out
from platestream.cli.hotlist import look_back_for, on_record
from schemas.message import RefusedError
from services.hotlist import bolos as job
from services.hotlist.files.formats import own

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
    settings = load_settings()
    refused = 0
    for number, told in _read(file, layout):
        try:
            if isinstance(told, RefusedError):
                raise told
            taken = take_one(settings, agency, told)
            out.print(f"{taken.entry_id}: {taken.done}")
        except RefusedError as error:
            refused += 1
            err.print(
                f"{file.name}, line {number}: {error.detail}"
                if layout == "csv"
                else f"{file.name}: {error.detail}"
            )
    if refused:
        raise typer.Exit(1)


@app.command()
def serve(
    secrets: Annotated[
        Path, typer.Option(file_okay=False, exists=True, help="A file with the secret an agency.")
    ],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8095,
) -> None:
    """Take BOLOs by webhook: POST /bolo/AGENCY, JSON, signed. Put a proxy with TLS in front of it.

    Example: platestream bolo serve --secrets bolo-secrets
    """
    import uvicorn

    from platestream.bolo_server import application, read_secrets

    settings = load_settings()
    keys = read_secrets(secrets)
    err.print(f"taking BOLOs of {', '.join(keys) or 'nobody'} on http://{host}:{port}/bolo/AGENCY")
    server = application(keys, lambda agency, told: take_one(settings, agency, told))
    uvicorn.run(server, host=host, port=port, log_level="warning", access_log=False)


def take_one(settings: Settings, agency: str, told: Mapping[str, Any]) -> job.Taken:
    """One BOLO with these settings; a look-back when it lists something new. Raises RefusedError."""
    now = datetime.now(UTC)
    new: list[Any] = []
    with on_record(settings, "platestream bolo") as record:
        taken = job.take(open_topics(settings), record, agency, told, now, new.append)
    if new:
        look_back_for(settings, new, now)
    return taken


def _read(file: Path, layout: str) -> Iterator[tuple[int, Mapping[str, Any] | RefusedError]]:
    if layout == "csv":
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            yield from own(lines)
        return
    try:
        yield 1, job.read_mail(file.read_text(encoding="utf-8", errors="replace"))
    except RefusedError as error:
        yield 1, error
