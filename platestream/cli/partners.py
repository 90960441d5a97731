"""`platestream partners`: other agencies that are asked and that ask (order, sections F.6 and I.6)."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, out, table
from platestream.cli.entrance import entrance, settings
from platestream.cli.times import shown_at
from services.hotlist.zone import agency_zone
from services.partners import register as job

app = typer.Typer(
    no_args_is_help=True, help="Other agencies that are asked and that ask: keys, set, list, serve."
)

Which = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="Its first 8 digits or more.")]


@app.command("set")
def put(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="As `registry agency` has it.")],
    address: Annotated[
        str | None, typer.Option(help="https://host:port where it is asked; '' takes it away.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Its public key: the line that it shows, or a file of it; twice for two."),
    ] = None,
    end_key: Annotated[
        list[str] | None, typer.Option(help="Begin of the fingerprint of a key that has ended.")
    ] = None,
) -> None:
    """Set where a partner is asked, and its public keys. Compare the fingerprint by telephone first.

    Example: platestream partners set apache-county-so --address https://alpr.county.example:8444
    --key county.pub
    """
    if address is None and not key and not end_key:
        raise typer.BadParameter("say what is to be set: --address, --key or --end-key")
    with entrance("partners set") as door:
        written = job.put(
            door, name, datetime.now(UTC), address=address, add=[*map(_text, key or ())], end=end_key or ()
        )
    out.print(f"{written.id}: {written.address or 'no address'}", markup=False)
    for which in job.public_keys(written):
        out.print(f"key with the fingerprint {job.spoken(which)}")


@app.command("list")
def list_partners() -> None:
    """Other agencies: where they are, the fingerprints of their keys, and why one cannot be asked.

    Example: platestream partners list
    """
    with entrance("partners list") as door:
        found = job.listed(door, datetime.now(UTC))
    shown = table("agency", "address", "fingerprints of its keys", "can be asked")
    for one in found:
        prints = "\n".join(which[:16] + " …" for which in one.fingerprints)
        shown.add_row(one.record.id, one.record.address, prints, one.why_not or "yes")
    out.print(shown)


@app.command()
def keys() -> None:
    """This agency's own public keys: what is given to partners, and the fingerprints to compare by telephone.

    Example: platestream partners keys
    """
    with entrance("partners keys") as door:
        name, found = job.own_keys(door)
        zone = agency_zone(door.settings)
    out.print(f"this agency is {name or 'not registered yet'}: partners register it by this short name")
    for one in found:
        use = "signs" if one.signs else "does not sign yet"
        out.print(f"\n{one.public}\nfingerprint {job.spoken(one.fingerprint)}")
        out.print(f"made {shown_at(one.made_at, zone)}, {use}")
    if not found:
        err.print("there is none: platestream partners make-key")


@app.command()
def make_key() -> None:
    """Make a key of this agency. The first signs at once; a second waits until `use-key`.

    Example: platestream partners make-key
    """
    with entrance("partners make-key") as door:
        made = job.make_key(door, datetime.now(UTC))
    out.print(f"{made.public}\nfingerprint {job.spoken(made.fingerprint)}")
    if not made.signs:
        err.print("give it to every partner before `platestream partners use-key` lets it sign")


@app.command()
def use_key(which: Which) -> None:
    """Let a key sign from now on; the one before stays until `end-key`.

    Example: platestream partners use-key 3f9c0a71
    """
    with entrance("partners use-key") as door:
        used = job.use_key(door, which)
    out.print(f"{used.fingerprint} signs from now on")


@app.command()
def end_key(which: Which) -> None:
    """Take a key of this agency away that does not sign any more.

    Example: platestream partners end-key 81be22d0
    """
    with entrance("partners end-key") as door:
        ended = job.end_key(door, which)
    out.print(f"{ended.fingerprint} has ended: partners take it away by partners set --end-key")


@app.command()
def serve() -> None:
    """Answer partners, until Ctrl-C or SIGTERM, as [serve] of PLATESTREAM_PARTNERS_FILE says.

    Example: PLATESTREAM_PARTNERS_FILE=partners.toml platestream partners serve
    """
    from platestream.partner_server import serve as run
    from services.partners.configured import configured

    logging.getLogger("platestream.partner_server").setLevel(logging.WARNING)
    found = settings()
    told = configured(found).serve
    if told is None:
        raise typer.BadParameter("PLATESTREAM_PARTNERS_FILE names no file with a table [serve]")
    err.print(f"partners ask {told.address}; listening on {told.host}:{told.port}")
    run(found, told)


def _text(told: str) -> str:
    """A key's line, or what is in the file of that name."""
    file = Path(told)
    return file.read_text(encoding="utf-8", errors="replace") if len(told) < 1000 and file.is_file() else told
