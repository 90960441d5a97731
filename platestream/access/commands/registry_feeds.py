"""`platestream registry`: sources and categories of the hot list."""

from pathlib import Path
from typing import Annotated, Any

import typer

from platestream.access import registry as job
from platestream.access.commands.registry_records import put_record
from platestream.access.registry import REMOTE
from platestream.cli.options import ApprovedBy, CsvColumns, CsvDelimiter, existing_file
from platestream.hotlist.files.column_map import ColumnMap
from platestream.hotlist.files.formats import MAP, layout_name, parser
from platestream.hotlist.origin import public_text
from platestream.runtime.sftp import Remote

app = typer.Typer()
End = Annotated[bool, typer.Option("--end", help="Withdraw it: its entries stop alerting.")]


@app.command()
def source(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name used in entries: ncic, acic, mvd, bolo …")
    ],
    title: Annotated[str, typer.Option(help="Owner of the list.")] = "",
    place: Annotated[
        str, typer.Option(help="The file or folder that the feed's job reads, or sftp://user@host:22/folder.")
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="PEM of the public key that signs the feed's files.")
    ] = None,
    layout: Annotated[
        str, typer.Option("--format", help="Layout of the feed's files: `hotlist import` lists them.")
    ] = "csv",
    columns: CsvColumns = "",
    delimiter: CsvDelimiter = ",",
    column_map: Annotated[
        Path | None, existing_file("TOML of the columns of the feed's files.", "--map")
    ] = None,
    every: Annotated[
        int | None, typer.Option(min=1, help="Minutes between files; the feed is late after twice this time.")
    ] = None,
    removes: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="Percent of the list that a file may remove; default: 20."),
    ] = None,
    end: End = False,
    approved_by: ApprovedBy = "",
) -> None:
    """Designate a source of the hot list and register its feed, or withdraw it (sections C.4 and E.1.b).

    Examples: platestream registry source repo --title 'Repossessions of the county'
    and platestream registry source ncic --place /srv/ncic --format ncic
    and platestream registry source ncic --place sftp://alpr@10.4.0.9/out --key feed.pub.pem --map ncic.toml
    """
    if not (title or place or key or end):
        raise typer.BadParameter("nothing to change: give --title, --place, --key or --end")
    feed: dict[str, Any] = {}
    if (column_map or every or removes is not None) and not (place or key):
        raise typer.BadParameter("a feed is registered as a whole: give --place or --key, too")
    if place or key:
        declared = ColumnMap.read(column_map.read_text("utf-8")).to_text() if column_map else ""
        if not declared:
            parser(layout, columns, delimiter)
        if place.startswith(REMOTE):
            Remote.parse(place)
        elif place:
            place = str(Path(place).absolute())
        feed = {
            "feed_place": place,
            "feed_key": public_text(key) if key else "",
            "feed_layout": MAP if declared else layout_name(layout, columns, delimiter),
            "feed_map": declared,
            "feed_every_minutes": every,
            "feed_removes_percent": removes,
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
    end: End = False,
    approved_by: ApprovedBy = "",
) -> None:
    """Designate a category of the hot list, or withdraw it (order, sections C.3, E.1.b and H.8).

    Example: platestream registry category stolen_trailer --longest-days 90
    """
    if not (longest_days or end):
        raise typer.BadParameter("give --longest-days, or withdraw the category with --end")
    fields = {"longest_days": longest_days, "active": not end, "approved_by": approved_by}
    put_record("hotlist_category", name, job.designate, name=title, **fields)
