"""`platestream backup`, `restore` and `backup-key`: back up an installation, restore it into an empty one,
and make the keys.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.access.door import Door
from platestream.cli.door import open_door
from platestream.cli.options import existing_file
from platestream.cli.output import err, out
from platestream.keys.recipients import Recipient, new_identity, read_identities, read_recipients
from platestream.operations.backup import make
from platestream.operations.backup import restore as job
from platestream.operations.backup.archive import Manifest
from platestream.operations.backup.signature import trusted_key
from platestream.schemas.message import RefusedError
from platestream.schemas.pluralize import pluralize

PUBLISHED = (
    "{count} inquiries of this backup are in a published log, and others may hold its heads, newer ones "
    "included. Nothing more is published until platestream audit publish --another-log begins another log: "
    "leave the files of the previous log on the web, and publish the reason "
    "(docs/how-to/operator/published-log.md, When publishing is refused)"
)

UNNAMED = (
    "no recipient is named, and the backup would not be encrypted. Make a key pair once, away from this "
    "machine (platestream backup-key FILE), and name its public half in a file: --recipients FILE, or "
    "PLATESTREAM_BACKUP_RECIPIENTS. Or ask for a backup in clear with --plain"
)

UNSIGNED = (
    "NOT SIGNED: a restore cannot prove who made it (platestream evidence key FILE, "
    "PLATESTREAM_EVIDENCE_KEY_FILE)"
)

UNPROVEN = (
    "no key proves who made the backup. Name the agency's with --signed-by (backup printed its "
    "fingerprint), or restore it without proof of its author: --unsigned"
)

UNHEARD = (
    "Offers between agencies take effect once the other agency has confirmed them, about a minute after the "
    "start. Then check platestream partners offers and partners offered"
)


def backup(
    file: Annotated[Path, typer.Argument(help="A new file, readable by its owner only.")],
    recipients: Annotated[
        Path | None, existing_file("Public keys to encrypt to, instead of those of the setting.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Do not encrypt the file.")] = False,
) -> None:
    """Back up the installation's records to one file while the system runs. The backup is logged as an act,
    with the public keys that it is encrypted to, and the evidence key that signs it
    (PLATESTREAM_EVIDENCE_KEY_FILE).

    The file is a ZIP archive, encrypted by age to each key of --recipients, or of
    PLATESTREAM_BACKUP_RECIPIENTS: `age1...` or `ssh-ed25519 ...`, one on each line. This machine cannot read
    it.

    The backup holds the registry, the hot list, the rules, the sealed inquiry log, the dispositions of hits,
    evidence, audits, receipts, and offers to and from other agencies. It does not hold detections, pictures
    and hits, because no copy may outlive their retention; nor keys, passwords and settings.

    Example: platestream backup /mnt/backup/2026-11-26.zip.age
    """
    if plain and recipients:
        raise typer.BadParameter("--plain and --recipients exclude each other")
    with open_door("backup") as door:
        to = () if plain else _recipients(door, file, recipients)
        try:
            made = make.backup(door, file, datetime.now(UTC), to)
            signed = trusted_key(door.settings, "")
        except OSError as error:
            err.print(f"{file}: {error.strerror or error}")
            raise typer.Exit(1) from None
    out.print(f"{file}: {_held(made)}")
    out.print(f"encrypted to {pluralize(len(to), 'key')}" if to else "NOT ENCRYPTED")
    out.print(f"signed by {signed}: keep this with the identities" if signed else UNSIGNED)


def backup_key(
    file: Annotated[Path, typer.Argument(help="A new file for the private key (identity).")],
) -> None:
    """Make a key pair for encrypted backups, as age-keygen does, and print the public key.

    Run it away from the machine that makes backups, and keep the file there: who has it reads every backup,
    and without it nobody does. Make a second pair that is stored elsewhere, and encrypt to both.

    Example: platestream backup-key identity.txt >> recipients.txt
    """
    out.print(new_identity(file, datetime.now(UTC)), soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A file of platestream backup.", exists=True)],
    identity: Annotated[
        Path | None, existing_file("Private key that opens an encrypted file: of age or OpenSSH.")
    ] = None,
    signed_by: Annotated[
        str,
        typer.Option(
            help="Public key (PEM file) or its fingerprint, by which the backup must be signed; by default "
            "that of the evidence key of the settings."
        ),
    ] = "",
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Restore it although its author is not proven.")
    ] = False,
) -> None:
    """Restore a backup into an empty installation that is not running. The restore is logged as an act.

    Then start the system and run platestream audit verify. Records that were not sealed in the backup are
    sealed at the start. Records that were made after the backup are not restored.

    Anyone who knows the public keys of your backups can encrypt a file to them. So name the agency's key with
    --signed-by; --unsigned restores a backup whose author is not proven, such as one of an earlier release,
    and the log says so.

    An encrypted file is decrypted into a temporary file that is encrypted by a key in memory: TMPDIR needs
    room for it.

    Example: platestream restore 2026-11-26.zip.age --identity identity.txt --signed-by sjpd.pub
    """
    if signed_by and unsigned:
        raise typer.BadParameter("--signed-by and --unsigned exclude each other")
    identities = read_identities(identity) if identity else ()
    with open_door("restore", ruled=False) as door:
        author = None if unsigned else trusted_key(door.settings, signed_by)
        if author == "":
            raise RefusedError("backup", UNPROVEN)
        made = job.restore(door, file, identities, author)
    out.print(f"{file}: {_held(made.manifest)}, as of {made.manifest.made_at:%Y-%m-%d %H:%M:%S}Z")
    if unsigned:
        by = f"it is signed by {made.signer}: compare this" if made.signer else "it is not signed"
        err.print(f"WARNING: who made this backup is not proven ({by}). The log says so.")
    if made.left:
        out.print(f"unchanged, because they already exist: {', '.join(made.left)}")
    if made.published:
        out.print(PUBLISHED.format(count=made.published))
    if _offers(made.manifest):
        out.print(UNHEARD)
    out.print("next: start the system (platestream up, or the containers), then run platestream audit verify")


def _recipients(door: Door, file: Path, named: Path | None) -> tuple[Recipient, ...]:
    """Return the recipients of a backup. An attempt without one is logged as refused."""
    chosen = named or door.settings.backup_recipients
    with door.log_refusal("backup", file.name):
        if chosen is None:
            raise RefusedError("backup", UNNAMED)
        return read_recipients(chosen)


def _held(made: Manifest) -> str:
    counts = {one.name: one.count for one in made.members}
    tables = [count for name, count in counts.items() if name.startswith("tables/")]
    messages = [count for name, count in counts.items() if name.startswith("topics/")]
    offers = _offers(made)
    return (
        f"{sum(tables)} rows of {len(tables)} tables, {sum(messages)} messages of {len(messages)} topics"
        + (f", {offers} offers between agencies" if offers else "")
    )


def _offers(made: Manifest) -> int:
    return sum(one.count for one in made.members if one.name.startswith("partners/"))
