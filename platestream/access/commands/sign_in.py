"""`platestream sign-in` and `sign-out`: the person's command line, by a code that the console confirms."""

import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from platestream.access import second_factor
from platestream.access.device_client import DeviceClient
from platestream.access.factor_file import FactorError, kind_of
from platestream.access.sign_in_log import SignInLog
from platestream.cli.door import open_door, settings
from platestream.cli.output import err, out
from platestream.operations.up.status import planned_ports
from platestream.runtime import sign_in_file
from platestream.schemas.acts import FACTOR_MINUTES
from platestream.schemas.message import RefusedError
from platestream.schemas.sign_in_event import SignInEvent

Console = Annotated[
    str, typer.Option("--console", help="Address of the console; by default that of this machine.")
]


def sign_in(console: Console = "") -> None:
    """Sign in for some hours, without a password: confirm the code in the console, with your second factor.

    The token is stored for you alone, and is the password of your account in PLATESTREAM_CLICKHOUSE, where
    that has none. SQL clients take it, too. Where the rules require a second factor, acts that ask for it
    again need a sign-in of the last 15 minutes. A database in this process asks for a code here.

    Example: platestream sign-in --console https://alpr.sjpd.example
    """
    current = settings()
    if not console and current.in_process and Path(current.clickhouse.removeprefix("chdb://")).is_dir():
        _give_factor_here()
        return
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


def _give_factor_here() -> None:
    with open_door("sign-in") as door:
        if not second_factor.has_recovery_codes(door.settings, door.who):
            raise RefusedError(
                "second_factor",
                f"{door.who} has no authenticator app and no recovery codes: the console sets them up",
            )
        code, now = _code(), datetime.now(UTC)
        try:
            second_factor.prove(door, code, now, "at the command line")
        except FactorError as error:
            raise RefusedError("second_factor", str(error)) from None
        event = SignInEvent(kind="confirmed", at=now, who=door.who, way="command line", factor=kind_of(code))
        SignInLog(door.settings, door.clients, lambda: now).confirmed(event)
        err.print(f"the second factor of {door.who} is given for {FACTOR_MINUTES} minutes")


def _code() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("code of your authenticator app, or a recovery code", err=True))
    return sys.stdin.readline().strip()


def _own_console() -> str:
    console, _boards = planned_ports(settings())
    if not console:
        raise RefusedError("sign_in", "no console was started here: name its address with --console")
    return f"http://localhost:{console}"  # browsers take the console's cookies there without TLS
