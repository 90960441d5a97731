"""Offers out of a backup: none counts until the agency concerned has said what it knows of it.

An entry of another agency may have been withdrawn since, and its agency believes that we know. An offer of
ours may have been withdrawn since, and its agency has forgotten it. So nothing of another agency is on the
list, and nothing of ours is offered anew: the next word between the two, which comes within a minute, puts
back what stands. Hits are not kept, as they are what cameras saw, and numbers of messages are made anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from connectors.partners.lists import Incoming, Lists, Offered, Table
from schemas.hotlist import PARTNER_SOURCE
from services.door import Door
from services.hotlist.importing import entries_of
from services.partners.offering import lists
from services.partners.taking import withdraw

TABLES: dict[str, type[Offered | Incoming]] = {"offered": Offered, "incoming": Incoming}
"""What a backup has of the file."""
WITHDRAWN_SINCE = "it was not there any more after a restore: offer it again where it is to stand"


def copied(kept: Lists, name: str) -> Iterator[bytes]:
    """A line of JSON for each offer."""
    table: Table[Any] = getattr(kept, name)
    for one in table.all():
        yield msgspec.json.encode(one) + b"\n"


def put_back(door: Door, backed_up: Mapping[str, Iterable[bytes]]) -> bool:
    """Bring offers back, by the name of their table, and take entries of other agencies off the list, on
    record. Offers that the data folder has already are left, as they may be newer: then False.

    Raises RefusedInquiry, DatabaseError, BrokerError, OSError, and what msgspec raises.
    """
    with lists(door.settings).writing() as kept:
        there: list[Offered | Incoming] = [*kept.offered.all(), *kept.incoming.all()]
        found = there or [
            msgspec.json.decode(line, type=TABLES[name]) for name, rows in backed_up.items() for line in rows
        ]
        for one in found:
            if isinstance(one, Offered):
                kept.offered.put(msgspec.structs.replace(one, restored=one.stands and not one.refused))
            else:
                kept.incoming.put(msgspec.structs.replace(one, restored=True, listed=False))
    if listed := entries_of(door.streams, PARTNER_SOURCE):
        withdraw(door, "restore", listed, "off the list until its agency says that it stands")
    return not there
