"""`platestream console`: the pages for officers, analysts, supervisors, auditors and the administrator."""

from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.console import err
from platestream.cli.entrance import settings


def console(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 8090,
    host: Annotated[
        str, typer.Option(help="Address to listen on; other than loopback with TLS only.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(help="Name by which browsers reach it; may be given again.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Certificate (PEM), with its chain.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Its private key (PEM).")
    ] = None,
    transparency: Annotated[
        bool, typer.Option("--transparency", help="With /transparency, figures for everybody.")
    ] = False,
) -> None:
    """Serve the console, until Ctrl-C or SIGTERM. People sign in with a password of `platestream account`.

    Example: platestream console --host 0.0.0.0 --name alpr.sjpd.example --certificate c.pem --key k.pem
    """
    from platestream.console.serving import loopback, serve

    if (certificate is None) != (key is None):
        raise typer.BadParameter("--certificate and --key belong together")
    if certificate is None and not loopback(host):
        raise typer.BadParameter(
            f"{host} is reached from elsewhere: --certificate and --key, or 127.0.0.1 behind a proxy"
        )
    err.print(f"the console is on {'https' if certificate else 'http'}://{(name or [host])[0]}:{port}")
    serve(settings(), host, port, name or (), certificate, key, published=transparency)
