"""Common part of the `platestream registry` commands that write a record."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from platestream.access import registry as job
from platestream.access.door import Door, agency_zone
from platestream.cli.door import DAYS, open_door
from platestream.cli.output import out
from platestream.schemas.registry import Kind, RegistryRecord

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
Day = Annotated[datetime | None, typer.Option(formats=DAYS)]
Put = Callable[[Door, RegistryRecord, datetime], RegistryRecord]


def put_record(kind: Kind, name: str, put: Put = job.put, /, **fields: Any) -> None:
    """Build a record from the arguments, with times in the agency's zone, and record it."""
    with open_door(f"registry {kind.removeprefix('hotlist_')}") as door:
        zone = agency_zone(door)
        times = {key: at.replace(tzinfo=zone) for key, at in fields.items() if isinstance(at, datetime)}
        try:
            record = RegistryRecord(kind=kind, id=name, **{**fields, **times})
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        written = put(door, record, datetime.now(UTC))
    assert written.changed_at is not None
    out.print(f"{written.key}: in force from {written.changed_at.astimezone(zone):%Y-%m-%d %H:%M %Z}")
