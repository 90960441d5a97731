"""`platestream search`: a documented inquiry."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from connectors.clickhouse_client import ANALYST, connect
from connectors.settings import load_settings
from platestream import gate
from platestream.commands.console import err, out, print_json, table
from schemas import plates

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def search(
    pattern: Annotated[str, typer.Argument(help="Plate; * stands for any characters, ? for one.")] = "",
    case: Annotated[str, typer.Option(help="Case or incident number.")] = "",
    reason: Annotated[str, typer.Option(help="Reason for the inquiry.")] = "",
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be given again.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=TIMES, help="From when, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to when, UTC.")] = None,
    agency: Annotated[str, typer.Option(help="For which agency.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON line a detection.")] = False,
) -> None:
    """Look for a plate in the last 30 days. Every inquiry is logged, refused ones too (order, section I.7).

    Examples: platestream search AST3087 --case 26-001234
    and platestream search 'AST*' --camera white-mountain-dr-n --reason 'Hit and run on 11-23'
    """
    settings = load_settings()
    client = connect(settings.clickhouse, ANALYST, allow_plaintext=settings.allow_plaintext)
    embedded = settings.clickhouse.startswith("chdb:")
    found = gate.search(
        client,
        # The embedded engine has one account; a server knows who asks.
        who=getpass.getuser() if embedded else "",
        agency=agency,
        tool="platestream search",
        case_number=case,
        reason=reason,
        pattern="".join(char for char in pattern if char in "*?" or plates.normalise(char)),
        cameras=camera or (),
        since=since and since.replace(tzinfo=UTC),
        until=until and until.replace(tzinfo=UTC),
    )
    if as_json:
        for row in found:
            print_json(row)
        return
    shown = table("captured (UTC)", "camera", "plate", "state", "sure", "frames", "vehicle", "detection")
    for row in found:
        vehicle = " ".join(filter(None, (row["vehicle_colour"], row["vehicle_make"], row["vehicle_model"])))
        shown.add_row(
            f"{row['captured_at']:%Y-%m-%d %H:%M:%S}",
            row["camera_id"],
            row["plate"],
            row["state"],
            f"{row['confidence']:.2f}",
            f"{row['agreeing']}/{row['frames']}",
            vehicle,
            str(row["detection_id"]),
        )
    out.print(shown)
    err.print(f"{len(found)} detections; the inquiry is in the log")
