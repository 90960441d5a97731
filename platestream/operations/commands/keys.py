"""`platestream keys`: the master key of the hourly keys."""

from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import err, out
from platestream.keys.master import KeysError
from platestream.operations.master_key import change_master
from platestream.schemas.pluralize import pluralize

app = typer.Typer(no_args_is_help=True, help="Change the master key of the hourly keys.")


@app.callback()
def _group() -> None:
    """Change the master key of the hourly keys."""


@app.command("rewrap")
def rewrap_keys(
    old: Annotated[str, typer.Argument(help="Path, or pkcs11: URI, of the master key before.")],
) -> None:
    """Wrap all hourly keys by the master key that the settings name now.

    Stop everything but the database first. A run that was interrupted is repeated. The change is logged as
    an act of an administrator.

    Example: platestream keys rewrap /mnt/keys/master.key
    """
    with open_door("keys rewrap") as door:
        try:
            made = change_master(door, old)
        except KeysError as error:
            err.print(str(error), markup=False)
            raise typer.Exit(1) from None
    out.print(f"{pluralize(made.done, 'key')} wrapped, {made.earlier} before.")
    if made.unread:
        err.print(f"{pluralize(len(made.unread), 'key')} that neither wrapped, such as {made.unread[0]}")
        raise typer.Exit(1)
    out.print("Destroy the old master key and its copies once everything runs.")
