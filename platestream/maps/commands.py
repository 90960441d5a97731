"""`platestream map`: the street map below search results."""

from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.output import err, out
from platestream.maps import service
from platestream.schemas.message import RefusedError
from platestream.settings import load_settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Install the street map that is shown below search results.",
)


@app.command(name="import")
def import_map(
    file: Annotated[Path, typer.Argument(help="PMTiles archive, or GeoJSON.", exists=True, dir_okay=False)],
    attribution: Annotated[str, typer.Option(help="Source, as its license asks to be named.")] = "",
) -> None:
    """Check a map of the agency's area and install it in place of the previous one.

    The file is a PMTiles archive of vector tiles, or street centerlines as GeoJSON. It stays on this machine:
    pages never load a map from elsewhere. docs/how-to/operator/street-map.md says where to get one.

    Example: platestream map import apache-county.pmtiles
    """
    settings = load_settings()
    try:
        made = service.install(settings.data, file, attribution)
    except RefusedError as error:
        err.print(error.detail)
        raise typer.Exit(1) from None
    _print(made)


@app.command()
def show() -> None:
    """Show the installed map."""
    found = service.installed(load_settings().data)
    if found is None:
        err.print("no street map is installed: platestream map import FILE")
        raise typer.Exit(1)
    _print(found)


@app.command()
def remove() -> None:
    """Remove the installed map. Search results then show cameras only."""
    if not service.remove(load_settings().data):
        err.print("no street map is installed")
        raise typer.Exit(1)
    out.print("the street map is removed")


def _print(street_map: service.StreetMap) -> None:
    west, south, east, north = street_map.bounds
    out.print(
        f"{street_map.kind} from {south:.4f}, {west:.4f} to {north:.4f}, {east:.4f} (latitude, longitude); "
        f"source: {street_map.attribution}"
    )
