"""Restore of offers from a backup: none counts until the agency concerned has reported what it knows of it.

Another agency may have withdrawn an entry since the backup, and assumes that we know. An offer of ours may
have been withdrawn since, and its agency has forgotten it. Therefore no entry of another agency is listed,
and no offer of ours is sent again; the next messages between the two agencies, within a minute, restore the
current ones. Hits are not in a backup, because cameras' data is not, and message numbers start again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from platestream.access.door import Door
from platestream.hotlist.list_changes import entries_of
from platestream.partners.list_store import IncomingOffer, Lists, OutgoingOffer, Table
from platestream.partners.offers import lists
from platestream.partners.received_offers import withdraw
from platestream.schemas.hotlist import PARTNER_SOURCE

TABLES: dict[str, type[OutgoingOffer | IncomingOffer]] = {"offered": OutgoingOffer, "incoming": IncomingOffer}
"""Tables of the file that are in a backup."""
WITHDRAWN_SINCE = "it was not there any more after a restore: offer it again where it is to stand"


def dump_offers(tables: Lists, name: str) -> Iterator[bytes]:
    """Yield a line of JSON for each offer."""
    table: Table[Any] = getattr(tables, name)
    for one in table.all():
        yield msgspec.json.encode(one) + b"\n"


def put_back(door: Door, backed_up: Mapping[str, Iterable[bytes]]) -> bool:
    """Restore offers, by the name of their table, and remove other agencies' entries from the list, which is
    logged. Where the data folder already has offers, these remain, as they may be newer, and the result is
    False.

    Raises RefusedInquiry, DatabaseError, BrokerError, OSError, and the errors of msgspec.
    """
    with lists(door.settings).writing() as tables:
        there: list[OutgoingOffer | IncomingOffer] = [*tables.offered.all(), *tables.incoming.all()]
        found = there or [
            msgspec.json.decode(line, type=TABLES[name]) for name, rows in backed_up.items() for line in rows
        ]
        for one in found:
            if isinstance(one, OutgoingOffer):
                tables.offered.put(msgspec.structs.replace(one, restored=one.stands and not one.refused))
            else:
                tables.incoming.put(msgspec.structs.replace(one, restored=True, listed=False))
    if listed := entries_of(door.streams, PARTNER_SOURCE):
        withdraw(door, "restore", listed, "off the list until its agency says that it stands")
    return not there
