"""`platestream board`: the boards as one page, for where no Grafana is."""

from typing import Annotated

import typer

from platestream.cli.console import err
from platestream.cli.entrance import entrance


def board(
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 8088,
) -> None:
    """Serve the boards' key figures and plots as one page on this machine, until Ctrl-C. No plate, no person.

    On a server it asks as the account of PLATESTREAM_CLICKHOUSE; the embedded database must be free: one
    process at a time has it. PLATESTREAM_PROMETHEUS names a Prometheus for the panels of the flows' metrics.

    Example: platestream board --port 8088
    """
    from services.boards.server import app, open_boards, serve

    with entrance("board") as door:
        boards = open_boards(door)
        err.print(f"the boards are on http://127.0.0.1:{port}/ until Ctrl-C")
        serve(app(boards), port)
