"""Disproved pairs of plate and entry, as the database derives them from the officers' steps.

They are remembered while the hits are stored on which they were found, and not longer than the agency's rules
say (`alerts.disproved_for`).
"""

import logging
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from clickhouse_connect.driver.client import Client

from platestream.edges.clickhouse_client import INGEST, ConnectError, DatabaseError, connect, read_rows
from platestream.operators.disproof import Disproof, Disproofs
from platestream.settings import Settings

_DISPROVED = """
SELECT pair, kind, by, at, hit_id FROM platestream.disproved WHERE at > {since:DateTime64(3, 'UTC')}
"""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)


def read(client: Client, since: datetime) -> Disproofs:
    """Return the pairs found wrong after `since`. `client` has the role of the flows, or of a person who may
    see hits. Raises DatabaseError.
    """
    rows = read_rows(client, "reading disproved pairs", _DISPROVED, since=since)
    return {pair: Disproof(*found) for pair, *found in rows}


@lru_cache(maxsize=8)
def read_once(client: Client, recorded: Hashable, minute: int) -> Disproofs:  # noqa: ARG001 - keys of the cache
    """Return the pairs found wrong in the whole retention, read again when `recorded` or the minute changes.

    `recorded` is a value that changes with each step recorded on a hit. Raises as `read`.
    """
    return read(client, EPOCH)


class DisproofReader:
    """Reader of the disproved pairs for a flow, which asks for each batch of hits.

    While the database does not answer, no pair counts as disproved: no hit is withheld for a fault.
    """

    def __init__(self, settings: Settings, remembered: timedelta) -> None:
        self._settings, self._remembered = settings, remembered
        self._client: Client | None = None

    def __call__(self, now: datetime) -> Disproofs:
        try:
            if self._client is None:
                dsn = self._settings.clickhouse_for(INGEST)
                self._client = connect(dsn, INGEST, allow_plaintext=self._settings.allow_plaintext)
            return read(self._client, now - self._remembered)
        except (ConnectError, DatabaseError) as error:
            log.warning("disproved pairs are not known, every hit notifies: %s", error)
            self._client = None
            return {}
