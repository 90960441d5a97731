"""`platestream registry`: evidence systems."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from platestream.access.commands.registry_records import put_record
from platestream.access.registry import REMOTE
from platestream.cli.options import ApprovedBy, existing_file, existing_folder
from platestream.evidence import systems
from platestream.evidence.channels.s3 import SCHEME
from platestream.hotlist.origin import public_text
from platestream.keys.recipients import parse_recipient

app = typer.Typer()


@app.command("evidence-system")
def evidence_system(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Short name, for example property-room.")],
    place: Annotated[
        str, typer.Option(help="A folder, sftp://user@host:22/folder or s3://host:443/bucket/folder.")
    ],
    title: Annotated[str, typer.Option(help="The name that exports give as their recipient.")] = "",
    host_key: Annotated[Path | None, existing_file("File of the SFTP server's public host key.")] = None,
    ca: Annotated[Path | None, existing_file("PEM of the authority of an S3 server.")] = None,
    keys: Annotated[Path | None, existing_folder("Folder with S3 credentials named as the system.")] = None,
    write_only: Annotated[
        bool, typer.Option("--write-only", help="The server gives nothing back: only the size is compared.")
    ] = False,
    receipt_within: Annotated[
        int | None, typer.Option(min=1, help="Minutes within which it writes FILE.receipt.json.")
    ] = None,
    receipt_key: Annotated[
        Path | None, existing_file("PEM of the public key (Ed25519) of its receipts.")
    ] = None,
    recipient: Annotated[
        str, typer.Option(help="Public key that packages are encrypted to: age1... or 'ssh-ed25519 ...'.")
    ] = "",
    end: Annotated[bool, typer.Option("--end", help="Withdraw it: nothing is sent there any more.")] = False,
    approved_by: ApprovedBy = "",
) -> None:
    """Register an evidence system, to which exports are sent, or withdraw it (order, section F.8.a).

    Two people compare the host key by telephone. A folder has a file `.platestream-evidence` with NAME. The
    bucket of an S3 server has object lock, which is checked with the credentials in `--keys`, or in
    `evidence/NAME/s3_credentials` in the data folder.

    Examples: platestream registry evidence-system property-room --place /mnt/evidence
    and platestream registry evidence-system vault --place sftp://alpr@10.4.0.7/in --host-key vault.pub
    """
    remote = place.startswith((REMOTE, SCHEME))
    key = " ".join(host_key.read_text("utf-8").split()[:2]) if host_key else ""
    put_record(
        "evidence_system",
        name,
        partial(systems.register, keys=keys),
        name=title or name,
        transfer_place=place if remote else str(Path(place).absolute()),
        host_key=key,
        server_ca=ca.read_text("ascii") if ca else "",
        gives_back=not write_only,
        receipt_minutes=receipt_within,
        recipient=parse_recipient(recipient).text if recipient else "",
        receipt_key=public_text(receipt_key) if receipt_key else "",
        active=not end,
        approved_by=approved_by,
    )
