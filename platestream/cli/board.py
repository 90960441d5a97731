"""`platestream board`: the boards as one page, for where no Grafana is."""

from typing import Annotated

import typer

from connectors.clickhouse_client import DASHBOARD, ConnectError, connect, run
from connectors.settings import load_settings
from platestream.cli.console import err

_THERE = "EXISTS TABLE platestream.traffic"


def board(
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 8088,
) -> None:
    """Serve the boards' key figures and plots as one page on this machine, until Ctrl-C. No plate, no person.

    On a server it asks as the account of PLATESTREAM_CLICKHOUSE; the embedded database must be free: one
    process at a time has it. PLATESTREAM_PROMETHEUS names a Prometheus for the panels of the flows' metrics.

    Example: platestream board --port 8088
    """
    from services.boards.server import Boards, app, open_prometheus, serve

    settings = load_settings()
    client = connect(settings.clickhouse, DASHBOARD, allow_plaintext=settings.allow_plaintext)
    if not run("looking for the boards' tables", lambda: client.query(_THERE)).result_rows[0][0]:
        raise ConnectError("the database has no tables for the boards yet: run `platestream migrate`")
    err.print(f"the boards are on http://127.0.0.1:{port}/ until Ctrl-C")
    serve(app(Boards(client, open_prometheus(settings.prometheus))), port)
