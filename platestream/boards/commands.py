"""`platestream board`: the boards as one page, for installations without Grafana."""

from typing import Annotated

import typer

from platestream.cli.door import open_door
from platestream.cli.output import err


def board(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8088,
) -> None:
    """Serve the boards' key figures and plots as one page on this machine, until Ctrl-C. It shows no plates
    and no people.

    On a server it queries as the account of PLATESTREAM_CLICKHOUSE. No other process may have the embedded
    database open. PLATESTREAM_PROMETHEUS names a Prometheus for the panels of the flows' metrics.

    Example: platestream board --port 8088
    """
    from platestream.boards.server import app, open_boards
    from platestream.operations.up.status import planned_ports
    from platestream.runtime.http_server import serve

    with open_door("board") as door:
        boards = open_boards(door, planned_ports(door.settings)[0])
        err.print(f"the boards are on http://127.0.0.1:{port}/ until Ctrl-C")
        serve(app(boards), port)
