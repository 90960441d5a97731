"""`platestream keys`: the master key of the hourly keys, and the passwords of jobs."""

from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.options import existing_file, existing_folder
from platestream.cli.output import err, out
from platestream.operations import kafka_rotation
from platestream.operations.master_key import change_master
from platestream.operations.rotation import rotate
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="Change the master key, and the passwords of jobs.")


@app.callback()
def _group() -> None:
    """Change the master key, and the passwords of jobs."""


@app.command("rewrap")
def rewrap_keys(
    old: Annotated[str, typer.Argument(help="Path, or pkcs11: URI, of the master key before.")],
) -> None:
    """Wrap all hourly keys by the master key that the settings name now.

    Stop everything but the database first: it is refused while a process uses the keys, which processes of
    earlier releases do not show. A run that was interrupted is repeated. The change is logged as an act of an
    administrator.

    Example: platestream keys rewrap /mnt/keys/master.key
    """
    with open_door("keys rewrap") as door:
        made = change_master(door, old)
    out.print(f"{pluralize(made.done, 'key')} wrapped, {made.earlier} before.")
    if made.unread:
        err.print(f"{pluralize(len(made.unread), 'key')} that neither wrapped, such as {made.unread[0]}")
        raise typer.Exit(1)
    out.print("Destroy the old master key and its copies once everything runs.")


@app.command("rotate")
def rotate_passwords(
    jobs: Annotated[
        list[str] | None, typer.Argument(help="Jobs, such as flows or retention; none: all of them.")
    ] = None,
    accounts: Annotated[
        Path | None, existing_folder("Folder of the DSNs of a ClickHouse server's accounts.")
    ] = None,
    kafka: Annotated[
        list[Path] | None, existing_file("File of a program's account of Kafka, instead. Repeatable.")
    ] = None,
) -> None:
    """Give the database accounts of jobs new passwords while everything runs.

    Each old password is refused as soon as the new one is in its file, where running processes read it. The
    change is logged as an act of an administrator. A run that was interrupted is repeated. With --accounts
    (untried) the account `admin` of a ClickHouse server changes accounts that were made by SQL; those of
    server-users.xml need a new hash in clickhouse.env, a new DSN and a restart.

    With --kafka, as the administrator of PLATESTREAM_KAFKA, the accounts of the broker: a program that runs
    starts again with the new password when it has to connect again.

    Examples: platestream keys rotate flows retention
    and platestream keys rotate --kafka match.properties --kafka recognize.properties
    """
    if kafka and (jobs or accounts):
        raise typer.BadParameter("give jobs of the database, or files with --kafka")
    with open_door("keys rotate") as door:
        done = kafka_rotation.rotate(door, kafka) if kafka else rotate(door, jobs or [], accounts)
    out.print(f"New passwords: {', '.join(done)}.")
