"""`platestream registry`: sources and categories of the hot list."""

from pathlib import Path
from typing import Annotated

import typer

from platestream.access import registry as job
from platestream.access.commands.registry_records import put_record
from platestream.hotlist.files.formats import layout_name, parser
from platestream.hotlist.origin import public_text

app = typer.Typer()


@app.command()
def source(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name used in entries: ncic, acic, mvd, bolo …")
    ],
    title: Annotated[str, typer.Option(help="Owner of the list.")] = "",
    place: Annotated[Path | None, typer.Option(help="The file or folder that the feed's job reads.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="PEM of the public key that signs the feed's files.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--format", help="Layout of the feed's files: `hotlist import` lists them.")
    ] = "csv",
    columns: Annotated[
        str, typer.Option(help="Column names of a CSV without a header, `plate,,state`.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="Delimiter of such a CSV.")] = ",",
    end: Annotated[bool, typer.Option("--end", help="Withdraw it: its entries stop alerting.")] = False,
    approved_by: Annotated[str, typer.Option(help="Approved by.")] = "",
) -> None:
    """Designate a source of the hot list and register its feed, or withdraw it (sections C.4 and E.1.b).

    Examples: platestream registry source repo --title 'Repossessions of the county'
    and platestream registry source ncic --place /srv/ncic --format ncic
    """
    if not (title or place or key or end):
        raise typer.BadParameter("nothing to change: give --title, --place, --key or --end")
    feed = {}
    if place or key:
        parser(layout, columns, delimiter)
        feed = {
            "feed_place": str(place.absolute()) if place else "",
            "feed_key": public_text(key) if key else "",
            "feed_layout": layout_name(layout, columns, delimiter),
        }
    fields = {"name": title, "active": not end, "approved_by": approved_by, **feed}
    put_record("hotlist_source", name, job.designate, **fields)


@app.command()
def category(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name used in entries: stolen_vehicle …")],
    longest_days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="Longest validity of an entry in days (H.8).")
    ] = None,
    title: Annotated[str, typer.Option(help="Description.")] = "",
    end: Annotated[bool, typer.Option("--end", help="Withdraw it: its entries stop alerting.")] = False,
    approved_by: Annotated[str, typer.Option(help="Approved by.")] = "",
) -> None:
    """Designate a category of the hot list, or withdraw it (order, sections C.3, E.1.b and H.8).

    Example: platestream registry category stolen_trailer --longest-days 90
    """
    if not (longest_days or end):
        raise typer.BadParameter("give --longest-days, or withdraw the category with --end")
    fields = {"longest_days": longest_days, "active": not end, "approved_by": approved_by}
    put_record("hotlist_category", name, job.designate, name=title, **fields)
