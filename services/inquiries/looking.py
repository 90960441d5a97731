"""Looking for plates through the door: what is asked for, and by which of the gate's ways to look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Unpack, assert_never
from uuid import UUID

from connectors.clickhouse_client import ANALYST
from services.door import Door, Why
from services.inquiries import gate

Way = Literal["search", "fuzzy", "sightings", "companions", "cotravel"]


@dataclass(frozen=True)
class Asked:
    """What is looked for: `plate` is a pattern for `search` and `sightings`, a whole plate otherwise.

    `other_plate` is the second vehicle of `cotravel`; `within` says how far apart vehicles met, for
    `companions`, too.
    """

    way: Way
    plate: str = ""
    other_plate: str = ""
    within: timedelta = gate.MEETING
    cameras: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


def pictures(door: Door, detection_id: UUID, captured_at: datetime, **why: Unpack[Why]) -> dict[str, bytes]:
    """The pictures of a detection by kind (`crop`, `vehicle`), JPEG: a look of its own, with the errors of
    `gate.picture`.
    """
    return gate.picture(
        door.client(ANALYST), detection_id=detection_id, captured_at=captured_at, **door.said(**why)
    )


def look(door: Door, asked: Asked, **why: Unpack[Why]) -> list[gate.Row]:
    """What is found, as the function of `services.inquiries.gate` with the name of the way gives it.

    Raises RefusedInquiry when the rules refuse it, ValueError
    on a time without a zone, and DatabaseError.
    """
    client, told = door.client(ANALYST), door.said(**why)
    plate, cameras, since, until = asked.plate, asked.cameras, asked.since, asked.until
    match asked.way:
        case "search":
            return gate.search(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "fuzzy":
            return gate.fuzzy(client, plate=plate, cameras=cameras, since=since, until=until, **told)
        case "sightings":
            return gate.sightings(client, pattern=plate, cameras=cameras, since=since, until=until, **told)
        case "companions":
            return gate.companions(
                client, plate=plate, within=asked.within, cameras=cameras, since=since, until=until, **told
            )
        case "cotravel":
            return gate.cotravel(
                client,
                plate=plate,
                other_plate=asked.other_plate,
                within=asked.within,
                cameras=cameras,
                since=since,
                until=until,
                **told,
            )
    assert_never(asked.way)
