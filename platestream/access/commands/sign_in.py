"""`platestream sign-in` and `sign-out`: the person's command line, by a code that the console confirms."""

import socket
from typing import Annotated

import typer

from platestream.access.device_client import DeviceClient
from platestream.cli.door import settings
from platestream.cli.output import err, out
from platestream.operations.up.status import planned_ports
from platestream.runtime import sign_in_file
from platestream.schemas.message import RefusedError

Console = Annotated[
    str, typer.Option("--console", help="Address of the console; by default that of this machine.")
]


def sign_in(console: Console = "") -> None:
    """Sign in for some hours, without a password: confirm the code in the console, with your second factor.

    The token is stored for you alone, and is the password of your account in PLATESTREAM_CLICKHOUSE, where
    that has none. SQL clients take it, too. Evidence export and recovery ask for a sign-in of the last five
    minutes where the rules require a second factor.

    Example: platestream sign-in --console https://alpr.sjpd.example
    """
    current = settings()
    client = DeviceClient(console or _own_console())

    def show(address: str, code: str) -> None:
        out.print(f"Open {address}")
        out.print(f"and confirm the code {code}")

    made = client.sign_in(socket.gethostname(), "platestream sign-in", show)
    sign_in_file.write(current.sign_in_file, made)
    err.print(f"signed in as {made.who} until {made.ends_at:%Y-%m-%d %H:%M} UTC")


def sign_out() -> None:
    """End the sign-in of this command line.

    Example: platestream sign-out
    """
    file = settings().sign_in_file
    found = sign_in_file.read(file)
    if found is None:
        raise RefusedError("sign_in", "this command line is not signed in")
    DeviceClient(found.console).sign_out(found.text)
    file.unlink(missing_ok=True)
    err.print(f"{found.who} is signed out")


def _own_console() -> str:
    console, _boards = planned_ports(settings())
    if not console:
        raise RefusedError("sign_in", "no console was started here: name its address with --console")
    return f"http://localhost:{console}"  # browsers take the console's cookies there without TLS
