"""`platestream partners`: other agencies that are asked and that ask (order, sections F.6 and I.6)."""

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err, lines, out, table
from platestream.cli.entrance import entrance, settings
from platestream.cli.times import shown_at
from services.hotlist.zone import agency_zone
from services.partners import offering, taking
from services.partners import register as job

app = typer.Typer(
    no_args_is_help=True,
    help="Other agencies that are asked and that ask: keys, set, list, offers, serve.",
)

Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="As `offers` shows it.")]
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
    out.print(f"{written.id}: {written.address or 'no address'}")
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
        prints = lines(which[:16] + " …" for which in one.fingerprints)
        shown.add_row(one.record.id, one.record.address, prints, one.why_not or "yes")
    out.print(shown)


@app.command()
def keys() -> None:
    """This agency's own public keys: what is given to partners, and the fingerprints to compare by telephone.

    Example: platestream partners keys
    """
    with entrance("partners keys") as door:
        name, found = job.own_keys(door)
        zone = agency_zone(door)
    out.print(f"this agency is {name or 'not registered yet'}: partners register it by this short name")
    for one in found:
        use = "signs" if one.signs else "does not sign yet"
        out.print("", one.public, f"fingerprint {job.spoken(one.fingerprint)}", sep="\n")
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
    out.print(made.public, f"fingerprint {job.spoken(made.fingerprint)}", sep="\n")
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
def offered() -> None:
    """Our entries that were offered, what became of each, and which agency has not been told yet of what.

    Ends with 1 where an agency has not been told for over a minute. Example: platestream partners offered
    """
    now = datetime.now(UTC)
    with entrance("partners offered") as door:
        found, hits = offering.shown(door, now)
        zone = agency_zone(door)
    shown = table("entry", "agency", "stands", "offered", "became of it", "told")
    for one in found:
        shown.add_row(
            one.entry.entry_id,
            one.agency,
            "yes" if one.stands else f"no: {one.ended}",
            shown_at(one.offered_at, zone),
            one.became or "-",
            _told(one.untold_since, one.told_at, one.fault, zone),
        )
    out.print(shown)
    for hit in hits:
        out.print(
            f"hit {hit.hit_id} on {hit.entry_id}: {hit.agency} NOT TOLD since {shown_at(hit.since, zone)} "
            f"{hit.fault}".rstrip(),
        )
    if late := offering.late(settings(), now):
        for said in late:
            err.print(said)
        raise typer.Exit(1)


@app.command()
def offers() -> None:
    """Entries that other agencies offer, those that wait for a decision first.

    Example: platestream partners offers
    """
    with entrance("partners offers") as door:
        found, zone = taking.offers(door), agency_zone(door)
    shown = table(
        "entry", "plate", "state", "category", "case", "reason; instructions", "until", "decided", "heard of"
    )
    for one in sorted(found, key=lambda one: one.decision != "waiting"):
        entry = one.entry
        decided = f"{one.decision}{f' by {one.decided_by}' if one.decided_by else ''}"
        off = (
            " (OFF the list: its agency was not heard of, or its MOU has ended)"
            if one.decision == "taken" and not one.listed
            else ""
        )
        shown.add_row(
            *(entry.entry_id, entry.plate, entry.state or "", entry.category),
            *(entry.case_number, f"{entry.reason}; {entry.instructions}"),
            shown_at(entry.expires_at, zone, seconds=False),
            decided + off,
            shown_at(one.heard_at, zone),
        )
    out.print(shown)


@app.command()
def take(
    which: Entry,
    back: Annotated[bool, typer.Option("--look-back/--no-look-back", help="Search the last 30 days.")] = True,
) -> None:
    """Put an entry that another agency offers on our hot list, until that agency withdraws it.

    Example: platestream partners take partner:apache-county-so/3f9c0a71be02
    """
    with entrance("partners take") as door:
        one, hits = taking.take(door, which, datetime.now(UTC), back=back)
        until = shown_at(one.entry.expires_at, agency_zone(door))
    out.print(f"{which} is on the list until {until}, or until {one.agency} withdraws it")
    if hits is not None:
        out.print(f"look-back over all that is kept: {hits} historical hits")
    elif back:
        err.print("no look-back was made: it is a search, and your roles do not include searching")


@app.command()
def decline(which: Entry) -> None:
    """Say no to an entry that another agency offers, or drop one that was taken.

    Example: platestream partners decline partner:apache-county-so/3f9c0a71be02
    """
    with entrance("partners decline") as door:
        one = taking.decline(door, which)
    out.print(f"{which} is {one.decision}")


@app.command()
def serve(
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Serve metrics on this port; 0: none.")
    ] = 0,
) -> None:
    """Answer partners, and tell them what they are offered, until Ctrl-C or SIGTERM, as [serve] of
    PLATESTREAM_PARTNERS_FILE says.

    Example: PLATESTREAM_PARTNERS_FILE=partners.toml platestream partners serve
    """
    from platestream.partner_server import serve as run
    from services.partners.configured import configured
    from services.partners.telling import serve_metrics

    logging.getLogger("platestream.partner_server").setLevel(logging.WARNING)
    found = settings()
    told = configured(found).serve
    if told is None:
        raise typer.BadParameter("PLATESTREAM_PARTNERS_FILE names no file with a table [serve]")
    if metrics_port:
        serve_metrics(metrics_port)
    err.print(f"partners ask {told.address}; listening on {told.host}:{told.port}")
    run(found, told)


def _told(untold: datetime | None, told: datetime | None, fault: str, zone: tzinfo) -> str:
    """Since when it has not been told and why, or when it was."""
    if untold is None:
        return shown_at(told, zone)
    return f"NOT TOLD since {shown_at(untold, zone)} {fault}".rstrip()


def _text(told: str) -> str:
    """A key's line, or what is in the file of that name."""
    file = Path(told)
    return file.read_text(encoding="utf-8", errors="replace") if len(told) < 1000 and file.is_file() else told
