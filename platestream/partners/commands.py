"""`platestream partners`: partner agencies that we query and that query us (order, sections F.6 and I.6)."""

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated

import typer

from platestream.access.door import agency_zone
from platestream.cli.door import format_local, open_door, settings
from platestream.cli.options import LookBack, MetricsPort
from platestream.cli.output import err, lines, out, print_faults, table
from platestream.partners import offers as own_offers
from platestream.partners import received_offers
from platestream.partners import register as job
from platestream.runtime.metrics import serve as serve_metrics

app = typer.Typer(no_args_is_help=True, help="Manage and serve partner agencies, keys and offers.")

Entry = Annotated[str, typer.Argument(metavar="ENTRY", help="Id of the offer, as `offers` shows it.")]
Which = Annotated[
    str, typer.Argument(metavar="FINGERPRINT", help="First 8 digits or more of the fingerprint.")
]


@app.command("set")
def put(
    name: Annotated[str, typer.Argument(metavar="AGENCY", help="Short name of the agency in the registry.")],
    address: Annotated[
        str | None, typer.Option(help="https://host:port of the partner; '' removes it.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(help="Public key of the partner, as a line or a file. Repeatable for two."),
    ] = None,
    end_key: Annotated[
        list[str] | None, typer.Option(help="Start of the fingerprint of a revoked key.")
    ] = None,
) -> None:
    """Set the address and the public keys of a partner. First compare the fingerprint by telephone.

    Example: platestream partners set apache-county-so --address https://alpr.county.example:8444
    --key county.pub
    """
    if address is None and not key and not end_key:
        raise typer.BadParameter("nothing to set: give --address, --key or --end-key")
    with open_door("partners set") as door:
        written = job.put_partner(
            door, name, datetime.now(UTC), address=address, add=[*map(_text, key or ())], end=end_key or ()
        )
    out.print(f"{written.id}: {written.address or 'no address'}")
    for which in job.public_keys(written):
        out.print(f"key with the fingerprint {job.spoken(which)}")


@app.command("list")
def list_partners() -> None:
    """List the partner agencies with their addresses, the fingerprints of their keys, and the reason if one
    cannot be queried.

    Example: platestream partners list
    """
    with open_door("partners list") as door:
        found = job.list_partners(door, datetime.now(UTC))
    shown = table("agency", "address", "fingerprints of its keys", "reachable")
    for one in found:
        prints = lines(which[:16] + " …" for which in one.fingerprints)
        shown.add_row(one.record.id, one.record.address, prints, one.objection or "yes")
    out.print(shown)


@app.command()
def keys() -> None:
    """Show this agency's public keys, to give to partners, and their fingerprints, to compare by telephone.

    Example: platestream partners keys
    """
    with open_door("partners keys") as door:
        name, found = job.own_keys(door)
        zone = agency_zone(door)
    out.print(f"this agency is {name or 'not registered yet'}: partners register it by this short name")
    for one in found:
        use = "signs" if one.signs else "not used yet"
        out.print("", one.public, f"fingerprint {job.spoken(one.fingerprint)}", sep="\n")
        out.print(f"made {format_local(one.made_at, zone)}, {use}")
    if not found:
        err.print("there is no key: run platestream partners make-key")


@app.command()
def make_key() -> None:
    """Make a key of this agency. The first key signs at once; a second one waits until `use-key`.

    Example: platestream partners make-key
    """
    with open_door("partners make-key") as door:
        made = job.make_key(door, datetime.now(UTC))
    out.print(made.public, f"fingerprint {job.spoken(made.fingerprint)}", sep="\n")
    if not made.signs:
        err.print("give it to every partner before you run `platestream partners use-key`")


@app.command()
def use_key(which: Which) -> None:
    """Sign with this key from now on. The previous key remains valid until `revoke-key`.

    Example: platestream partners use-key 3f9c0a71
    """
    with open_door("partners use-key") as door:
        used = job.use_key(door, which)
    out.print(f"{used.fingerprint} is now the signing key")


@app.command("end-key", hidden=True)  # the name before 1.0
@app.command()
def revoke_key(which: Which) -> None:
    """Revoke a key of this agency that is no longer used to sign.

    Example: platestream partners revoke-key 81be22d0
    """
    with open_door("partners revoke-key") as door:
        ended = job.end_key(door, which)
    out.print(f"{ended.fingerprint} is revoked: partners remove it with partners set --end-key")


@app.command()
def offered() -> None:
    """List the entries that we offered, with their status at each agency and the notifications that are still
    pending.

    Exits with 1 if a notification has been pending for over a minute. Example: platestream partners offered
    """
    now = datetime.now(UTC)
    with open_door("partners offered") as door:
        found, hits = own_offers.list_offers(door, now)
        zone = agency_zone(door)
    shown = table("entry", "agency", "active", "offered", "status", "notified")
    for one in found:
        shown.add_row(
            one.entry.entry_id,
            one.agency,
            "yes" if one.stands else f"no: {one.ended}",
            format_local(one.offered_at, zone),
            one.status_text or "-",
            _told(one.untold_since, one.told_at, one.fault, zone),
        )
    out.print(shown)
    for hit in hits:
        out.print(
            f"hit {hit.hit_id} on {hit.entry_id}: {hit.agency} NOT NOTIFIED "
            f"since {format_local(hit.since, zone)} {hit.fault}".rstrip(),
        )
    print_faults(own_offers.list_unreachable(settings(), now))


@app.command()
def offers() -> None:
    """List the entries that other agencies offer, pending decisions first.

    Example: platestream partners offers
    """
    with open_door("partners offers") as door:
        found, zone = received_offers.offers(door), agency_zone(door)
    columns = ("plate", "state", "category", "case", "reason; instructions", "until")
    shown = table("entry", *columns, "decided", "last contact")
    for one in sorted(found, key=lambda one: one.decision != "waiting"):
        entry = one.entry
        decided = f"{one.decision}{f' by {one.decided_by}' if one.decided_by else ''}"
        off = (
            " (OFF the list: its agency is unreachable or its MOU has ended)"
            if one.decision == "taken" and not one.listed
            else ""
        )
        shown.add_row(
            *(entry.entry_id, entry.plate, entry.state or "", entry.category),
            *(entry.case_number, f"{entry.reason}; {entry.instructions}"),
            format_local(entry.expires_at, zone, seconds=False),
            decided + off,
            format_local(one.heard_at, zone),
        )
    out.print(shown)


@app.command("take", hidden=True)  # the name before 1.0
@app.command()
def accept(
    which: Entry,
    back: LookBack = True,
) -> None:
    """Accept an entry that another agency offers: it is on our hot list until that agency withdraws it.

    Example: platestream partners accept partner:apache-county-so/3f9c0a71be02
    """
    with open_door("partners accept") as door:
        one, hits = received_offers.take(door, which, datetime.now(UTC), back=back)
        until = format_local(one.entry.expires_at, agency_zone(door))
    out.print(f"{which} is on the list until {until}, or until {one.agency} withdraws it")
    if hits is not None:
        out.print(f"look-back over all stored reads: {hits} historical hits")
    elif back:
        err.print("stored reads were not searched, because your roles do not include searching")


@app.command()
def decline(which: Entry) -> None:
    """Decline an entry that another agency offers, or remove one that was accepted.

    Example: platestream partners decline partner:apache-county-so/3f9c0a71be02
    """
    with open_door("partners decline") as door:
        one = received_offers.decline(door, which)
    out.print(f"{which} is {one.decision}")


@app.command()
def serve(
    metrics_port: MetricsPort = 0,
) -> None:
    """Answer partners' requests and send them our offers, until Ctrl-C or SIGTERM, as configured in [serve]
    of PLATESTREAM_PARTNERS_FILE.

    Example: PLATESTREAM_PARTNERS_FILE=partners.toml platestream partners serve
    """
    from platestream.partners.config import read_config
    from platestream.partners.http_server import serve as run

    logging.getLogger("platestream.partners.http_server").setLevel(logging.WARNING)
    found = settings()
    options = read_config(found).serve
    if options is None:
        raise typer.BadParameter(
            "PLATESTREAM_PARTNERS_FILE names no file with a table [serve]: "
            "add the table, and set the variable"
        )
    if metrics_port:
        serve_metrics(metrics_port)
    err.print(f"partners reach this agency at {options.address}; listening on {options.host}:{options.port}")
    run(found, options)


def _told(untold: datetime | None, notified: datetime | None, fault: str, zone: tzinfo) -> str:
    """Return the time since which a notification is pending and why, or the time when it was delivered."""
    if untold is None:
        return format_local(notified, zone)
    return f"NOT NOTIFIED since {format_local(untold, zone)} {fault}".rstrip()


def _text(text: str) -> str:
    """Return a key's line, or the text of the file of that name."""
    file = Path(text)
    return file.read_text(encoding="utf-8", errors="replace") if len(text) < 1000 and file.is_file() else text
