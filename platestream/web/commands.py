"""`platestream console`: pages for officers, analysts, supervisors, auditors and administrators."""

from pathlib import Path
from typing import Annotated

import typer

from platestream.cli.door import settings
from platestream.cli.output import err
from platestream.schemas.loopback import is_loopback


def console(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8090,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any address except loopback requires TLS.")
    ] = "127.0.0.1",
    name: Annotated[list[str] | None, typer.Option(help="Host name that browsers use. Repeatable.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Certificate with its chain (PEM).")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Private key of the certificate (PEM).")
    ] = None,
    transparency: Annotated[
        bool, typer.Option("--transparency", help="Serve the public page /transparency.")
    ] = False,
) -> None:
    """Serve the console until Ctrl-C or SIGTERM. Users sign in with a password of `platestream account`.

    Example: platestream console --host 0.0.0.0 --name alpr.sjpd.example --certificate c.pem --key k.pem
    """
    from platestream.web.server import serve

    if (certificate is None) != (key is None):
        raise typer.BadParameter("--certificate and --key must be given together")
    if certificate is None and not is_loopback(host):
        raise typer.BadParameter(
            f"other machines can reach {host}: give --certificate and --key, or use 127.0.0.1 behind a proxy"
        )
    err.print(f"the console is on {'https' if certificate else 'http'}://{(name or [host])[0]}:{port}")
    serve(settings(), host, port, name or (), certificate, key, published=transparency)
